/**
 * The replicas of one simulated set and the requests for it: so many at a time in each replica, the rest waits in the order
 * it came; replicas take a while to start, and finish what they have before they go. It has the counts of a pool.
 */
import type { SetPolicy } from '#core/set';
import { Cores } from './cores.ts';
import type { SimulatedClock } from './simulated-clock.ts';

const SECOND_MS = 1000;
/** From frozen to the first request, as measured (load/results/wake-frozen.md). */
const THAW_MS = 3;
const NEVER_SLOWER = { from: Number.POSITIVE_INFINITY, times: 1 };
/** Entries of the queue that are over before they are cleared away. */
const LONGEST_PAST = 10_000;

export interface ServiceModel {
  readonly workMs: number;
  /** From a second on a request takes so many times as long. */
  readonly slower?: { readonly from: number; readonly times: number };
  /** From asking for a replica until it takes requests: so many ms, evenly between the two. */
  readonly startMs: readonly [least: number, most: number];
  /** What all of that shares; not given: there is more of it than is ever needed. */
  readonly machine?: MachineModel;
}

export interface MachineModel {
  readonly cores: number;
  /** The part of a core that a request uses while it is worked on. A start uses a whole one. */
  readonly requestCores: number;
}

export interface FleetOptions {
  readonly clock: SimulatedClock;
  readonly chance: () => number;
  readonly policy: SetPolicy;
  readonly service: ServiceModel;
  /** Ready from the beginning. */
  readonly replicas: number;
}

interface Replica {
  /** `warming`: a spare that starts; `frozen`: a spare that is warm. */
  state: 'starting' | 'ready' | 'draining' | 'gone' | 'warming' | 'frozen';
  inFlight: number;
}

interface Held {
  readonly arrivedAt: number;
  isOver: boolean;
}

export class Fleet {
  readonly policy: SetPolicy;
  readonly #options: FleetOptions;
  readonly #replicas: Replica[] = [];
  readonly #queue: Held[] = [];
  /** Null: what it runs on is never short of them. */
  readonly #cores: Cores | null;
  #head = 0;
  #spentAt = 0;

  inFlight = 0;
  held = 0;
  claims = 0;
  readyCount = 0;
  /** Requests that were shed, or waited too long. */
  errors = 0;
  /** Of all replicas that were there, from the order to start until they were gone. */
  replicaMs = 0;
  /** Of all spares that were there, as long as they were none of those. */
  spareMs = 0;
  /** Sum of requests that were there, in flight or held, over time. */
  concurrencyMs = 0;
  /** Arrival and time in all, in ms, of each that was answered, one after the other. */
  readonly answers: number[] = [];
  /** A request arrived. */
  onArrival: () => void = () => {};

  constructor(options: FleetOptions) {
    this.#options = options;
    this.policy = options.policy;
    const { machine } = options.service;
    this.#cores = machine === undefined ? null : new Cores(options.clock, machine.cores);
    for (let i = 0; i < options.replicas; i++) this.#replicas.push({ state: 'ready', inFlight: 0 });
    this.readyCount = options.replicas;
  }

  /** Replicas that are there or on their way, without those that leave. */
  get count(): number {
    return this.#replicas.filter(({ state }) => state === 'starting' || state === 'ready').length;
  }

  /** Frozen, or on their way to be. */
  get spares(): number {
    return this.#replicas.filter(({ state }) => state === 'warming' || state === 'frozen').length;
  }

  arrive(): void {
    this.settle();
    const held: Held = { arrivedAt: this.#options.clock.now(), isOver: false };
    if (this.held > 0 || !this.#serve(held)) this.#hold(held);
    this.onArrival();
  }

  scaleTo(wanted: number): void {
    this.settle();
    for (let missing = wanted - this.count; missing > 0; missing--) {
      const spare = this.#replicas.find(({ state }) => state === 'frozen');
      if (spare === undefined) this.#start('starting');
      else this.#thaw(spare);
    }
    // What does not serve yet goes first, then what has least to do.
    const leaving = this.#replicas.filter(({ state }) => state === 'starting' || state === 'ready');
    leaving.sort((a, b) => Number(a.state === 'ready') - Number(b.state === 'ready') || a.inFlight - b.inFlight);
    for (const replica of leaving.slice(0, Math.max(0, leaving.length - wanted))) this.#leave(replica);
  }

  /** Keeps so many frozen beside those that serve; they are started when those are ready. */
  spareTo(wanted: number): void {
    this.settle();
    const spares = this.#replicas.filter(({ state }) => state === 'warming' || state === 'frozen');
    for (const spare of spares.slice(wanted)) this.#remove(spare);
    if (this.readyCount < this.count) return;
    for (let missing = wanted - spares.length; missing > 0; missing--) this.#start('warming');
  }

  /** Brings what adds up over time up to now. */
  settle(): void {
    const passed = this.#options.clock.now() - this.#spentAt;
    this.#spentAt += passed;
    const { spares } = this;
    this.spareMs += passed * spares;
    this.replicaMs += passed * (this.#replicas.length - spares);
    this.concurrencyMs += passed * (this.inFlight + this.held);
  }

  #start(state: 'starting' | 'warming'): void {
    const { chance, service } = this.#options;
    const replica: Replica = { state, inFlight: 0 };
    this.#replicas.push(replica);
    const [least, most] = service.startMs;
    this.#work(least + chance() * (most - least), 1, () => {
      this.settle();
      if (replica.state === 'warming') replica.state = 'frozen';
      else if (replica.state === 'starting') this.#serves(replica);
    });
  }

  #thaw(spare: Replica): void {
    spare.state = 'starting';
    this.#options.clock.after(THAW_MS, () => {
      if (spare.state !== 'starting') return;
      this.settle();
      this.#serves(spare);
    });
  }

  #serves(replica: Replica): void {
    replica.state = 'ready';
    this.readyCount++;
    this.#release();
  }

  #leave(replica: Replica): void {
    if (replica.state === 'ready') this.readyCount--;
    replica.state = 'draining';
    if (replica.inFlight === 0) this.#remove(replica);
  }

  #remove(replica: Replica): void {
    replica.state = 'gone';
    this.#replicas.splice(this.#replicas.indexOf(replica), 1);
  }

  /** Gives it to the replica that has least to do. */
  #serve(held: Held): boolean {
    const { clock, service } = this.#options;
    const { from, times } = service.slower ?? NEVER_SLOWER;
    const limit = this.policy.concurrency > 0 ? this.policy.concurrency : Number.POSITIVE_INFINITY;
    let best: Replica | null = null;
    for (const one of this.#replicas) {
      if (one.state === 'ready' && one.inFlight < (best?.inFlight ?? limit)) best = one;
    }
    if (best === null) return false;
    const replica = best;
    replica.inFlight++;
    this.inFlight++;
    this.claims++;
    const workMs = service.workMs * (clock.now() < from * SECOND_MS ? 1 : times);
    this.#work(workMs, service.machine?.requestCores ?? 0, () => {
      this.settle();
      replica.inFlight--;
      this.inFlight--;
      this.answers.push(held.arrivedAt, clock.now() - held.arrivedAt);
      if (replica.state === 'draining' && replica.inFlight === 0) this.#remove(replica);
      this.#release();
    });
    return true;
  }

  #work(ms: number, cores: number, run: () => void): void {
    if (this.#cores === null) this.#options.clock.after(ms, run);
    else this.#cores.after(ms, cores, run);
  }

  #hold(held: Held): void {
    if (this.held >= this.policy.wakeQueue) {
      this.errors++;
      return;
    }
    this.held++;
    this.#queue.push(held);
    this.#options.clock.after(this.policy.wakeTimeoutMs, () => this.#giveUp(held));
  }

  #release(): void {
    for (;;) {
      const held = this.#queue[this.#head];
      if (held === undefined) break;
      if (!held.isOver) {
        if (!this.#serve(held)) break;
        held.isOver = true;
        this.held--;
      }
      this.#head++;
    }
    if (this.#head < this.#queue.length && this.#head < LONGEST_PAST) return;
    this.#queue.splice(0, this.#head);
    this.#head = 0;
  }

  #giveUp(held: Held): void {
    if (held.isOver) return;
    this.settle();
    held.isOver = true;
    this.held--;
    this.errors++;
  }
}
