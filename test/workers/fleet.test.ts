/** What control and workers promise each other, whatever the order in which their mail arrives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import { setKey } from '#core/set';
import { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import { policy, route } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { Fleet } from '#workers/fleet';
import { PROTOCOL, type ToWorker } from '#workers/messages';
import { FleetModel } from './fleet-model.ts';

const STEPS = 1500;

async function turn(): Promise<void> {
  for (let i = 0; i < 6; i++) await null;
}

async function settle(model: FleetModel): Promise<void> {
  for (let i = 0; i < 400; i++) {
    while (model.deliver()) await turn();
    model.finishOne();
    await model.clock.advance(10);
  }
}

interface Chances {
  readonly sleeps: boolean;
  readonly kills?: boolean;
  readonly restarts?: boolean;
}

async function run(model: FleetModel, chances: Chances): Promise<void> {
  let lastId = 3;
  for (let step = 0; step < STEPS; step++) {
    const chance = model.random();
    const ids = [...model.workers.keys()];
    const id = ids[Math.floor(model.random() * ids.length)] ?? 1;
    if (chance < 0.5) model.deliver();
    else if (chance < 0.65) model.request(id);
    else if (chance < 0.82) model.finishOne();
    else if (chance < 0.9) await model.clock.advance(5);
    else if (chance < 0.98) void (chances.sleeps && model.sleep());
    else if (chance < 0.985 && chances.kills === true && ids.length > 1) {
      model.killWorker(id);
      model.addWorker(++lastId);
    } else if (chance < 0.99 && chances.restarts === true) model.restartControl();
    await turn();
  }
  await settle(model);
  assert.equal(model.inFlight.length, 0);
  assert.equal(model.over, model.made, 'every request came to its end');
  assert.equal(model.pool.inFlight, 0, 'control counts nothing that is not there');
}

test('no replica is frozen under a request and no request is lost, however late mail comes', async () => {
  let freezes = 0;
  for (let seed = 1; seed <= 6; seed++) {
    const model = new FleetModel(seed);
    await run(model, { sleeps: true });
    freezes += model.freezes;
  }
  assert.ok(freezes > 2, `only ${freezes} freezes: the test looks in the wrong place`);
});

test('the same holds while workers die and are replaced', async () => {
  for (let seed = 21; seed <= 25; seed++) await run(new FleetModel(seed), { sleeps: true, kills: true });
});

test('the same holds while control is killed and comes back', async () => {
  for (let seed = 41; seed <= 44; seed++) await run(new FleetModel(seed), { sleeps: true, restarts: true });
});

test('a hard limit holds over all workers, and nobody waits for a slot that is idle', async () => {
  for (let seed = 61; seed <= 64; seed++) {
    const model = new FleetModel(seed, { concurrency: 3 });
    await run(model, { sleeps: false, kills: true, restarts: true });
    assert.equal(model.most, 3, `seed ${seed}`);
  }
});

test('nothing is swept before all hosts have been seen, and nobody is counted twice', async () => {
  const clock = new FakeClock();
  const said: ToWorker['kind'][] = [];
  const givenUp: number[] = [];
  let whole = false;
  const fleet = new Fleet({
    ...{ clock, log: silentLog, expected: [], isWhole: () => whole, onUncertified: () => {} },
    table: new RouteTable({ clock, random: () => 0 }),
    admitter: { admit: () => Promise.reject(new Error('nobody asks')), knock: () => null },
    post: (_worker, mail) => void said.push(...mail.map(({ kind }) => kind)),
    giveUp: (worker) => void givenUp.push(worker),
  });
  const hello = { kind: 'hello', protocol: PROTOCOL, carried: [] } as const;
  fleet.receive(1, [hello]);
  fleet.complete();
  await clock.advance(60_000);
  fleet.receive(2, [hello]);
  assert.deepEqual(said.splice(0), ['certificates', 'complete', 'certificates', 'complete']);
  whole = true;
  await clock.advance(2000);
  assert.deepEqual(said.splice(0), ['sweep', 'sweep']);
  fleet.receive(3, [hello]);
  assert.deepEqual(said.splice(0), ['certificates', 'complete', 'sweep']);
  assert.deepEqual(givenUp, []);
  fleet.receive(3, [hello]);
  assert.deepEqual(givenUp, [3]);
  fleet.close();
});

test('each worker hears on the next beat what the others have in flight, and there is no beat while nothing changes', async () => {
  const clock = new FakeClock();
  const said: [worker: number, message: ToWorker][] = [];
  const table: RouteTable = new RouteTable({ clock, random: () => 0, onPool: (pool) => fleet.watch(pool) });
  const fleet: Fleet = new Fleet({
    ...{ clock, log: silentLog, table, expected: [], isWhole: () => true, onUncertified: () => {} },
    admitter: { admit: () => Promise.reject(new Error('nobody asks')), knock: () => null },
    post: (worker, mail) => void said.push(...mail.map((message): [number, ToWorker] => [worker, message])),
    giveUp: (_worker, why) => assert.fail(why),
  });
  const key = setKey('default', 'shop', 'web');
  table.apply({ key, policy: policy(), routes: [route('shop.localhost')] });
  for (const replica of ['local/1', 'local/2']) {
    const facts = { id: replica, name: replica, endpoints: [], revision: null, weight: 100, startedAt: 'run 1' };
    table.pool(key)?.add(new Upstream(facts));
  }
  for (const worker of [1, 2]) fleet.receive(worker, [{ kind: 'hello', protocol: PROTOCOL, carried: [] }]);
  assert.equal(clock.pendingCount, 0);
  const up = said.find(([worker, message]) => worker === 1 && message.kind === 'up')?.[1];
  assert.ok(up?.kind === 'up');
  const { id } = up.upstream;
  said.length = 0;
  fleet.receive(1, [{ kind: 'counts', changes: [[id, 3, 3, 0]] }]);
  fleet.receive(1, [{ kind: 'counts', changes: [[id, -1, 0, 0]] }]);
  await clock.advance(100);
  const elsewhere = said.filter(([, message]) => message.kind === 'elsewhere');
  assert.deepEqual(elsewhere, [
    [1, { kind: 'elsewhere', counts: [[id, 0]] }],
    [2, { kind: 'elsewhere', counts: [[id, 2]] }],
  ]);
  assert.equal(clock.pendingCount, 0);
  fleet.close();
});

test('what a replica says of its work to one worker is heard by whoever keeps its set', async () => {
  const clock = new FakeClock();
  const table = new RouteTable({ clock, random: () => 0 });
  const fleet = new Fleet({
    ...{ clock, log: silentLog, table, expected: [], isWhole: () => true, onUncertified: () => {}, post: () => {} },
    admitter: { admit: () => Promise.reject(new Error('nobody asks')), knock: () => null },
    giveUp: (_worker, why) => assert.fail(why),
  });
  const key = setKey('default', 'shop', 'web');
  table.apply({ key, policy: policy(), routes: [route('shop.localhost')] });
  const heard: unknown[] = [];
  table.pool(key)?.watch({ onLeased: (pool, replica, forMs) => void heard.push([pool.key, replica, forMs]) });
  const leased = { kind: 'leased', set: key, replica: 'local/1', forMs: 5000 } as const;
  fleet.receive(1, [leased]);
  assert.deepEqual(heard, [], 'it did not say hello');
  fleet.receive(1, [{ kind: 'hello', protocol: PROTOCOL, carried: [] }, leased]);
  fleet.receive(1, [{ ...leased, set: setKey('default', 'shop', 'gone') }]);
  assert.deepEqual(heard, [[key, 'local/1', 5000]]);
  fleet.close();
});
