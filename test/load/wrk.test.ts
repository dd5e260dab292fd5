/** What is read out of the words of wrk. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWrk } from '../../load/wrk.ts';

function output({ errors = '', bad = '' } = {}): string {
  return `Running 5s test @ http://127.0.0.1:9000/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.71ms  640.12us  21.30ms   91.23%
    Req/Sec    37.20k     2.11k   40.90k    80.39%
  Latency Distribution
     50%  812.00us
     75%    1.91ms
     90%    2.35ms
     99%    1.20s
  188771 requests in 5.10s, 232.41MB read
${errors}${bad}Requests/sec:  37014.12
Transfer/sec:     45.57MB
`;
}

test('requests, time and latencies are read in their units', () => {
  assert.deepEqual(parseWrk(output()), {
    requests: 188_771,
    seconds: 5.1,
    p50Ms: 0.812,
    p99Ms: 1200,
    maxMs: 21.3,
    socketErrors: 0,
    badAnswers: 0,
  });
});

test('socket errors of all kinds and bad answers are counted', () => {
  const result = parseWrk(
    output({
      errors: '  Socket errors: connect 1, read 20, write 300, timeout 4000\n',
      bad: '  Non-2xx or 3xx responses: 17\n',
    }),
  );
  assert.equal(result?.socketErrors, 4321);
  assert.equal(result?.badAnswers, 17);
});

test('what is no summary is none', () => {
  assert.equal(parseWrk('unable to connect to 127.0.0.1:9000 Connection refused\n'), null);
  assert.equal(parseWrk(''), null);
});
