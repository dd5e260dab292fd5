/** A worker's side of what is said with control: nothing that was meant for one control is ever told to the next. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setKey } from '#core/set';
import { policy, route } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { Connection } from '#workers/connection';
import type { ToControl, ToWorker, UpstreamPicture } from '#workers/messages';

const KEY = setKey('default', 'shop', 'web');

function picture(id: number, replica = 'local/1'): UpstreamPicture {
  const facts = { replica, name: replica, endpoints: [], revision: null, weight: 100, run: 'run 1' };
  return { id, set: KEY, ...facts, health: 'healthy', draining: false };
}

class Rig {
  readonly clock = new FakeClock();
  readonly shown: unknown[] = [];
  readonly forgotten: unknown[] = [];
  mail: ToControl[] = [];
  readonly worker = new Connection({
    clock: this.clock,
    random: () => 0.4,
    post: (mail) => void this.mail.push(...mail),
    collect: () => null,
    onTaken: () => {},
    onChallenge: async (change) => void this.shown.push(change),
    onCertificates: (names) => void this.forgotten.push(names),
    onPicture: () => {},
  });

  constructor(...upstreams: UpstreamPicture[]) {
    this.control(...upstreams);
  }

  get pool() {
    const pool = this.worker.table.pool(KEY);
    assert.ok(pool !== undefined);
    return pool;
  }

  /** A control takes the place of the one before, and says what it knows. */
  control(...upstreams: UpstreamPicture[]): void {
    this.worker.part();
    this.mail = [];
    this.worker.greet();
    this.tell({ kind: 'set', set: KEY, policy: policy({ lb: { kind: 'least' } }), routes: [route('shop.localhost')] });
    for (const upstream of upstreams) this.tell({ kind: 'up', upstream });
  }

  tell(message: ToWorker): void {
    this.worker.take([message]);
  }

  claim() {
    const upstream = this.pool.claim(0, null);
    assert.ok(upstream !== null);
    return upstream;
  }

  async heard<K extends ToControl['kind']>(kind: K): Promise<Extract<ToControl, { kind: K }>[]> {
    await this.clock.advance(100);
    return this.mail.filter((one) => one.kind === kind) as Extract<ToControl, { kind: K }>[];
  }
}

test('what ended under one control is not told to the next by a number that means another upstream there', async () => {
  const rig = new Rig(picture(1));
  const upstream = rig.claim();
  await rig.heard('counts');
  rig.tell({ kind: 'down', id: 1 });
  rig.pool.release(upstream);
  rig.control(picture(1, 'local/2'));
  assert.deepEqual(await rig.heard('counts'), []);
});

test('what is in flight to a run that was taken out and in again is told to every control that comes', async () => {
  const rig = new Rig(picture(1));
  const upstream = rig.claim();
  rig.tell({ kind: 'down', id: 1 });
  rig.tell({ kind: 'up', upstream: picture(2) });
  for (let restart = 0; restart < 3; restart++) {
    rig.control(picture(1));
    const [hello] = await rig.heard('hello');
    assert.deepEqual(
      hello?.carried.map(({ inFlight }) => inFlight),
      [1],
      `restart ${restart}`,
    );
  }
  rig.pool.release(upstream);
  assert.deepEqual(
    (await rig.heard('counts')).flatMap(({ changes }) => changes),
    [[1, -1, 0, 0]],
  );
});

test('a late clearance for one control does not pass for one of the next', async () => {
  const rig = new Rig(picture(1));
  const upstream = rig.claim();
  rig.control();
  rig.tell({ kind: 'clear', clearance: 7, replica: 'local/1' });
  assert.deepEqual(
    (await rig.heard('cleared')).map(({ busy }) => busy),
    [true],
  );
  rig.control();
  rig.pool.release(upstream);
  assert.deepEqual(await rig.heard('cleared'), []);
});

test('the same upstream named twice is one upstream', async () => {
  const rig = new Rig(picture(1), picture(1));
  assert.equal(rig.pool.upstreams.length, 1);
  rig.tell({ kind: 'down', id: 1 });
  assert.equal(rig.pool.upstreams.length, 0);
});

test('an admission nobody can use goes back, and the request takes another turn', async () => {
  const rig = new Rig();
  const asked = { client: 'c', bytes: 1, hash: 0, tried: null };
  const admitted = rig.worker.admitter.admit(rig.pool, asked, new AbortController().signal);
  const [first] = await rig.heard('admit');
  assert.ok(first !== undefined);
  rig.tell({ kind: 'admitted', request: first.request, id: 99, slot: true, woke: false });
  assert.deepEqual(
    (await rig.heard('counts')).flatMap(({ changes }) => changes),
    [[99, -1, 0, 1]],
  );
  assert.equal((await rig.heard('admit')).length, 2);
  rig.tell({ kind: 'up', upstream: picture(3) });
  rig.tell({ kind: 'admitted', request: first.request, id: 3, slot: false, woke: false });
  assert.equal((await admitted).outcome, 'admitted');
});

test('the choice of an upstream goes by what all workers have in flight', () => {
  const rig = new Rig(picture(1, 'local/1'), picture(2, 'local/2'));
  rig.tell({
    kind: 'elsewhere',
    counts: [
      [1, 4],
      [2, 1],
    ],
  });
  const chosen = Array.from({ length: 3 }, () => rig.claim().replica);
  assert.deepEqual(chosen, ['local/2', 'local/2', 'local/2']);
  rig.tell({ kind: 'elsewhere', counts: [[1, 0]] });
  assert.equal(rig.claim().replica, 'local/1');
});

test('what only an earlier control named is served on until a control has seen everything itself', () => {
  const rig = new Rig(picture(1));
  rig.worker.part();
  rig.worker.greet();
  rig.tell({ kind: 'complete' });
  rig.pool.release(rig.claim());
  rig.tell({ kind: 'sweep' });
  assert.equal(rig.worker.table.pool(KEY), undefined);
});

test('a lease that a replica asked for is told before its request ends, and to every later control while it lasts', async () => {
  const rig = new Rig(picture(1));
  const upstream = rig.claim();
  await rig.heard('counts');
  rig.mail = [];
  rig.pool.lease(upstream.replica, 60_000);
  rig.pool.release(upstream);
  await rig.heard('leased');
  assert.deepEqual(
    rig.mail.map((one) => one.kind),
    ['leased', 'counts'],
  );
  rig.control(picture(1));
  rig.tell({ kind: 'complete' });
  const [again] = await rig.heard('leased');
  assert.deepEqual(again, { kind: 'leased', set: KEY, replica: 'local/1', forMs: 60_000 - 100 });

  rig.worker.part();
  rig.pool.lease('local/2', 60_000);
  await rig.clock.advance(59_900);
  rig.control(picture(1));
  rig.tell({ kind: 'complete' });
  const late = await rig.heard('leased');
  assert.deepEqual(late, [{ kind: 'leased', set: KEY, replica: 'local/2', forMs: 100 }], 'the first has ended');
});

test('a replica that asks for a lease with every answer is told of once a second, and never short of what it asked for', async () => {
  const rig = new Rig(picture(1));
  rig.mail = [];
  let told = 0;
  let first = 0;
  let tellings = 0;
  for (let answer = 0; answer < 500; answer++) {
    rig.pool.lease('local/1', 60_000);
    const needed = rig.clock.now() + 60_000;
    const before = rig.clock.now();
    await rig.clock.advance(10);
    for (const one of rig.mail.splice(0)) {
      if (one.kind !== 'leased') continue;
      first ||= one.forMs;
      told = before + one.forMs;
      tellings++;
    }
    assert.ok(told >= needed && told <= needed + 1000);
  }
  assert.equal(first, 60_000, 'what is said once lasts as long as it says');
  assert.ok(tellings <= 7, `${tellings} times in five seconds`);
});

test('what a replica said before it left is told to no later control, and is news when it is back', async () => {
  const rig = new Rig(picture(1));
  rig.pool.lease('local/1', 60_000);
  await rig.heard('leased');
  rig.tell({ kind: 'down', id: 1 });
  rig.tell({ kind: 'up', upstream: picture(2) });
  rig.mail = [];
  rig.pool.lease('local/1', 5000);
  assert.deepEqual(await rig.heard('leased'), [{ kind: 'leased', set: KEY, replica: 'local/1', forMs: 5000 }]);
  rig.tell({ kind: 'down', id: 2 });
  rig.control();
  rig.tell({ kind: 'complete' });
  assert.deepEqual(await rig.heard('leased'), []);
});
