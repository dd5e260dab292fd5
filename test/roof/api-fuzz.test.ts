/**
 * The API of a whole Tidegate, with every keeper in it, asked over the network in hundreds of wrong ways: no 500, no hang, and
 * nothing in the log that failed within. More, or from another seed: TIDEGATE_TEST_FUZZ_REQUESTS, TIDEGATE_TEST_SEED.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { readDocument } from '#test/admin/api-document';
import { FuzzRequests } from '#test/admin/fuzz-requests';
import { seeded } from '#test/router/sample';
import { ask, startTidegate } from '#test/support/tidegate';

const SEED = Number(process.env.TIDEGATE_TEST_SEED ?? 3);
const REQUESTS = Number(process.env.TIDEGATE_TEST_FUZZ_REQUESTS ?? 800);
const ANSWER_MAX_MS = 5000;
/** Would never end, or wait for the network. */
const LEFT_OUT = ['rotateEncryptionKey'];

test('no request over the network ends in a 500 or hangs', async (t) => {
  // Nobody answers there: no Engine, and no resolver.
  const settings = { TIDEGATE_WORKERS: '0', TIDEGATE_HTTP: 'off', TIDEGATE_DNS: '127.0.0.1:9' };
  const docker = 'unix:///nonexistent/docker.sock';
  await using tidegate = await startTidegate({ docker, settings, awaitReady: false });
  t.diagnostic(`seed ${SEED}`);
  const document = readDocument(await tidegate.adminJson('/openapi.json'));
  const operations = document.operations.filter(({ id }) => !LEFT_OUT.includes(id));
  const names = ['shop', 'web', 'default', 'acme', 'ci', 'a.test', 'unlimited', 'r1'];
  const requests = new FuzzRequests({ document, random: seeded(SEED), names });
  const authorization = `Bearer ${tidegate.operatorToken}`;
  for (let n = 0; n < REQUESTS; n++) {
    const operation = operations[n % operations.length];
    if (operation === undefined) break;
    const { path, headers, body } = requests.next(operation);
    const { accept: _, ...others } = headers;
    const what = `seed ${SEED}, request ${n}: ${operation.method} ${path.slice(0, 300)} ${body?.slice(0, 300)}`;
    const began = performance.now();
    const options = { path, method: operation.method, headers: { ...others, authorization }, timeoutMs: ANSWER_MAX_MS };
    const answer = await ask(tidegate.adminPort, body === undefined ? options : { ...options, body }).catch((error) => {
      throw new Error(`${what}: ${String(error)} after ${performance.now() - began} ms`);
    });
    const { status } = answer;
    const isAbsent = status === 503 && JSON.parse(answer.body).code === 'unavailable';
    assert.ok(status < 500 || isAbsent || path.startsWith('/readyz'), `${what} → ${status} ${answer.body}`);
  }
  assert.doesNotMatch(tidegate.log, /an API request failed/);
});
