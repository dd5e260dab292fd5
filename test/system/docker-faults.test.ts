/** The docker folder on a real Engine that hangs, restarts, dies, and asks for certificates. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#core/clock';
import { isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { Engine, EngineState } from '#docker/engine';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { until } from '#test/support/until';

let testEngine: TestEngine;
let engine: Engine;

before(async () => {
  testEngine = await startTestEngine({ liveRestore: true });
  await testEngine.images.hello();
  engine = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
});
afterEach(() => testEngine.reset());
after(async () => {
  engine?.close();
  await testEngine?.close();
});

/** Follows the Engine; says what came, as `connected`, `lost`, `start <name>`… */
function follow(signal: AbortSignal): string[] {
  const told: string[] = [];
  engine.follow(
    {
      onConnected: () => void told.push('connected'),
      onEvent: ({ action, attributes }) => void told.push(`${action} ${attributes.name ?? ''}`),
      onLost: () => void told.push('lost'),
    },
    signal,
  );
  return told;
}

function count(told: readonly string[], what: string): number {
  return told.filter((one) => one === what).length;
}

test('an Engine that hangs costs its own calls alone, and is back the moment it runs on', async () => {
  const { id } = await runHello(testEngine, { name: 'hello' });
  const { pid } = await engine.inspect(id);
  const ended = new AbortController();
  const told = follow(ended.signal);
  await until(() => told.includes('connected'));
  const states: EngineState[] = [];
  const forget = engine.onState((state) => void states.push(state));

  testEngine.signal('SIGSTOP');
  try {
    const calls = [engine.list(), engine.inspect(id), engine.pause(id), engine.info()];
    for (const call of await Promise.allSettled(calls)) {
      assert.ok(call.status === 'rejected');
      assert.ok(isTidegateError(call.reason, 'engine.timeout') || isTidegateError(call.reason, 'engine.breaker_open'));
    }
    await until(() => engine.state === 'degraded' && count(told, 'lost') === 1);
    await assert.rejects(engine.list(), (error) => isTidegateError(error, 'engine.breaker_open'));
    const target = { containerId: id, pid, hasHealthcheck: false };
    assert.equal(await engine.freeze(target), true);
    assert.equal(await engine.thaw(target), true);
  } finally {
    testEngine.signal('SIGCONT');
  }

  await until(() => engine.state === 'reachable' && count(told, 'connected') === 2);
  assert.deepEqual(states, ['degraded', 'reachable']);
  forget();
  assert.equal((await engine.list()).length, 1);
  await engine.unpause(id);
  await engine.stop(id, 10);
  await until(() => told.includes('stop hello'));
  ended.abort();
});

test('events are heard again after the daemon was restarted, each of them once', async () => {
  const ended = new AbortController();
  const told = follow(ended.signal);
  await until(() => told.includes('connected'));
  await runHello(testEngine, { name: 'before' });
  await until(() => told.includes('start before'));
  await testEngine.restart();
  await until(() => count(told, 'connected') === 2);
  await until(() => engine.list());
  await runHello(testEngine, { name: 'after' });
  await until(() => told.includes('start after'));
  assert.equal(count(told, 'lost'), 1);
  for (const name of ['before', 'after']) assert.equal(count(told, `start ${name}`), 1);
  ended.abort();
});

test('an Engine that was killed is degraded, its containers thaw all the same, and it comes back', async () => {
  const { id } = await runHello(testEngine, { name: 'survivor' });
  const { pid } = await engine.inspect(id);
  const target = { containerId: id, pid, hasHealthcheck: false };
  assert.equal(await engine.freeze(target), true);
  await testEngine.kill9();
  await until(() => engine.state === 'degraded');
  assert.equal(await engine.thaw(target), true);
  assert.equal(await engine.isFrozen(target), false);
  await testEngine.start();
  await until(() => engine.state === 'reachable');
  assert.equal((await engine.inspect(id)).status, 'running');
});

test('an Engine behind TLS is followed and obeyed, and never frozen behind its back', async () => {
  const file = (name: string) => fileURLToPath(new URL(`../docker/tls/${name}.pem`, import.meta.url));
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const args = ['--tlsverify', '--tlscacert', file('ca'), '--tlscert', file('cert'), '--tlskey', file('key')];
  await using remoteTestEngine = await startTestEngine({ hosts: [address], args });
  const certs = { ca: readFileSync(file('ca')), cert: readFileSync(file('cert')), key: readFileSync(file('key')) };
  const { id } = await runHello(remoteTestEngine, { name: 'remote' });
  const remote = openEngine({ endpoint: address, host: 'h2', clock: systemClock, log: silentLog, certs });
  try {
    assert.equal((await remote.list())[0]?.id, id);
    const { pid, hasHealthcheck } = await remote.inspect(id);
    assert.equal(await remote.freeze({ containerId: id, pid, hasHealthcheck }), false);
    await remote.pause(id);
    assert.equal((await remote.inspect(id)).status, 'paused');
    const told: string[] = [];
    const ended = new AbortController();
    remote.follow(
      { onConnected: () => void told.push('connected'), onEvent: ({ action }) => void told.push(action), onLost() {} },
      ended.signal,
    );
    await until(() => told.includes('connected'));
    await remote.unpause(id);
    await until(() => told.includes('unpause'));
    ended.abort();
  } finally {
    remote.close();
  }
});

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
