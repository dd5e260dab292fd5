/**
 * A pool: the upstreams of one set, and the count of what they serve. `claim` and `release` bracket every request and
 * stream, so a pool without claims is idle in truth: nothing can be in flight that it does not know of.
 */
import type { Clock } from '#core/clock';
import type { SetKey, SetPolicy } from '#core/set';
import { choose, isHashed, spread } from './balancing.ts';
import { type HealthSignal, nextHealth } from './health.ts';
import type { Upstream } from './upstream.ts';

/** Upstreams that share one part of the traffic: those of one revision. */
interface Group {
  readonly key: string;
  readonly weight: number;
  readonly ready: Upstream[];
  turn: number;
}

/** Told of what happens to a pool. Called synchronously; must not throw. */
export interface PoolWatcher {
  /** An upstream may take more than before: one became ready, or one at its limit finished a request. */
  onRoom?(pool: Pool): void;
  /** The last request in flight ended. */
  onIdle?(pool: Pool): void;
  /** A draining upstream finished its last request. */
  onDrained?(upstream: Upstream): void;
  /** An upstream left for good: close the connections kept to it. */
  onRemoved?(upstream: Upstream): void;
  /** A request found the upstream unable to answer (connect refused or reset): it wants a look. */
  onSuspect?(pool: Pool, upstream: Upstream): void;
}

export interface PoolOptions {
  readonly key: SetKey;
  readonly policy: SetPolicy;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

export class Pool {
  readonly key: SetKey;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #watchers: PoolWatcher[] = [];
  readonly #upstreams: Upstream[] = [];
  #groups: Group[] = [];
  #policy: SetPolicy;

  /** Requests and streams in flight over all upstreams, also those that left the pool. */
  inFlight = 0;
  /** Requests held in the waiting room. Written by the waiting room alone. */
  held = 0;
  /** Requests since the start: grows by one with every claim. */
  claims = 0;
  /** Monotonic ms of the last claim or release. */
  lastUsedAt: number;

  constructor(options: PoolOptions) {
    this.key = options.key;
    this.#policy = options.policy;
    this.#clock = options.clock;
    this.#random = options.random;
    this.lastUsedAt = options.clock.now();
  }

  get policy(): SetPolicy {
    return this.#policy;
  }

  set policy(policy: SetPolicy) {
    const widened = this.#policy.concurrency !== policy.concurrency;
    this.#policy = policy;
    if (widened) this.#notifyRoom();
  }

  get upstreams(): readonly Upstream[] {
    return this.#upstreams;
  }

  /** Upstreams that may take requests now, whether at their limit or not. */
  get readyCount(): number {
    let count = 0;
    for (const group of this.#groups) count += group.ready.length;
    return count;
  }

  watch(watcher: PoolWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Adds an upstream. It takes nothing before it is healthy. */
  add(upstream: Upstream): void {
    this.#upstreams.push(upstream);
    this.#regroup();
    if (isReady(upstream)) this.#notifyRoom();
  }

  /** Takes an upstream out at once. What it has in flight goes on and is still counted. */
  remove(upstream: Upstream): void {
    const index = this.#upstreams.indexOf(upstream);
    if (index < 0) return;
    this.#upstreams.splice(index, 1);
    upstream.removed = true;
    this.#regroup();
    for (const watcher of this.#watchers) watcher.onRemoved?.(upstream);
  }

  /** Lets an upstream finish what is in flight and gives it nothing new, or takes that back. */
  drain(upstream: Upstream, draining = true): void {
    if (upstream.draining === draining) return;
    upstream.draining = draining;
    this.#regroup();
    if (isReady(upstream)) this.#notifyRoom();
  }

  /** Moves the health of an upstream. Returns true when it changed between ready and not ready. */
  signal(upstream: Upstream, signal: HealthSignal): boolean {
    const before = upstream.health.health;
    upstream.health = nextHealth(upstream.health, signal, this.#policy.health);
    if ((before === 'healthy') === (upstream.health.health === 'healthy')) return false;
    this.#regroup();
    if (isReady(upstream)) this.#notifyRoom();
    return true;
  }

  /** Says that a request could not be served by this upstream; whoever watches its health looks at once. */
  suspect(upstream: Upstream): void {
    if (upstream.removed) return;
    for (const watcher of this.#watchers) watcher.onSuspect?.(this, upstream);
  }

  /**
   * Takes an upstream for one request, or null when none may take it now: then the request asks for admission. While
   * others are held nobody overtakes them. Every claim ends with one `release`.
   * @param hash what `hash:…` balancing goes by; any number otherwise
   * @param tried upstreams that failed this request already; null: none
   */
  claim(hash: number, tried: readonly Upstream[] | null): Upstream | null {
    return this.held > 0 ? null : this.claimForHeld(hash, tried);
  }

  /** {@link claim} for the waiting room alone: for a request that is held. */
  claimForHeld(hash: number, tried: readonly Upstream[] | null): Upstream | null {
    const groups = this.#groups;
    let upstream: Upstream | null = null;
    if (groups.length === 1) upstream = this.#chooseIn(groups[0], hash, tried);
    else if (groups.length > 1) upstream = this.#chooseByWeight(hash, tried);
    if (upstream !== null) this.#count(upstream);
    return upstream;
  }

  /** Takes the upstream a sticky cookie names, or null when it is gone, not ready, full, or failed already. */
  claimTagged(tag: string, tried: readonly Upstream[] | null): Upstream | null {
    const limit = this.#policy.concurrency;
    for (const upstream of this.#upstreams) {
      if (upstream.tag !== tag || !isReady(upstream) || tried?.includes(upstream)) continue;
      if (limit > 0 && upstream.inFlight >= limit) continue;
      this.#count(upstream);
      return upstream;
    }
    return null;
  }

  /** Ends a claim. */
  release(upstream: Upstream): void {
    upstream.inFlight--;
    this.inFlight--;
    this.lastUsedAt = this.#clock.now();
    if (this.held > 0) this.#notifyRoom();
    if (upstream.draining && upstream.inFlight === 0)
      for (const watcher of this.#watchers) watcher.onDrained?.(upstream);
    if (this.inFlight === 0) for (const watcher of this.#watchers) watcher.onIdle?.(this);
  }

  #count(upstream: Upstream): void {
    upstream.inFlight++;
    this.inFlight++;
    this.claims++;
    this.lastUsedAt = this.#clock.now();
  }

  #chooseIn(group: Group | undefined, hash: number, tried: readonly Upstream[] | null): Upstream | null {
    if (group === undefined) return null;
    const policy = this.#policy;
    const only = group.ready[0];
    if (group.ready.length === 1 && only !== undefined && policy.concurrency === 0 && tried === null) return only;
    return choose(group.ready, {
      lb: policy.lb,
      limit: policy.concurrency,
      hash,
      tried,
      random: this.#random,
      turn: group.turn++,
    });
  }

  /**
   * A group by chance (with `hash:…`: by the key, which so stays on its revision) in proportion to its weight; the others
   * stand in when it has no room.
   */
  #chooseByWeight(hash: number, tried: readonly Upstream[] | null): Upstream | null {
    let total = 0;
    for (const group of this.#groups) total += group.weight;
    let point = (isHashed(this.#policy.lb) ? spread(hash) : this.#random()) * total;
    let first = 0;
    while (first < this.#groups.length - 1) {
      point -= this.#groups[first]?.weight ?? 0;
      if (point < 0) break;
      first++;
    }
    for (let i = 0; i < this.#groups.length; i++) {
      const group = this.#groups[(first + i) % this.#groups.length];
      const upstream = this.#chooseIn(group, hash, tried);
      if (upstream !== null) return upstream;
    }
    return null;
  }

  #regroup(): void {
    const groups: Group[] = [];
    for (const upstream of this.#upstreams) {
      if (!isReady(upstream) || upstream.weight === 0) continue;
      const key = upstream.revision ?? `weight ${upstream.weight}`;
      let group = groups.find((one) => one.key === key);
      if (group === undefined) {
        const turn = this.#groups.find((one) => one.key === key)?.turn ?? 0;
        group = { key, weight: upstream.weight, ready: [], turn };
        groups.push(group);
      }
      group.ready.push(upstream);
    }
    this.#groups = groups;
  }

  #notifyRoom(): void {
    for (const watcher of this.#watchers) watcher.onRoom?.(this);
  }
}

function isReady(upstream: Upstream): boolean {
  return upstream.health.health === 'healthy' && !upstream.draining;
}
