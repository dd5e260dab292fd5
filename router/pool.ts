/**
 * A pool: the upstreams of one set, and the count of what they serve. `claim` and `release` bracket every request and
 * stream, so a pool without claims is idle in truth: nothing can be in flight that it does not know of.
 */
import type { Clock } from '#core/clock';
import type { SetKey, SetPolicy } from '#core/set';
import { type Health, type HealthSignal, nextHealth } from './health.ts';
import { canSpareOne, OutlierRecord } from './outlier.ts';
import type { PoolWatcher } from './pool-watcher.ts';
import type { RevisionWish } from './revision-wish.ts';
import { Shares } from './shares.ts';
import type { Upstream } from './upstream.ts';

export interface PoolOptions {
  readonly key: SetKey;
  readonly policy: SetPolicy;
  readonly clock: Clock;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

/** Upstreams that failed a request already; null: none. */
type Tried = readonly Upstream[] | null;

export class Pool {
  readonly key: SetKey;
  readonly #clock: Clock;
  readonly #shares: Shares;
  readonly #watchers: PoolWatcher[] = [];
  readonly #upstreams: Upstream[] = [];
  #policy: SetPolicy;
  /** Monotonic ms at which the next ejected upstream is to come back; infinite when none is ejected. */
  #restoreAt = Number.POSITIVE_INFINITY;

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
    this.#shares = new Shares(options.random, options.clock);
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
    return this.#shares.readyCount;
  }

  /** Whether requests have more than one revision to choose from now. */
  get isSplit(): boolean {
    return this.#shares.isSplit;
  }

  /** Whether a revision has replicas with weight, ready or not. */
  weighs(revision: string): boolean {
    return this.#upstreams.some((one) => one.revision === revision && one.weight > 0);
  }

  watch(watcher: PoolWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Adds an upstream. It takes nothing before it is healthy. */
  add(upstream: Upstream): void {
    this.#upstreams.push(upstream);
    for (const watcher of this.#watchers) watcher.onAdded?.(this, upstream);
    this.#regroup();
    if (upstream.isReady) this.#notifyRoom();
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
    this.#changed(upstream);
    if (upstream.isReady) this.#notifyRoom();
  }

  /** Gives an upstream, which goes on, another weight. */
  weigh(upstream: Upstream, weight: number): void {
    if (upstream.weight === weight) return;
    upstream.weight = weight;
    this.#changed(upstream);
    if (upstream.isReady) this.#notifyRoom();
  }

  /** Moves the health of an upstream. Returns true when it changed between ready and not ready. */
  signal(upstream: Upstream, signal: HealthSignal): boolean {
    const was = upstream.health.health;
    upstream.health = nextHealth(upstream.health, signal, this.#policy.health);
    if (was !== upstream.health.health) this.#changed(upstream);
    if ((was === 'healthy') === (upstream.health.health === 'healthy')) return false;
    if (upstream.isReady) this.#notifyRoom();
    return true;
  }

  /** Takes over a verdict that another process reached. What this one ejected stays so until it is restored. */
  setHealth(upstream: Upstream, health: Health): void {
    const before = upstream.health.health;
    if (before === health || (before === 'ejected' && health === 'healthy')) return;
    upstream.health = { health, streak: 0 };
    this.#changed(upstream);
    if (upstream.isReady) this.#notifyRoom();
  }

  /**
   * Counts an answer of an upstream for `tidegate.outlier.…`, which has to be on. One that fails again and again is ejected
   * for a while, unless less than half of the pool would be left.
   * @param failed a status of 500 or more, or no answer
   * @returns whether it was ejected now
   */
  judge(upstream: Upstream, failed: boolean): boolean {
    const policy = this.#policy.outlier;
    if (policy === null) return false;
    upstream.outlier ??= new OutlierRecord();
    const tooMany = upstream.outlier.count(failed, policy);
    if (!tooMany || upstream.removed || !upstream.isReady || !canSpareOne(this.#upstreams)) return false;
    upstream.outlier.eject(policy, this.#clock.now());
    this.#restoreAt = Math.min(this.#restoreAt, upstream.outlier.until);
    this.signal(upstream, 'eject');
    return true;
  }

  /** Says that a request could not be served by this upstream; whoever watches its health looks at once. */
  suspect(upstream: Upstream): void {
    if (upstream.removed) return;
    for (const watcher of this.#watchers) watcher.onSuspect?.(this, upstream);
  }

  /** Says that a replica is at work for so long yet, requests or not: nothing is to put it or its set to sleep. */
  lease(replica: string, forMs: number): void {
    for (const watcher of this.#watchers) watcher.onLeased?.(this, replica, forMs);
  }

  /**
   * Takes an upstream for one request, or null when none may take it now: then the request asks for admission. While
   * others are held nobody overtakes them. Every claim ends with one `release`.
   * @param hash what `hash:…` balancing goes by; any number otherwise
   * @param wish the revision where it belongs; null: any, by weight
   * @param quiet it is not to count as use of the set
   */
  claim(hash: number, tried: Tried, wish: RevisionWish | null = null, quiet = false): Upstream | null {
    return this.held > 0 ? null : this.claimForHeld(hash, tried, wish, quiet);
  }

  /** {@link claim} for the waiting room alone: for a request that is held. */
  claimForHeld(hash: number, tried: Tried, wish: RevisionWish | null = null, quiet = false): Upstream | null {
    if (this.#restoreAt !== Number.POSITIVE_INFINITY) this.#restoreEjected(this.#clock.now());
    const upstream =
      wish === null
        ? this.#shares.choose(this.#policy, hash, tried)
        : this.#shares.chooseFor(this.#policy, { hash, wish }, tried);
    if (upstream !== null) this.take(upstream, quiet);
    return upstream;
  }

  /**
   * Takes the upstream a sticky cookie names, or null when it is gone, not ready, full, failed already, or not of a revision
   * where the request belongs.
   */
  claimTagged(tag: string, tried: Tried, wish: RevisionWish | null = null, quiet = false): Upstream | null {
    const limit = this.#policy.concurrency;
    for (const upstream of this.#upstreams) {
      if (upstream.tag !== tag || !upstream.isReady || tried?.includes(upstream)) continue;
      if (upstream.isFull(limit) || !this.#shares.allows(upstream, wish)) continue;
      this.take(upstream, quiet);
      return upstream;
    }
    return null;
  }

  /** Ends a claim. @param quiet as it was claimed */
  release(upstream: Upstream, quiet = false): void {
    upstream.inFlight--;
    this.inFlight--;
    this.#released(upstream, quiet);
  }

  /**
   * Takes in what another process counted for an upstream of this pool, which may have left it.
   * @param inFlight how many more (or fewer) it has in flight now
   * @param claims how many it claimed since it was heard last
   * @param quiet none of that counts as use
   */
  note(upstream: Upstream, inFlight: number, claims: number, quiet = false): void {
    if (inFlight === 0 && claims === 0) return;
    upstream.inFlight += inFlight;
    upstream.claims += claims;
    this.inFlight += inFlight;
    this.claims += claims;
    if (inFlight < 0) this.#released(upstream, quiet);
    else if (!quiet) this.#used(upstream);
  }

  /** Room of an upstream that other processes hold and do not use. */
  reserve(upstream: Upstream, count: number): void {
    const freed = count < upstream.reserved;
    upstream.reserved = count;
    if (freed && this.held > 0) this.#notifyRoom();
  }

  #released(upstream: Upstream, quiet: boolean): void {
    if (!quiet) this.#used(upstream);
    if (!upstream.touched) this.#touch(upstream);
    if (this.held > 0) this.#notifyRoom();
    if (upstream.draining && upstream.inFlight === 0)
      for (const watcher of this.#watchers) watcher.onDrained?.(upstream);
    if (this.inFlight === 0) for (const watcher of this.#watchers) watcher.onIdle?.(this);
  }

  /** Counts a claim: also one that somebody else made for a request of this process. */
  take(upstream: Upstream, quiet = false): void {
    upstream.inFlight++;
    upstream.claims++;
    this.inFlight++;
    this.claims++;
    if (!quiet) this.#used(upstream);
    if (!upstream.touched) this.#touch(upstream);
  }

  /** Somebody used it: its idle time begins anew. */
  #used(upstream: Upstream): void {
    this.lastUsedAt = this.#clock.now();
    upstream.loud = true;
  }

  #touch(upstream: Upstream): void {
    upstream.touched = true;
    for (const watcher of this.#watchers) watcher.onTouched?.(this, upstream);
  }

  #changed(upstream: Upstream): void {
    this.#regroup();
    for (const watcher of this.#watchers) watcher.onChanged?.(this, upstream);
  }

  #regroup(): void {
    this.#shares.regroup(this.#upstreams);
    // An ejected upstream is better than none.
    const alone = this.#shares.isEmpty && this.#restoreAt !== Number.POSITIVE_INFINITY;
    if (alone) this.#restoreEjected(Number.POSITIVE_INFINITY);
  }

  /** Brings back what was ejected until `now`. */
  #restoreEjected(now: number): void {
    let next = Number.POSITIVE_INFINITY;
    for (const upstream of this.#upstreams) {
      if (upstream.health.health !== 'ejected' || upstream.outlier === null) continue;
      if (upstream.outlier.until > now) next = Math.min(next, upstream.outlier.until);
      else {
        upstream.outlier.restore(this.#clock.now());
        this.signal(upstream, 'restore');
      }
    }
    this.#restoreAt = next;
  }

  #notifyRoom(): void {
    for (const watcher of this.#watchers) watcher.onRoom?.(this);
  }
}
