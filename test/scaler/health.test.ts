/** Probes: how often, how many, and what follows from them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Upstream } from '#router/upstream';
import { HealthWatch } from '#scaler/health-watch';
import type { ProbeResult } from '#scaler/probe';
import { emptyPool, policy, replica } from '#test/router/sample';
import { Rig } from '#test/scaler/support/rig';
import { FakeClock, settle } from '#test/support/fake-clock';

interface Watched {
  readonly clock: FakeClock;
  readonly watch: HealthWatch;
  readonly at: number[];
  readonly changes: string[];
  answer: () => Promise<ProbeResult>;
}

const FAILED: ProbeResult = { passed: false, reason: 'refused' };
const PASSED: ProbeResult = { passed: true };

function watched(health: Partial<ReturnType<typeof policy>['health']> = {}): Watched {
  const clock = new FakeClock();
  const pool = emptyPool({ clock, policy: policy({ health: { ...policy().health, ...health } }) });
  const upstream = new Upstream(replica('a'));
  pool.add(upstream);
  const rig: Watched = {
    clock,
    at: [],
    changes: [],
    answer: () => Promise.resolve(FAILED),
    watch: new HealthWatch({
      pool,
      upstream,
      clock,
      probe: () => {
        rig.at.push(clock.now());
        return rig.answer();
      },
      onChange: (ready, reason) => rig.changes.push(ready ? 'ready' : reason),
    }),
  };
  return rig;
}

/** Probes between two moments. */
function count({ at }: Watched, from: number, to: number): number {
  return at.filter((one) => one >= from && one < to).length;
}

test('an upstream is probed at once, then quickly, then less and less often until it is ready', async () => {
  const rig = watched();
  rig.watch.start(false);
  await rig.clock.advance(100_000);
  assert.deepEqual(rig.at.slice(0, 4), [0, 5, 10, 15]);
  assert.equal(count(rig, 0, 1000), 200);
  assert.equal(count(rig, 1000, 2000), 50);
  assert.equal(count(rig, 10_000, 11_000), 20);
  assert.ok(count(rig, 80_000, 100_000) <= 10);
});

test('an upstream that does not become ready in the time of a wake is told of once, with what stands in the way', async () => {
  const rig = watched();
  rig.watch.start(false);
  await rig.clock.advance(29_000);
  assert.deepEqual(rig.changes, []);
  await rig.clock.advance(5000);
  assert.deepEqual(rig.changes, ['not ready after 30s: refused']);
  await rig.clock.advance(60_000);
  rig.answer = () => Promise.resolve(PASSED);
  await rig.clock.advance(5000);
  assert.deepEqual(rig.changes, ['not ready after 30s: refused', 'ready']);
});

test('a ready upstream is probed at the interval of its policy', async () => {
  const rig = watched({ intervalMs: 3000 });
  rig.answer = () => Promise.resolve(PASSED);
  rig.watch.start(false);
  await rig.clock.advance(9500);
  assert.deepEqual(rig.at, [0, 3000, 6000, 9000]);
  assert.deepEqual(rig.changes, ['ready']);
});

test('an interval of nothing is not taken at its word', async () => {
  const rig = watched({ intervalMs: 0 });
  rig.answer = () => Promise.resolve(PASSED);
  rig.watch.start(false);
  await rig.clock.advance(100);
  assert.ok(rig.at.length <= 21);
});

test('a ready upstream leaves after as many failures in a row as its policy says, and comes back', async () => {
  const rig = watched({ intervalMs: 1000, fall: 3, rise: 2 });
  rig.answer = () => Promise.resolve(PASSED);
  rig.watch.start(false);
  await rig.clock.advance(500);
  rig.answer = () => Promise.resolve(FAILED);
  await rig.clock.advance(2000);
  assert.deepEqual(rig.changes, ['ready']);
  await rig.clock.advance(1000);
  assert.deepEqual(rig.changes, ['ready', 'refused']);
  rig.answer = () => Promise.resolve(PASSED);
  await rig.clock.advance(20);
  assert.deepEqual(rig.changes, ['ready', 'refused', 'ready']);
});

test('a doubt costs one probe, and one failure is then enough', async () => {
  const rig = watched({ intervalMs: 60_000, fall: 3 });
  rig.answer = () => Promise.resolve(PASSED);
  rig.watch.start(false);
  await rig.clock.advance(1000);
  for (let i = 0; i < 100; i++) rig.watch.suspect();
  await rig.clock.advance(40);
  assert.equal(rig.at.length, 2);
  rig.answer = () => Promise.resolve(FAILED);
  await rig.clock.advance(20);
  rig.watch.suspect();
  await settle();
  assert.deepEqual(rig.changes, ['ready', 'refused']);
});

test('a probe that throws has failed, and the next one is made', async () => {
  const rig = watched();
  rig.answer = () => Promise.reject(new Error('no'));
  rig.watch.start(false);
  await rig.clock.advance(10);
  rig.answer = () => {
    throw new Error('never');
  };
  await rig.clock.advance(10);
  rig.answer = () => Promise.resolve(PASSED);
  await rig.clock.advance(10);
  assert.deepEqual(rig.changes.at(-1), 'ready');
});

test('an upstream that answered before it was frozen is ready without a probe', () => {
  const rig = watched();
  rig.watch.start(true);
  assert.deepEqual(rig.changes, ['ready']);
  assert.deepEqual(rig.at, []);
});

test('nothing is probed after the end of the watch', async () => {
  const rig = watched();
  rig.watch.start(false);
  rig.watch.stop();
  rig.watch.suspect();
  await rig.clock.advance(10_000);
  assert.equal(rig.at.length, 1);
  assert.equal(rig.watch.isOver, true);
});

test('a wake costs no more than a few milliseconds over the start of the app', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  rig.add('web', 'exited', { listensAfterMs: 333 });
  rig.engine.latency = () => 0;
  await rig.clock.advance(0);
  const ask = rig.ask(web);
  await rig.clock.advance(350);
  assert.equal(ask.became, 'admitted');
});

test('a replica that falls sick is taken out and comes back, and both is said', async () => {
  const rig = new Rig();
  const web = rig.set('web', { scale: { min: 1 }, health: { intervalMs: 1000, fall: 2 } });
  const container = rig.add('web', 'running');
  await rig.clock.advance(500);
  container.sick = true;
  await rig.clock.advance(3000);
  assert.equal(rig.view(web).state, 'unhealthy');
  const ask = rig.ask(web);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'held');
  container.sick = false;
  await rig.clock.advance(100);
  assert.equal(ask.became, 'admitted');
  assert.deepEqual(
    rig.events.map((one) => one.type),
    ['replica.ready', 'replica.unhealthy', 'set.waking', 'set.awake'],
  );
});

test('a request that finds its replica dead is served by the next run of it', async () => {
  const rig = new Rig();
  const web = rig.set('web');
  const container = rig.add('web', 'running');
  await rig.clock.advance(100);
  const first = rig.ask(web);
  await rig.clock.advance(0);
  const { upstream } = first;
  assert.ok(upstream);
  rig.delay = () => 40;
  rig.world.die(container.id, 137);
  rig.pool(web).suspect(upstream);
  first.finish();
  const retry = rig.ask(web, { tried: [upstream] });
  await rig.clock.advance(1000);
  assert.equal(retry.became, 'admitted');
  assert.notEqual(retry.upstream, upstream);
});
