/**
 * The ready upstreams of a pool by revision, and the choice of one: a revision by its weight, an upstream of it by the
 * way of balancing. Those that are new take less at first if the policy says so.
 */
import type { Clock } from '#core/clock';
import type { SetPolicy } from '#core/set';
import { choose, isHashed, spread } from './balancing.ts';
import { warmEnough } from './slow-start.ts';
import type { Upstream } from './upstream.ts';

/** Upstreams that share one part of the traffic: those of one revision. */
interface Group {
  readonly key: string;
  readonly weight: number;
  readonly ready: Upstream[];
  turn: number;
  /** Monotonic ms at which the last of them became ready. */
  youngestSince: number;
}

export class Shares {
  /** 0 ≤ n < 1. */
  readonly #random: () => number;
  readonly #clock: Clock;
  #groups: Group[] = [];

  constructor(random: () => number, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Upstreams that may take requests, whether at their limit or not. */
  get readyCount(): number {
    let count = 0;
    for (const group of this.#groups) count += group.ready.length;
    return count;
  }

  /** Whether there is nothing to choose from. */
  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  /**
   * One that takes the request, or null when none may. Called for every request: takes no object.
   * @param hash what `hash:…` balancing goes by; any number otherwise
   * @param tried upstreams that failed this request already; null: none
   */
  choose(policy: SetPolicy, hash: number, tried: readonly Upstream[] | null): Upstream | null {
    const groups = this.#groups;
    if (groups.length === 1) return this.#chooseIn(groups[0], policy, hash, tried);
    return groups.length === 0 ? null : this.#chooseByWeight(policy, hash, tried);
  }

  /** Takes in who is ready now. */
  regroup(upstreams: readonly Upstream[]): void {
    const groups: Group[] = [];
    for (const upstream of upstreams) {
      if (!upstream.isReady) {
        upstream.readySince = null;
        continue;
      }
      upstream.readySince ??= this.#clock.now();
      if (upstream.weight === 0) continue;
      const key = upstream.revision ?? `weight ${upstream.weight}`;
      let group = groups.find((one) => one.key === key);
      if (group === undefined) {
        const turn = this.#groups.find((one) => one.key === key)?.turn ?? 0;
        group = { key, weight: upstream.weight, ready: [], turn, youngestSince: Number.NEGATIVE_INFINITY };
        groups.push(group);
      }
      group.ready.push(upstream);
      group.youngestSince = Math.max(group.youngestSince, upstream.readySince);
    }
    this.#groups = groups;
  }

  #chooseIn(
    group: Group | undefined,
    policy: SetPolicy,
    hash: number,
    tried: readonly Upstream[] | null,
  ): Upstream | null {
    if (group === undefined) return null;
    const only = group.ready[0];
    if (group.ready.length === 1 && only !== undefined && policy.concurrency === 0 && tried === null) return only;
    const random = this.#random;
    const choice = { lb: policy.lb, limit: policy.concurrency, hash, tried, random, turn: group.turn++ };
    const { slowStartMs } = policy;
    if (slowStartMs !== null && group.ready.length > 1) {
      const now = this.#clock.now();
      if (now - group.youngestSince < slowStartMs) {
        const luck = isHashed(policy.lb) ? null : random;
        const warm = choose(warmEnough(group.ready, { slowStartMs, now, random: luck, hash }), choice);
        if (warm !== null) return warm;
      }
    }
    return choose(group.ready, choice);
  }

  /**
   * A group by chance (with `hash:…`: by the key, which so stays on its revision) in proportion to its weight; the others
   * stand in when it has no room.
   */
  #chooseByWeight(policy: SetPolicy, hash: number, tried: readonly Upstream[] | null): Upstream | null {
    let total = 0;
    for (const group of this.#groups) total += group.weight;
    let point = (isHashed(policy.lb) ? spread(hash) : this.#random()) * total;
    let first = 0;
    while (first < this.#groups.length - 1) {
      point -= this.#groups[first]?.weight ?? 0;
      if (point < 0) break;
      first++;
    }
    for (let i = 0; i < this.#groups.length; i++) {
      const group = this.#groups[(first + i) % this.#groups.length];
      const upstream = this.#chooseIn(group, policy, hash, tried);
      if (upstream !== null) return upstream;
    }
    return null;
  }
}
