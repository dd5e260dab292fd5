/**
 * Tells control what this worker has in flight, how much it claimed, and which slots it gives back: the first change at
 * once, what follows gathered for a moment, so that the cost of a request does not grow with it. What is told are
 * differences, so a claim that control made itself is never counted twice.
 */
import type { Clock, Timer } from '#core/clock';
import type { Pool } from '#router/pool';
import type { Upstream } from '#router/upstream';
import type { CountChange } from './messages.ts';

/** Changes are told together, at most this long after they happened. */
export const COUNTS_EVERY_MS = 20;
/** A slot that was not used for so long goes back. */
export const SLOT_IDLE_MS = 50;

interface Record {
  /** Null: control has not named it. */
  id: number | null;
  readonly upstream: Upstream;
  readonly pool: Pool;
  /** What control counts for this worker. */
  inFlight: number;
  claims: number;
  /** Monotonic ms of the last look that found it used. */
  usedAt: number;
}

export interface CountReporterOptions {
  readonly clock: Clock;
  readonly report: (changes: CountChange[]) => void;
}

export class CountReporter {
  readonly #options: CountReporterOptions;
  readonly #records = new Map<Upstream, Record>();
  readonly #touched = new Set<Record>();
  /** Those with slots. */
  readonly #slotted = new Set<Record>();
  readonly #wanted = new Set<Pool>();
  #timer: Timer | null = null;
  #dueNow = false;
  #flushedAt = Number.NEGATIVE_INFINITY;

  constructor(options: CountReporterOptions) {
    this.#options = options;
  }

  /** Counts every pool that comes into being. */
  watch(pool: Pool): void {
    pool.watch({
      onTouched: (_pool, upstream) => {
        const record = this.#records.get(upstream);
        if (record !== undefined) this.#stir(record);
      },
    });
  }

  follow(upstream: Upstream, pool: Pool, id: number): void {
    const record = { id, upstream, pool, inFlight: 0, claims: 0, usedAt: this.#options.clock.now() };
    this.#records.set(upstream, record);
    upstream.touched = false;
  }

  /** The control that gave the numbers is gone; the next one is told what is in flight now. */
  rest(): void {
    for (const [upstream, record] of this.#records) {
      record.id = null;
      record.inFlight = upstream.inFlight;
      record.claims = upstream.claims;
      if (!upstream.removed || upstream.inFlight > 0) continue;
      this.#records.delete(upstream);
      this.#slotted.delete(record);
      this.#touched.delete(record);
    }
  }

  /** A new control knows it under this number, with what it was told at first. */
  goOn(upstream: Upstream, id: number): void {
    const record = this.#records.get(upstream);
    if (record === undefined) return;
    record.id = id;
    this.#stir(record);
  }

  /** It left its pool: what is in flight to it is followed to its end. */
  retire(upstream: Upstream): void {
    const record = this.#records.get(upstream);
    if (record !== undefined) this.#stir(record);
  }

  /** A claim that control made and counted for a request of this worker. `slot`: with room that stays here. */
  adopt(upstream: Upstream, slot: boolean): void {
    const record = this.#records.get(upstream);
    if (record === undefined) return;
    record.inFlight++;
    record.claims++;
    if (slot) {
      upstream.slots++;
      this.#slotted.add(record);
    }
    record.pool.take(upstream);
  }

  /** Others wait for room in this set, or not any more: requests go through control, and no slot is kept. */
  want(pool: Pool, wanted: boolean): void {
    if (wanted) this.#wanted.add(pool);
    else this.#wanted.delete(pool);
    pool.held = wanted ? 1 : 0;
    if (wanted) this.flush();
  }

  /** There is no control to go through. */
  alone(): void {
    for (const pool of this.#wanted) pool.held = 0;
    this.#wanted.clear();
  }

  /** Tells everything now. */
  flush(): void {
    const now = this.#options.clock.now();
    this.#timer?.cancel();
    this.#timer = null;
    this.#dueNow = false;
    const changes: CountChange[] = [];
    for (const record of this.#touched) {
      record.usedAt = now;
      record.upstream.touched = false;
    }
    const due = new Set([...this.#touched, ...this.#slotted]);
    this.#touched.clear();
    for (const record of due) {
      const change = this.#changeOf(record, now);
      if (change !== null) changes.push(change);
    }
    if (changes.length > 0) {
      this.#flushedAt = now;
      this.#options.report(changes);
    }
    if (this.#slotted.size > 0) this.#flushIn(COUNTS_EVERY_MS);
  }

  #changeOf(record: Record, now: number): CountChange | null {
    const { id, upstream } = record;
    if (id === null) return null;
    const returned = this.#isKept(record, now) ? 0 : Math.max(0, upstream.slots - upstream.inFlight);
    upstream.slots -= returned;
    if (upstream.slots <= 0) this.#slotted.delete(record);
    const counts = [upstream.inFlight - record.inFlight, upstream.claims - record.claims] as const;
    const change: CountChange = upstream.loud ? [id, ...counts, returned] : [id, ...counts, returned, 1];
    upstream.loud = false;
    record.inFlight = upstream.inFlight;
    record.claims = upstream.claims;
    if (upstream.removed && upstream.inFlight === 0) this.#records.delete(upstream);
    return change[1] === 0 && change[2] === 0 && returned === 0 ? null : change;
  }

  #isKept({ pool, upstream, usedAt }: Record, now: number): boolean {
    return !upstream.removed && !this.#wanted.has(pool) && now - usedAt < SLOT_IDLE_MS;
  }

  #stir(record: Record): void {
    this.#touched.add(record);
    if (record.upstream.slots > 0) this.#slotted.add(record);
    if (this.#dueNow) return;
    const sinceMs = this.#options.clock.now() - this.#flushedAt;
    if (sinceMs < COUNTS_EVERY_MS && !this.#wanted.has(record.pool)) {
      this.#flushIn(COUNTS_EVERY_MS - sinceMs);
      return;
    }
    this.#dueNow = true;
    queueMicrotask(() => {
      if (this.#dueNow) this.flush();
    });
  }

  #flushIn(delayMs: number): void {
    this.#timer ??= this.#options.clock.after(delayMs, () => this.flush());
  }
}
