/**
 * The ready upstreams of a pool by revision, and the choice of one: a revision by its weight, an upstream of it by the
 * way of balancing. Those that are new take less at first if the policy says so.
 */
import type { Clock } from '#core/clock';
import type { SetPolicy } from '#core/set';
import { choose, isHashed, spread } from './balancing.ts';
import type { RevisionWish } from './revision-wish.ts';
import { warmEnough } from './slow-start.ts';
import { hashText, type Upstream } from './upstream.ts';

/** Upstreams that share one part of the traffic: those of one revision. */
interface Group {
  readonly key: string;
  readonly weight: number;
  /** Of its key. */
  readonly seed: number;
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
  /** Revisions without weight: nobody gets there but by a match. */
  #silent: Group[] = [];

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

  /** Whether requests have more than one revision to choose from. */
  get isSplit(): boolean {
    return this.#groups.length > 1;
  }

  /**
   * {@link choose}, first in the revision where the request belongs. Those that stand in for it are chosen by weight.
   */
  chooseFor(
    policy: SetPolicy,
    request: { readonly hash: number; readonly wish: RevisionWish },
    tried: readonly Upstream[] | null,
  ): Upstream | null {
    const first = this.#homeOf(request.wish, tried);
    if (first === undefined) return this.choose(policy, request.hash, tried);
    const upstream = this.#chooseIn(first, policy, request.hash, tried);
    if (upstream !== null) return upstream;
    // Whether it has room is not known here: others may stand in for it only when it has none.
    const { concurrency } = policy;
    if (first.ready.some((one) => one.lacksSlots(concurrency) && !tried?.includes(one))) return null;
    return this.choose(policy, request.hash, tried);
  }

  /** Whether the request belongs where this upstream is, so that it may stay with it. */
  allows(upstream: Upstream, wish: RevisionWish | null): boolean {
    if (wish === null) return upstream.weight > 0;
    const { matched, kept } = wish;
    const named = this.#matched(matched) ?? find(this.#groups, kept);
    return named === undefined ? upstream.weight > 0 : named.key === upstream.revision;
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
    const silent: Group[] = [];
    for (const upstream of upstreams) {
      if (!upstream.isReady) {
        upstream.readySince = null;
        continue;
      }
      upstream.readySince ??= this.#clock.now();
      const { revision, weight } = upstream;
      if (weight === 0 && revision === null) continue;
      const key = revision ?? `weight ${weight}`;
      const kind = weight === 0 ? silent : groups;
      let group = find(kind, key);
      if (group === undefined) {
        const turn = (find(this.#groups, key) ?? find(this.#silent, key))?.turn ?? 0;
        group = { key, weight, seed: hashText(key), ready: [], turn, youngestSince: Number.NEGATIVE_INFINITY };
        kind.push(group);
      }
      group.ready.push(upstream);
      group.youngestSince = Math.max(group.youngestSince, upstream.readySince);
    }
    this.#groups = groups;
    this.#silent = silent;
  }

  /** Where a request is looked for an upstream first; undefined: anywhere. */
  #homeOf({ matched, kept, visitor }: RevisionWish, tried: readonly Upstream[] | null): Group | undefined {
    const named = this.#matched(matched) ?? find(this.#groups, tried?.[0]?.revision ?? kept);
    if (named !== undefined || visitor === null || this.#groups.length < 2) return named;
    return homeByHash(this.#groups, visitor);
  }

  #matched(revisions: readonly string[]): Group | undefined {
    for (const revision of revisions) {
      const group = find(this.#groups, revision) ?? find(this.#silent, revision);
      if (group !== undefined) return group;
    }
    return undefined;
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

function find(groups: readonly Group[], key: string | null): Group | undefined {
  if (key === null) return undefined;
  for (const group of groups) if (group.key === key) return group;
  return undefined;
}

/**
 * Weighted rendezvous (Schindelhauer and Schomaker 2005): each group has visitors in proportion to its weight, and one
 * whose weight grows takes some from the others and gives none away.
 */
function homeByHash(groups: readonly Group[], visitor: number): Group | undefined {
  let home: Group | undefined;
  let best = -1;
  for (const group of groups) {
    // 0 < chance < 1, so that the logarithm is finite and below 0.
    const chance = spread(visitor ^ group.seed) * (1 - 2 ** -32) + 2 ** -33;
    const score = -group.weight / Math.log(chance);
    if (score > best) {
      best = score;
      home = group;
    }
  }
  return home;
}
