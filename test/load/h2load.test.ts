/** What is read out of the words of h2load. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseH2load, parseH2loadLog } from '../../load/h2load.ts';

const SUMMARY = `starting benchmark...
Application protocol: h2

finished in 2.01s, 29958.00 req/s, 33.12MB/s
requests: 59916 total, 60044 started, 59916 done, 59910 succeeded, 4 failed, 2 errored, 2 timeout
status codes: 59910 2xx, 0 3xx, 0 4xx, 4 5xx
`;

test('a summary gives answers, failures, length and protocol', () => {
  assert.deepEqual(parseH2load(SUMMARY), { succeeded: 59_910, failed: 6, seconds: 2.01, protocol: 'h2' });
});

test('a length in milliseconds is read as one', () => {
  assert.equal(parseH2load(SUMMARY.replace('2.01s', '500.00ms'))?.seconds, 0.5);
});

test('anything else is no summary', () => {
  assert.equal(parseH2load('Could not connect'), null);
});

test('the log gives the time of every good answer and counts the others', () => {
  const log = '1700000000\t200\t1500\n1700000001\t204\t250\n1700000002\t502\t90\n1700000003\t-1\t10\n';
  assert.deepEqual(parseH2loadLog(log), { timesMs: [1.5, 0.25], badAnswers: 2 });
});
