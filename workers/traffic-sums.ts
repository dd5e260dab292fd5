/**
 * The counts of all workers in one: the sum of those that live, and what those that died had counted when they were heard
 * last, so that no counter ever goes backwards. A worker that does not answer in time stands with its last answer.
 */
import { type Clock, pause } from '#core/clock';
import { newTally } from '#gateway/door-counts';
import type { FirstByteCounts, SetCounts } from '#gateway/metrics';
import type { RevisionCounts } from '#gateway/revision-metrics';
import type { WakeTier } from '#router/admission';
import type { TrafficCounts } from './messages.ts';

const ANSWER_WITHIN_MS = 500;

export interface TrafficSumsOptions {
  readonly clock: Clock;
  readonly ask: (worker: number, round: number) => void;
}

interface Round {
  readonly missing: Set<number>;
  readonly done: AbortController;
}

export class TrafficSums {
  readonly #options: TrafficSumsOptions;
  readonly #last = new Map<number, TrafficCounts>();
  readonly #rounds = new Map<number, Round>();
  #gone: TrafficCounts = { sets: [], revisions: [], doors: newTally() };
  #lastRound = 0;

  constructor(options: TrafficSumsOptions) {
    this.#options = options;
  }

  /** Asks all workers. @param knows whether the set is still there; of others nothing is said */
  async collect(workers: Iterable<number>, knows: (set: string) => boolean): Promise<TrafficCounts> {
    const { ask, clock } = this.#options;
    const round = { missing: new Set(workers), done: new AbortController() };
    if (round.missing.size > 0) {
      const number = ++this.#lastRound;
      this.#rounds.set(number, round);
      for (const worker of round.missing) ask(worker, number);
      await pause(clock, ANSWER_WITHIN_MS, round.done.signal);
      this.#rounds.delete(number);
    }
    const { sets, revisions, doors } = sumOf([this.#gone, ...this.#last.values()]);
    return {
      doors,
      sets: sets.filter((one) => one.key === null || knows(one.key)),
      revisions: revisions.filter((one) => knows(one.key)),
    };
  }

  answered(worker: number, number: number, counts: TrafficCounts): void {
    this.#last.set(worker, counts);
    this.#settle(worker, this.#rounds.get(number));
  }

  leave(worker: number): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    if (last !== undefined) {
      const over = last.sets.map((one) => ({ ...one, inFlight: 0 }));
      this.#gone = sumOf([this.#gone, { ...last, sets: over }]);
    }
    for (const round of this.#rounds.values()) this.#settle(worker, round);
  }

  #settle(worker: number, round: Round | undefined): void {
    round?.missing.delete(worker);
    if (round?.missing.size === 0) round.done.abort();
  }
}

/** One set of counts for every key, and every revision; those of no set come last. */
export function sumOf(all: Iterable<TrafficCounts>): TrafficCounts {
  const sums = new Map<SetCounts['key'], SetCounts>();
  const revisions = new Map<string, RevisionCounts>();
  const doors = newTally();
  for (const counts of all) {
    for (const name of Object.keys(doors) as (keyof typeof doors)[]) doors[name] += counts.doors[name];
    for (const one of counts.sets) {
      const sum = sums.get(one.key);
      sums.set(one.key, sum === undefined ? one : added(sum, one));
    }
    for (const one of counts.revisions) {
      const name = `${one.key}/${one.revision}`;
      const sum = revisions.get(name);
      revisions.set(name, sum === undefined ? one : addedRevision(sum, one));
    }
  }
  const unrouted = sums.get(null);
  sums.delete(null);
  return {
    doors,
    sets: [...sums.values(), ...(unrouted === undefined ? [] : [unrouted])],
    revisions: [...revisions.values()],
  };
}

function addedRevision(a: RevisionCounts, b: RevisionCounts): RevisionCounts {
  return {
    ...a,
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: addedEach(a.latency, b.latency),
    latencySumS: a.latencySumS + b.latencySumS,
  };
}

function added(a: SetCounts, b: SetCounts): SetCounts {
  const errors: Record<string, number> = { ...a.errors };
  for (const [code, count] of Object.entries(b.errors)) errors[code] = (errors[code] ?? 0) + count;
  return {
    key: a.key,
    requests: addedEach(a.requests, b.requests),
    aborted: a.aborted + b.aborted,
    cut: a.cut + b.cut,
    inFlight: a.inFlight + b.inFlight,
    latency: addedEach(a.latency, b.latency),
    latencySumS: a.latencySumS + b.latencySumS,
    retries: a.retries + b.retries,
    ejections: a.ejections + b.ejections,
    held: a.held + b.held,
    upgrades: a.upgrades + b.upgrades,
    firstBytes: addedFirstBytes(a.firstBytes, b.firstBytes),
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    errors,
  };
}

function addedFirstBytes(a: SetCounts['firstBytes'], b: SetCounts['firstBytes']): SetCounts['firstBytes'] {
  const sums: Partial<Record<WakeTier, FirstByteCounts>> = { ...a };
  for (const [name, counts] of Object.entries(b)) {
    const tier = name as WakeTier;
    const { latency, latencySumS } = sums[tier] ?? { latency: [], latencySumS: 0 };
    sums[tier] = { latency: addedEach(counts.latency, latency), latencySumS: counts.latencySumS + latencySumS };
  }
  return sums;
}

function addedEach(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => value + (b[i] ?? 0));
}
