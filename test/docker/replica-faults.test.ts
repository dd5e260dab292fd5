/** Replicas on an Engine that misbehaves: nothing is left behind that could be taken away, and nothing is started early. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '#core/clock';
import { type ErrorCode, isTidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { HostEngine } from '#docker/host-engine';
import { pauseImage } from '#docker/pause-image';
import { FakeClock } from '#test/support/fake-clock';
import { memberPlan, replicaPlan } from '#test/support/replica-plans';
import { until } from '#test/support/until';
import { type Answer, FakeEngine, type Script } from './fake-engine.ts';

const PLAN = replicaPlan({
  id: 'rep_1',
  network: 'tidegate-t-shop',
  members: [memberPlan({ index: 1, name: 'main', image: 'a' }), memberPlan({ index: 2, name: 'agent', image: 'b' })],
});

interface Created {
  readonly id: string;
  readonly name: string;
  readonly labels: Record<string, string>;
}

/** A fake with just enough of an Engine to make replicas: it keeps what is created and forgets what is removed. */
async function makingEngine(clock: Clock = systemClock) {
  const fake = await FakeEngine.start();
  const containers = new Map<string, Created>();
  /** What to say instead of creating a container of that name. */
  const refusals = new Map<string, () => Answer | 'hang'>();
  let pauseImages = 1;
  fake.version = { ...fake.version, Arch: 'amd64' };
  fake.script.set('GET /info', () => ({ body: { NCPU: 2, MemTotal: 4e9 } }));
  fake.script.set(`GET /images/${pauseImage('amd64').name}/json`, () =>
    pauseImages > 0 ? { body: { Id: `sha256:pause${pauseImages}` } } : { status: 404, body: {} },
  );
  fake.script.set('POST /images/load', () => {
    pauseImages = 2;
    return { body: {} };
  });
  fake.script.set('POST /containers/create', ({ query, body }) => {
    const name = query.get('name') ?? '';
    const refusal = refusals.get(name);
    if (refusal !== undefined) return refusal();
    const { Labels: labels, Image: image } = JSON.parse(body) as { Labels: Record<string, string>; Image: string };
    if (image.startsWith('sha256:pause') && image !== `sha256:pause${pauseImages}`) return { status: 404, body: {} };
    const id = `c${containers.size + 1}`;
    containers.set(id, { id, name, labels });
    fake.container(id, { labels, status: 'created' });
    for (const verb of ['start', 'stop']) fake.script.set(`POST /containers/${id}/${verb}`, () => ({ status: 204 }));
    fake.script.set(`DELETE /containers/${id}`, () => {
      containers.delete(id);
      return { status: 204 };
    });
    return { status: 201, body: { Id: id } };
  });
  fake.script.set('GET /containers/json', () => ({
    body: [...containers.values()].map(({ id, name, labels }) => ({
      Id: id,
      Names: [`/${name}`],
      Labels: labels,
      State: 'created',
    })),
  }));
  const engine: HostEngine = openEngine({
    endpoint: fake.endpoint,
    host: 'h1',
    clock,
    log: silentLog,
  });
  return {
    ...{ fake, engine, containers, refusals },
    prune: () => {
      pauseImages = 0;
    },
    async [Symbol.asyncDispose]() {
      engine.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

function code(expected: ErrorCode) {
  return (error: unknown) => isTidegateError(error, expected);
}

test('where one member is refused, the pause container and the other member go again', async () => {
  await using rig = await makingEngine();
  rig.refusals.set(`${PLAN.name}-agent`, () => ({ status: 500, body: { message: 'no space left' } }));
  await assert.rejects(rig.engine.makeReplica(PLAN), code('engine.refused'));
  assert.deepEqual([...rig.containers.values()], []);
  rig.refusals.clear();
  await rig.engine.makeReplica(PLAN);
  assert.equal(rig.containers.size, 3);
});

test('the failure of the making is told, also when the Engine does not let anything be cleared away', async () => {
  await using rig = await makingEngine();
  rig.refusals.set(`${PLAN.name}-agent`, () => ({ status: 500, body: { message: 'no space left' } }));
  rig.fake.script.set('GET /containers/json', () => ({ status: 500, body: { message: 'nor a list' } }));
  await assert.rejects(rig.engine.makeReplica(PLAN), /no space left/);
});

test('a pause image that was pruned meanwhile is loaded again', async () => {
  await using rig = await makingEngine();
  await rig.engine.ensurePauseImage();
  rig.prune();
  await rig.engine.makeReplica(PLAN);
  assert.equal(rig.fake.count('POST /images/load'), 1);
  assert.equal(rig.containers.size, 3);
});

test('a replica is not started before it is whole, however early it is heard of', async () => {
  const clock = new FakeClock();
  await using rig = await makingEngine(clock);
  rig.refusals.set(`${PLAN.name}-agent`, () => 'hang');
  const making = assert.rejects(rig.engine.makeReplica(PLAN), code('engine.timeout'));
  await until(() => rig.containers.size === 2 && rig.fake.unansweredCount === 1, { what: 'one create hangs' });
  const [pause] = [...rig.containers.values()].filter(({ labels }) => labels['tidegate.role'] === 'pause');
  const starting = assert.rejects(rig.engine.start(pause?.id ?? ''));
  await rig.engine.list();
  assert.equal(rig.fake.count(`POST /containers/${pause?.id}/start`), 0);
  await clock.advance(30_000);
  await Promise.all([making, starting]);
  assert.deepEqual([...rig.containers.values()], []);
  assert.equal(rig.fake.count(`POST /containers/${pause?.id}/start`), 0);
});

test('a container that cannot start for want of a network is not taken for gone', async () => {
  await using rig = await makingEngine();
  const id = await rig.engine.makeReplica(PLAN);
  rig.fake.script.set(`POST /containers/${id}/start`, () => ({
    status: 404,
    body: { message: 'network 3a5c not found' },
  }));
  await assert.rejects(rig.engine.start(id), code('engine.refused'));
  rig.fake.script.set(`POST /containers/${id}/start`, () => ({
    status: 404,
    body: { message: 'No such container: c1' },
  }));
  await assert.rejects(rig.engine.start(id), code('engine.not_found'));
});

test('a list from before the end of a making takes nothing away', async () => {
  await using rig = await makingEngine();
  await rig.engine.makeReplica(PLAN);
  const listed = rig.fake.script.get('GET /containers/json');
  rig.fake.script.set('GET /containers/json', () => {
    rig.fake.script.set('GET /containers/json', listed as Script);
    const [pause] = [...rig.containers.values()];
    return { body: [{ Id: pause?.id, Names: [`/${pause?.name}`], Labels: pause?.labels, State: 'created' }] };
  });
  assert.deepEqual(await rig.engine.sweepReplicas(PLAN.labels['tidegate.instance'] ?? ''), []);
  assert.equal(rig.containers.size, 3);
});

test('what is being made is never swept', async () => {
  const clock = new FakeClock();
  await using rig = await makingEngine(clock);
  rig.refusals.set(`${PLAN.name}-agent`, () => 'hang');
  const making = assert.rejects(rig.engine.makeReplica(PLAN), code('engine.timeout'));
  await until(() => rig.containers.size === 2 && rig.fake.unansweredCount === 1, { what: 'one create hangs' });
  const lists = rig.fake.count('GET /containers/json');
  assert.deepEqual(await rig.engine.sweepReplicas(PLAN.labels['tidegate.instance'] ?? ''), []);
  assert.equal(rig.containers.size, 2);
  // One for changes and one for halves: what it shows in the middle is not even suspected.
  assert.equal(rig.fake.count('GET /containers/json') - lists, 2);
  await clock.advance(30_000);
  await making;
});

test('a replica has its members last: who finds them all after a crash finds it in all its networks', async () => {
  await using rig = await makingEngine();
  const joined: number[] = [];
  rig.fake.script.set('POST /networks/tidegate-t-db/connect', () => {
    joined.push(rig.containers.size);
    return { body: {} };
  });
  await rig.engine.makeReplica({ ...PLAN, joins: [{ name: 'tidegate-t-db', aliases: [] }] });
  assert.deepEqual(joined, [1], 'there is the pause container alone');
  assert.equal(rig.containers.size, 3);
});
