/** Calls to the Engine: deadlines, faults, and what they are called. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { Breaker } from '#docker/breaker';
import { Endpoint } from '#docker/endpoint';
import { type Call, EngineClient } from '#docker/engine-client';
import { FakeClock, settle } from '#test/support/fake-clock';
import { until } from '#test/support/until';
import { FakeEngine } from './fake-engine.ts';

const LIST: Call = { name: 'list', deadlineMs: 5000 };

async function setUp() {
  const fake = await FakeEngine.start();
  const clock = new FakeClock();
  const breaker = new Breaker(clock, () => {});
  const client = new EngineClient({ endpoint: new Endpoint(fake.endpoint), clock, breaker });
  return {
    fake,
    clock,
    breaker,
    client,
    list: (call = LIST) => client.call(call, (docker, abortSignal) => docker.listContainers({ abortSignal })),
    inspect: (id: string) =>
      client.call({ name: `inspect ${id}`, deadlineMs: 5000, isAboutOneContainer: true }, (docker, abortSignal) =>
        docker.getContainer(id).inspect({ abortSignal }),
      ),
    async [Symbol.asyncDispose]() {
      client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

for (const [what, version, spoken] of [
  ['an Engine whose newest version is 1.41', { ApiVersion: '1.41', MinAPIVersion: '1.12' }, 'v1.41'],
  ['an Engine whose oldest version is 1.44', { ApiVersion: '1.52', MinAPIVersion: '1.44' }, 'v1.51'],
] as const) {
  test(`${what} is spoken to in ${spoken}`, async () => {
    await using set = await setUp();
    set.fake.version = version;
    await set.list();
    await set.list();
    assert.equal(set.fake.asked.at(-1)?.path, `/${spoken}/containers/json`);
    assert.equal(set.fake.count('GET /version'), 1);
  });
}

test('an Engine that knows no version of ours is refused, and asked again with the next call', async () => {
  await using set = await setUp();
  set.fake.version = { ApiVersion: '1.40', MinAPIVersion: '1.12' };
  await assert.rejects(set.list(), code('engine.version'));
  assert.equal(set.fake.count('GET /containers/json'), 0);
  assert.equal(set.breaker.admits, true);
  set.fake.version = { ApiVersion: '1.41' };
  await set.list();
});

test('calls that begin together agree on the version once', async () => {
  await using set = await setUp();
  await Promise.all([set.list(), set.list(), set.list()]);
  assert.equal(set.fake.count('GET /version'), 1);
  assert.equal(set.fake.count('GET /containers/json'), 3);
});

test('after the Engine was away the version is agreed on again', async () => {
  await using set = await setUp();
  await set.list();
  await set.fake.die();
  await assert.rejects(set.list(), code('engine.unreachable'));
  set.fake.version = { ApiVersion: '1.48', MinAPIVersion: '1.44' };
  await set.fake.listen();
  await set.list();
  assert.equal(set.fake.asked.at(-1)?.path, '/v1.48/containers/json');
});

test('an Engine that was replaced unnoticed is spoken to in its own version', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.version = { ApiVersion: '1.50', MinAPIVersion: '1.44' };
  set.fake.script.set('GET /containers/json', ({ path }) =>
    path.startsWith('/v1.50/')
      ? { body: [] }
      : { status: 400, body: { message: 'client version 1.41 is too old. Minimum supported API version is 1.44' } },
  );
  assert.deepEqual(await set.list(), []);
});

for (const [status, expected] of [
  [400, 'engine.refused'],
  [404, 'engine.not_found'],
  [409, 'engine.refused'],
  [500, 'engine.refused'],
  [502, 'engine.unreachable'],
  [503, 'engine.unreachable'],
] as const) {
  test(`status ${status} of a call about a container is ${expected}, with the words of the Engine`, async () => {
    await using set = await setUp();
    set.fake.script.set('GET /containers/a/json', () => ({ status, body: { message: 'the words' } }));
    await assert.rejects(set.inspect('a'), (error) => {
      assert.ok(isTidegateError(error, expected));
      assert.match(error.message, /inspect a: the words/);
      return true;
    });
  });
}

test('404 to a call that is about no container is a refusal', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /containers/json', () => ({ status: 404, body: { message: 'page not found' } }));
  await assert.rejects(set.list(), code('engine.refused'));
});

test('refusals, however many, do not open the breaker', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /containers/json', () => ({ status: 500, body: { message: 'no' } }));
  for (let i = 0; i < 5; i++) await assert.rejects(set.list(), code('engine.refused'));
  assert.equal(set.breaker.state, 'closed');
});

test('an Engine that is not there is unreachable, and soon not even tried', async () => {
  await using set = await setUp();
  await set.fake.die();
  for (let i = 0; i < 3; i++) await assert.rejects(set.list(), code('engine.unreachable'));
  await assert.rejects(set.list(), code('engine.breaker_open'));
});

test('a call that hangs ends at its deadline, and its request with it', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.hangs = true;
  const hanging = set.list();
  hanging.catch(() => {});
  await until(() => set.fake.unansweredCount === 1);
  await set.clock.advance(4999);
  assert.equal(set.fake.unansweredCount, 1);
  await set.clock.advance(1);
  await assert.rejects(hanging, code('engine.timeout'));
  await until(() => set.fake.unansweredCount === 0);
});

test('while the breaker is open calls fail at once and nothing is sent', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.hangs = true;
  const hanging = Promise.allSettled([set.list(), set.list(), set.list()]);
  await until(() => set.fake.unansweredCount === 3);
  await set.clock.advance(5000);
  await hanging;
  const before = set.fake.asked.length;
  await assert.rejects(set.list(), code('engine.breaker_open'));
  assert.equal(set.fake.asked.length, before);
});

test('a ping is sent even then, and its answer lets calls through again', async () => {
  await using set = await setUp();
  await set.fake.die();
  for (let i = 0; i < 3; i++) await assert.rejects(set.list());
  await set.fake.listen();
  await assert.rejects(set.list(), code('engine.breaker_open'));
  await set.client.ping();
  await set.list();
});

test('a ping that hangs ends sooner, and its request with it', async () => {
  await using set = await setUp();
  set.fake.hangs = true;
  const hanging = set.client.ping();
  hanging.catch(() => {});
  await until(() => set.fake.unansweredCount === 1);
  await set.clock.advance(1500);
  await assert.rejects(hanging, code('engine.timeout'));
  await until(() => set.fake.unansweredCount === 0);
});

test('a long call that misses its deadline does not count', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.hangs = true;
  const slow = { ...LIST, name: 'stop', slow: true };
  const hanging = Promise.allSettled(Array.from({ length: 5 }, () => set.list(slow)));
  await until(() => set.fake.unansweredCount === 5);
  await set.clock.advance(5000);
  for (const one of await hanging)
    assert.ok(one.status === 'rejected' && isTidegateError(one.reason, 'engine.timeout'));
  assert.equal(set.breaker.admits, true);
});

test('containers that hang do not speak for an Engine that answers otherwise', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.script.set('GET /containers/stuck/json', () => 'hang');
  const hanging = Promise.allSettled(Array.from({ length: 5 }, () => set.inspect('stuck')));
  await until(() => set.fake.unansweredCount === 5);
  await set.clock.advance(1000);
  await set.list();
  await set.clock.advance(4000);
  for (const one of await hanging)
    assert.ok(one.status === 'rejected' && isTidegateError(one.reason, 'engine.timeout'));
  assert.equal(set.breaker.admits, true);
});

test('any number of calls that hang leave the way free for others', async () => {
  await using set = await setUp();
  set.fake.script.set('GET /containers/stuck/json', () => 'hang');
  await set.list();
  const hanging = Promise.allSettled(Array.from({ length: 100 }, () => set.inspect('stuck')));
  await until(() => set.fake.unansweredCount === 100);
  assert.deepEqual(await set.list(), []);
  set.client.close();
  for (const one of await hanging) assert.equal(one.status, 'rejected');
});

test('an answer that breaks off ends at the deadline at the latest', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.script.set('GET /containers/a/json', () => 'break');
  const broken = set.inspect('a');
  broken.catch(() => {});
  await until(() => set.fake.count('GET /containers/a/json') === 1);
  await settle();
  await set.clock.advance(5000);
  await assert.rejects(broken, isTidegateError);
});

test('a call that its caller no longer wants ends at once and does not count', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.hangs = true;
  for (let i = 0; i < 4; i++) {
    const unwanted = new AbortController();
    const hanging = set.list({ ...LIST, signal: unwanted.signal });
    hanging.catch(() => {});
    await until(() => set.fake.unansweredCount === 1);
    unwanted.abort();
    await assert.rejects(hanging);
    await until(() => set.fake.unansweredCount === 0);
  }
  assert.equal(set.breaker.admits, true);
});

test('closing ends what is under way, and later calls', async () => {
  await using set = await setUp();
  await set.list();
  set.fake.hangs = true;
  const hanging = set.list();
  hanging.catch(() => {});
  await until(() => set.fake.unansweredCount === 1);
  set.client.close();
  await assert.rejects(hanging, code('engine.unreachable'));
  await until(() => set.fake.unansweredCount === 0);
  await assert.rejects(set.list(), code('engine.unreachable'));
  assert.equal(set.clock.pendingCount, 0);
});
