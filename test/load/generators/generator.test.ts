/** What is read out of the words of the generators in C. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseGenerator } from '../../../load/generators/generator.ts';

test('requests over TLS come with their handshakes, and bad answers are errors', () => {
  const line =
    '{"requests":745,"seconds":2.5,"p50Us":82944,"p99Us":151552,"maxUs":163351,"errors":1,"badAnswers":2,"handshakes":758,"resumed":726}\n';
  assert.deepEqual(parseGenerator(line), {
    requests: 745,
    seconds: 2.5,
    p50Ms: 82.944,
    p99Ms: 151.552,
    maxMs: 163.351,
    errors: 3,
    resumed: { count: 726, of: 758 },
  });
});

test('messages count as requests and have no handshakes', () => {
  const line = '{"messages":10,"seconds":2,"p50Us":680,"p99Us":1328,"maxUs":4729,"errors":0}';
  const result = parseGenerator(line);
  assert.equal(result?.requests, 10);
  assert.equal(result?.resumed, null);
});

test('anything else is no result', () => {
  assert.equal(parseGenerator(''), null);
  assert.equal(parseGenerator('usage: tls-requests'), null);
  assert.equal(parseGenerator('{"open":5000,"echoed":0}'), null);
});
