/**
 * Load balancing: which of the ready upstreams of one group takes a request. Pure choices over an array; an upstream is
 * never chosen when it was tried before or is at its concurrency limit.
 */
import type { LoadBalancing } from '#core/set';
import type { Upstream } from './upstream.ts';

/** Any number that is unlikely to be the seed of an upstream. */
const SPREAD_SEED = 0x9e3779b9;

export interface Choice {
  readonly lb: LoadBalancing;
  /** Requests at a time per upstream; 0: no limit. */
  readonly limit: number;
  /** What `hash:…` goes by; any number for the other policies. */
  readonly hash: number;
  /** Upstreams that failed this request already; null: none. */
  readonly tried: readonly Upstream[] | null;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  /** Grows by one with every choice of this group. */
  readonly turn: number;
}

/** The upstream that takes the request, or null when none may. */
export function choose(ready: readonly Upstream[], choice: Choice): Upstream | null {
  const count = ready.length;
  if (count === 0) return null;
  if (count === 1) return usable(ready[0], choice);
  switch (choice.lb.kind) {
    case 'p2c':
      return powerOfTwo(ready, choice);
    case 'least':
      return least(ready, choice);
    case 'rr':
      return roundRobin(ready, choice);
    default:
      return rendezvous(ready, choice);
  }
}

/** True for the policies that go by a key of the request. */
export function isHashed(lb: LoadBalancing): boolean {
  return lb.kind === 'hash-ip' || lb.kind === 'hash-header';
}

/** A hash spread evenly over 0 ≤ n < 1, independent of what {@link choose} makes of it. */
export function spread(hash: number): number {
  return mix(hash ^ SPREAD_SEED) / 2 ** 32;
}

function usable(upstream: Upstream | undefined, choice: Choice): Upstream | null {
  if (upstream === undefined) return null;
  if (upstream.isFull(choice.limit)) return null;
  if (choice.tried?.includes(upstream)) return null;
  return upstream;
}

/** Requests in flight to it over all processes, as far as is known. */
function load(upstream: Upstream): number {
  return upstream.inFlight + upstream.elsewhere;
}

/** Two distinct random candidates, the less busy one wins (Mitzenmacher 2001). Equal: the first, which is random. */
function powerOfTwo(ready: readonly Upstream[], choice: Choice): Upstream | null {
  const count = ready.length;
  const first = Math.floor(choice.random() * count);
  let second = Math.floor(choice.random() * (count - 1));
  if (second >= first) second++;
  const a = usable(ready[first], choice);
  const b = usable(ready[second], choice);
  if (a !== null && b !== null) return load(b) < load(a) ? b : a;
  return a ?? b ?? least(ready, choice);
}

/** The least busy one; among equals the first from a random place on. */
function least(ready: readonly Upstream[], choice: Choice): Upstream | null {
  const count = ready.length;
  const start = Math.floor(choice.random() * count);
  let best: Upstream | null = null;
  for (let i = 0; i < count; i++) {
    const candidate = usable(ready[(start + i) % count], choice);
    if (candidate !== null && (best === null || load(candidate) < load(best))) best = candidate;
  }
  return best;
}

function roundRobin(ready: readonly Upstream[], choice: Choice): Upstream | null {
  const count = ready.length;
  for (let i = 0; i < count; i++) {
    const candidate = usable(ready[(choice.turn + i) % count], choice);
    if (candidate !== null) return candidate;
  }
  return null;
}

/** Highest random weight (Thaler and Ravishankar 1998): only the keys of a lost upstream move. */
function rendezvous(ready: readonly Upstream[], choice: Choice): Upstream | null {
  let best: Upstream | null = null;
  let bestScore = -1;
  for (const upstream of ready) {
    const candidate = usable(upstream, choice);
    if (candidate === null) continue;
    const score = mix(candidate.seed ^ choice.hash);
    if (score > bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

/** Final avalanche of MurmurHash3, 32 bits, unsigned. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
