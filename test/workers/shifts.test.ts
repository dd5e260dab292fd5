/** Traffic is moved: when control is told that a shift has settled, no worker gives an old revision anything new. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import { type SetPolicy, setKey } from '#core/set';
import type { AdmissionRequest } from '#router/admission';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import { addReady, policy, route, seeded } from '#test/router/sample';
import { FakeClock, settle } from '#test/support/fake-clock';
import { Connection } from '#workers/connection';
import { Fleet } from '#workers/fleet';

const KEY = setKey('default', 'shop', 'web');
const SEED = 20_261_128;

/** Control, and workers whose mail waits until it is delivered. */
class Shop {
  readonly clock = new FakeClock();
  readonly asked: AdmissionRequest[] = [];
  readonly givenUp: number[] = [];
  readonly workers = new Map<number, Connection>();
  readonly #toWorkers: (() => void)[] = [];
  readonly pool: Pool;
  readonly fleet: Fleet;

  constructor(expected: readonly number[] = [], traits: Partial<SetPolicy> = {}) {
    const random = seeded(SEED);
    const { clock } = this;
    const table = new RouteTable({ clock, random, onPool: (pool) => fleet.watch(pool) });
    const fleet = new Fleet({
      ...{ clock, log: silentLog, table, expected, isWhole: () => true, onUncertified: () => {} },
      admitter: {
        admit: (pool, request) => {
          this.asked.push(request);
          const upstream = pool.claimForHeld(request.hash, request.tried, request.wish);
          assert.ok(upstream !== null);
          return Promise.resolve({ outcome: 'admitted', upstream, wakeMs: null });
        },
        knock: () => null,
      },
      post: (worker, mail) => void this.#toWorkers.push(() => this.workers.get(worker)?.take(structuredClone(mail))),
      giveUp: (worker) => {
        this.givenUp.push(worker);
        this.workers.delete(worker);
        fleet.leave(worker);
      },
    });
    this.fleet = fleet;
    const snapshot = { key: KEY, policy: policy(traits), routes: [route('shop.localhost')] };
    table.apply(snapshot);
    fleet.apply(snapshot);
    this.pool = table.pool(KEY) as Pool;
    addReady(this.pool, 'old', { revision: 'r1', weight: 100 });
    addReady(this.pool, 'next', { revision: 'r2', weight: 0 });
  }

  async addWorker(id: number): Promise<Connection> {
    const worker = new Connection({
      clock: this.clock,
      random: seeded(id),
      post: (mail) => this.fleet.receive(id, structuredClone(mail)),
      collect: () => null,
      onTaken: () => {},
      onChallenge: async () => {},
      onCertificates: () => {},
      onPicture: () => {},
    });
    this.workers.set(id, worker);
    worker.greet();
    await this.deliver();
    return worker;
  }

  async deliver(): Promise<void> {
    await settle();
    while (this.#toWorkers.length > 0) {
      this.#toWorkers.shift()?.();
      await settle();
    }
  }

  weigh(weights: Readonly<Record<string, number>>): void {
    for (const one of this.pool.upstreams) this.pool.weigh(one, weights[one.revision ?? ''] ?? 0);
  }

  /** The revisions that a worker gives requests to. */
  served(worker: Connection): string[] {
    const pool = worker.table.pool(KEY);
    assert.ok(pool);
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const upstream = pool.claim(0, null);
      if (upstream === null) continue;
      seen.add(upstream.revision ?? '');
      pool.release(upstream);
    }
    return [...seen].sort();
  }
}

test('a shift has settled when every worker goes by it, and not before', async () => {
  const shop = new Shop();
  const workers = [await shop.addWorker(1), await shop.addWorker(2)];
  for (const worker of workers) assert.deepEqual(shop.served(worker), ['r1']);
  shop.weigh({ r1: 50, r2: 50 });
  await shop.deliver();
  for (const worker of workers) assert.deepEqual(shop.served(worker), ['r1', 'r2']);
  shop.weigh({ r1: 0, r2: 100 });
  let isSettled = false;
  const settled = shop.fleet.settled().then(() => {
    isSettled = true;
    for (const worker of workers) assert.deepEqual(shop.served(worker), ['r2']);
  });
  await settle();
  assert.equal(isSettled, false, 'no worker has heard of it');
  await shop.deliver();
  await settled;
  shop.fleet.close();
});

test('an upstream keeps its connections and its claims when its weight changes', async () => {
  const shop = new Shop();
  const worker = await shop.addWorker(1);
  const before = worker.table.pool(KEY)?.upstreams.slice();
  shop.weigh({ r1: 10, r2: 90 });
  await shop.deliver();
  assert.deepEqual(worker.table.pool(KEY)?.upstreams, before);
  assert.deepEqual(
    before?.map((one) => one.weight),
    [10, 90],
  );
  shop.fleet.close();
});

test('a worker that hangs is ended, so that a shift settles all the same', async () => {
  const shop = new Shop();
  await shop.addWorker(1);
  let isSettled = false;
  void shop.fleet.settled().then(() => {
    isSettled = true;
  });
  await shop.clock.advance(4000);
  assert.equal(isSettled, false);
  await shop.clock.advance(2000);
  assert.deepEqual([isSettled, shop.givenUp], [true, [1]]);
  shop.fleet.close();
});

test('a worker from before this control is waited for as well', async () => {
  const shop = new Shop([1]);
  let isSettled = false;
  void shop.fleet.settled().then(() => {
    isSettled = true;
  });
  await settle();
  assert.equal(isSettled, false, 'it serves by what an earlier control said');
  const worker = await shop.addWorker(1);
  assert.equal(isSettled, true);
  assert.deepEqual(shop.served(worker), ['r1']);
  shop.fleet.close();
});

test('without workers there is nobody to wait for', async () => {
  await new Shop().fleet.settled();
});

test('a new control’s weights hold for what a worker kept from the one before', async () => {
  const shop = new Shop();
  const worker = await shop.addWorker(1);
  const next = new Shop([1]);
  next.weigh({ r1: 0, r2: 100 });
  next.workers.set(1, worker);
  const picture = { kind: 'set', set: KEY, policy: policy(), routes: [route('shop.localhost')] } as const;
  worker.part();
  worker.greet();
  const ups = next.pool.upstreams.map((one, i) => ({
    kind: 'up' as const,
    upstream: {
      ...{ id: i + 100, set: KEY, replica: one.replica, name: one.name, endpoints: one.endpoints, run: one.run },
      ...{ revision: one.revision, weight: one.weight, health: 'healthy' as const, draining: false },
    },
  }));
  const kept = worker.table.pool(KEY)?.upstreams.slice();
  worker.take([picture, ...ups]);
  assert.deepEqual(worker.table.pool(KEY)?.upstreams, kept, 'they are the same upstreams');
  assert.deepEqual(shop.served(worker), ['r2']);
  shop.fleet.close();
  next.fleet.close();
});

test('a held request tells control where it belongs', async () => {
  const shop = new Shop();
  const worker = await shop.addWorker(1);
  const pool = worker.table.pool(KEY);
  assert.ok(pool);
  const wish = { matched: ['r2'], kept: null, visitor: 7 };
  const request = { client: 'a', bytes: 1, hash: 0, wish, tried: null };
  const admission = worker.admitter.admit(pool, request, new AbortController().signal);
  await shop.deliver();
  assert.deepEqual(shop.asked[0]?.wish, wish);
  const answer = await admission;
  assert.ok(answer.outcome === 'admitted');
  assert.equal(answer.upstream.revision, 'r2');
  shop.fleet.close();
});

test('under a hard limit a worker asks for room where a request belongs, and gives no room of another revision', async () => {
  const shop = new Shop([], { concurrency: 5 });
  const worker = await shop.addWorker(1);
  const pool = worker.table.pool(KEY);
  assert.ok(pool);
  shop.weigh({ r1: 50, r2: 50 });
  const claimed = async (kept: string) => {
    const wish = { matched: [], kept, visitor: 7 };
    const here = pool.claim(0, null, wish);
    if (here !== null) return { upstream: here, asked: false };
    const request = { client: 'a', bytes: 1, hash: 0, wish, tried: null };
    const admission = worker.admitter.admit(pool, request, new AbortController().signal);
    await shop.deliver();
    const answer = await admission;
    assert.ok(answer.outcome === 'admitted');
    return { upstream: answer.upstream, asked: true };
  };
  await shop.deliver();
  const first = await claimed('r2');
  assert.deepEqual([first.upstream.revision, first.asked], ['r2', true]);
  pool.release(first.upstream);
  const again = await claimed('r2');
  assert.deepEqual([again.upstream, again.asked], [first.upstream, false], 'its slot stayed here');
  pool.release(again.upstream);
  const other = await claimed('r1');
  assert.deepEqual([other.upstream.revision, other.asked], ['r1', true]);
  shop.fleet.close();
});
