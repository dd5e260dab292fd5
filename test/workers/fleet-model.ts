/**
 * Control and three workers without processes: mail is delivered in order on each channel, but as late as the test's
 * chance wants it. One set with one replica, which a small keeper puts to sleep and wakes as the scaler does.
 */
import assert from 'node:assert/strict';
import { silentLog } from '#core/log';
import { type SetPolicy, setKey } from '#core/set';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import { RouteTable } from '#router/route-table';
import { Upstream } from '#router/upstream';
import { HeldSpace } from '#scaler/held-space';
import { WaitingRoom } from '#scaler/waiting-room';
import { policy, route, seeded } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { Connection } from '#workers/connection';
import { Fleet } from '#workers/fleet';

const KEY = setKey('default', 'shop', 'web');
const FACTS = { id: 'local/1', name: 'shop', endpoints: [], revision: null, weight: 100, startedAt: 'run 1' };

interface Served {
  readonly worker: number;
  readonly pool: Pool;
  readonly upstream: Upstream;
}

export class FleetModel {
  readonly clock = new FakeClock();
  readonly #space = new HeldSpace();
  readonly random: () => number;
  readonly inFlight: Served[] = [];
  readonly workers = new Map<number, Connection>();
  /** Mail under way, by channel. */
  readonly #channels = new Map<string, (() => void)[]>();
  readonly #dead = new Set<number>();
  readonly #policy: SetPolicy;
  table: RouteTable;
  fleet: Fleet;
  pool: Pool;
  #upstream: Upstream | null = null;
  #busy = false;
  /** Control acts only when every worker has greeted it. */
  #gathered = true;
  #life = 0;
  frozen = false;
  freezes = 0;
  made = 0;
  over = 0;
  most = 0;

  constructor(seed: number, traits: Partial<SetPolicy> = {}) {
    this.random = seeded(seed);
    this.#policy = policy(traits);
    ({ table: this.table, fleet: this.fleet, pool: this.pool } = this.#makeControl([]));
    this.wake();
    for (const id of [1, 2, 3]) this.addWorker(id);
  }

  /** Kills control; another one takes its place and knows nothing but the set. */
  restartControl(): void {
    for (const one of this.#channels.keys()) this.#channels.set(one, []);
    ({ table: this.table, fleet: this.fleet, pool: this.pool } = this.#makeControl(this.#alive));
    this.#upstream = null;
    this.#busy = false;
    this.#gathered = false;
    const life = this.#life;
    void this.fleet.gathered.then(() => {
      if (life !== this.#life) return;
      this.#gathered = true;
      if (!this.frozen || this.pool.held > 0) this.wake();
    });
    for (const worker of this.workers.values()) {
      worker.part();
      worker.greet();
    }
  }

  addWorker(id: number): void {
    const worker = new Connection({
      clock: this.clock,
      random: this.random,
      post: (mail) => this.#carry(`${id} up`, () => this.fleet.receive(id, structuredClone(mail))),
      collect: () => null,
      onTaken: () => {},
      onChallenge: async () => {},
      onCertificates: () => {},
      onPicture: () => {},
    });
    this.workers.set(id, worker);
    worker.greet();
  }

  killWorker(id: number): void {
    this.over += this.workers.get(id)?.admitter.waiting ?? 0;
    this.workers.delete(id);
    this.#dead.add(id);
    this.#channels.delete(`${id} up`);
    this.#channels.delete(`${id} down`);
    for (const one of this.inFlight.filter(({ worker }) => worker === id)) {
      this.inFlight.splice(this.inFlight.indexOf(one), 1);
      this.over++;
    }
    this.fleet.leave(id);
  }

  /** A client asks a worker. */
  request(id: number): void {
    const pool = this.workers.get(id)?.table.pool(KEY);
    const worker = this.workers.get(id);
    if (pool === undefined || worker === undefined) return;
    this.made++;
    const upstream = pool.claim(0, null);
    if (upstream !== null) {
      this.#begin({ worker: id, pool, upstream });
      return;
    }
    const asked = { client: `c${id}`, bytes: 1, hash: 0, tried: null };
    void worker.admitter.admit(pool, asked, new AbortController().signal).then((admission) => {
      if (this.#dead.has(id)) return;
      assert.equal(admission.outcome, 'admitted', 'no request is lost');
      if (admission.outcome === 'admitted') this.#begin({ worker: id, pool, upstream: admission.upstream });
    });
  }

  finishOne(): void {
    const [one] = this.inFlight.splice(Math.floor(this.random() * this.inFlight.length), 1);
    if (one === undefined) return;
    this.over++;
    one.pool.release(one.upstream);
  }

  /** Takes the upstream out, waits for the clearance, and freezes if nothing turned up. */
  async sleep(): Promise<void> {
    const upstream = this.#upstream;
    if (upstream === null || this.#busy || upstream.inFlight > 0 || this.pool.held > 0) return;
    const life = this.#life;
    this.#busy = true;
    this.#upstream = null;
    this.pool.drain(upstream);
    this.pool.remove(upstream);
    await this.fleet.clear(FACTS.id);
    if (life !== this.#life) return;
    this.#busy = false;
    if (upstream.inFlight === 0 && this.pool.held === 0) {
      assert.equal(this.inFlight.length, 0, 'nothing is frozen while a request is in flight');
      this.frozen = true;
      this.freezes++;
    } else this.wake();
  }

  wake(): void {
    if (this.#upstream !== null || this.#busy || !this.#gathered) return;
    this.frozen = false;
    this.#upstream = new Upstream(FACTS);
    this.pool.add(this.#upstream);
    this.pool.signal(this.#upstream, 'pass');
  }

  /** Delivers the next mail of one channel. False: nothing is under way. */
  deliver(): boolean {
    const full = [...this.#channels.values()].filter((one) => one.length > 0);
    full[Math.floor(this.random() * full.length)]?.shift()?.();
    return full.length > 0;
  }

  get #alive(): number[] {
    return [...this.workers.keys()];
  }

  #begin(served: Served): void {
    assert.equal(this.frozen, false, 'nothing is sent to a frozen replica');
    this.inFlight.push(served);
    this.most = Math.max(this.most, this.inFlight.length);
  }

  #carry(channel: string, deliver: () => void): void {
    const mail = this.#channels.get(channel) ?? [];
    mail.push(deliver);
    this.#channels.set(channel, mail);
  }

  #makeControl(expected: readonly number[]) {
    const life = ++this.#life;
    const table: RouteTable = new RouteTable({
      clock: this.clock,
      random: this.random,
      onPool: (pool) => fleet.watch(pool),
    });
    const admitter: Admitter = {
      admit: (_pool, request, signal) => {
        const admission = room.enter(request, signal);
        if (life === this.#life && this.pool.readyCount === 0) this.wake();
        return admission;
      },
      knock: () => null,
    };
    const fleet = new Fleet({
      ...{ clock: this.clock, log: silentLog, table, admitter, expected },
      onUncertified: () => {},
      post: (worker, mail) => {
        if (life !== this.#life) return;
        this.#carry(`${worker} down`, () => this.workers.get(worker)?.take(structuredClone(mail)));
      },
      giveUp: (worker) => this.killWorker(worker),
      isWhole: () => true,
    });
    const snapshot = { key: KEY, policy: this.#policy, routes: [route('shop.localhost')] };
    table.apply(snapshot);
    const pool = table.pool(KEY);
    assert.ok(pool !== undefined);
    const room = new WaitingRoom({ pool, clock: this.clock, tenant: 'acme', space: this.#space });
    pool.watch({ onRoom: () => room.release() });
    fleet.apply(snapshot);
    return { table, fleet, pool };
  }
}
