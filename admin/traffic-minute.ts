/**
 * Traffic of sets since the start and over the last minute: the gateway's counters are looked at every ten seconds, and
 * what lies between two looks is what happened.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { SetKey } from '#core/set';
import type { TrafficCounts } from './traffic-metrics.ts';

const EVERY_MS = 10_000;
const WINDOW_MS = 60_000;
const SERVER_ERRORS = 4;

export interface TrafficMinuteOptions {
  readonly collect: () => Promise<Iterable<TrafficCounts>>;
  /** Upper bounds of the latency buckets, in seconds, ascending. */
  readonly boundsS: readonly number[];
  readonly clock: Clock;
  readonly log: Log;
}

export interface TrafficSummary {
  readonly requests: number;
  /** Answers of 500 and above, whoever gave them. */
  readonly errors: number;
  /** 1xx to 5xx. */
  readonly byClass: readonly number[];
  /** Null: there was no request. */
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly mean: number;
  } | null;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface SetTraffic {
  readonly total: TrafficSummary;
  readonly minute: TrafficSummary;
  /** How long the minute really is: Tidegate may have begun just now. */
  readonly minuteMs: number;
}

interface Look {
  readonly at: number;
  readonly sets: ReadonlyMap<SetKey, TrafficCounts>;
}

export class TrafficMinute {
  readonly #options: TrafficMinuteOptions;
  readonly #startedAt: number;
  /** Oldest first; the oldest is a minute old, or the first of all. */
  #looks: Look[] = [];
  #timer: Timer | null = null;
  #closed = false;

  constructor(options: TrafficMinuteOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#later(0);
  }

  /** @throws whatever the collection throws */
  async of(keys: readonly SetKey[]): Promise<ReadonlyMap<SetKey, SetTraffic>> {
    const now = await this.#look();
    const oldest = this.#looks.find(({ at }) => now.at - at <= WINDOW_MS);
    const { boundsS } = this.#options;
    const minuteMs = now.at - (oldest?.at ?? this.#startedAt);
    return new Map(
      keys.map((key) => {
        const total = now.sets.get(key) ?? null;
        const before = oldest?.sets.get(key) ?? null;
        return [key, { total: summary(total, null, boundsS), minute: summary(total, before, boundsS), minuteMs }];
      }),
    );
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<Look> {
    const sets = new Map<SetKey, TrafficCounts>();
    for (const one of await this.#options.collect()) if (one.key !== null) sets.set(one.key, one);
    return { at: this.#options.clock.now(), sets };
  }

  #later(afterMs: number): void {
    this.#timer = this.#options.clock.after(afterMs, () => {
      void this.#look()
        .then((look) => {
          this.#looks = [...this.#looks.filter(({ at }) => look.at - at <= WINDOW_MS), look];
        })
        .catch((error: unknown) => this.#options.log.debug('traffic was not counted', { cause: messageOf(error) }))
        .finally(() => {
          if (!this.#closed) this.#later(EVERY_MS);
        });
    });
  }
}

/** What happened from one look to another; null: nothing had yet. Counters that went back began anew. */
function summary(last: TrafficCounts | null, before: TrafficCounts | null, boundsS: readonly number[]): TrafficSummary {
  const requests = difference(last?.requests ?? [], before?.requests ?? []);
  const latency = difference(last?.latency ?? [], before?.latency ?? []);
  const count = sumOf(latency);
  const seconds = (last?.latencySumS ?? 0) - (before?.latencySumS ?? 0);
  const at = (share: number): number => millis(quantile(latency, boundsS, share * count));
  return {
    requests: sumOf(requests),
    errors: requests[SERVER_ERRORS] ?? 0,
    byClass: requests,
    latencyMs: count === 0 ? null : { p50: at(0.5), p95: at(0.95), p99: at(0.99), mean: millis(seconds / count) },
    receivedBytes: Math.max(0, (last?.bytesIn ?? 0) - (before?.bytesIn ?? 0)),
    sentBytes: Math.max(0, (last?.bytesOut ?? 0) - (before?.bytesOut ?? 0)),
  };
}

/** Within a bucket as if its requests were spread evenly; beyond the last bound, that bound. In seconds. */
function quantile(buckets: readonly number[], boundsS: readonly number[], rank: number): number {
  let below = 0;
  for (let i = 0; i < buckets.length; i++) {
    const inside = buckets[i] ?? 0;
    const upper = boundsS[i];
    if (upper === undefined) break;
    if (below + inside >= rank && inside > 0) {
      const lower = boundsS[i - 1] ?? 0;
      return lower + (upper - lower) * ((rank - below) / inside);
    }
    below += inside;
  }
  return boundsS.at(-1) ?? 0;
}

function difference(last: readonly number[], before: readonly number[]): number[] {
  return last.map((value, i) => Math.max(0, value - (before[i] ?? 0)));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function millis(seconds: number): number {
  return Math.round(seconds * 1e6) / 1000;
}
