/**
 * What load to expect, from what it was at the same time before: a week ago where that is known, else a day ago (the
 * seasonal naive forecast). It is heard only while it has been right of late, so yesterday's rush is not kept up for by a
 * day that has none; and it only ever adds to what the present load asks for.
 */

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const WEEK_MINUTES = 7 * DAY_MINUTES;
/** What is kept: a week, and the minutes around its first that are asked for as well. */
const KEPT_MINUTES = WEEK_MINUTES + 120;
/** Load that comes a little earlier than the last time is still foreseen; in whole minutes. */
const EARLY_MINUTES = 2;
/** The forecast is judged by that many of the last minutes. */
const JUDGED_MINUTES = 15;
/** It is right when what came was this part of it at least. More than was foreseen is answered to anyway. */
const RIGHT_PART = 0.5;
const UNKNOWN = -1;

export class Forecast {
  /** Greatest demand of each minute, requests at a time; {@link UNKNOWN} where nothing was recorded. */
  readonly #minutes = new Float32Array(KEPT_MINUTES).fill(UNKNOWN);
  #last: number | null = null;

  /**
   * Takes the demand of this moment.
   * @param wall ms since the epoch; a clock that was set back is followed when it has caught up
   * @param demand requests at a time, a mean over some seconds
   */
  record(wall: number, demand: number): void {
    const minute = Math.floor(wall / MINUTE_MS);
    const last = this.#last ?? minute - KEPT_MINUTES;
    if (minute < last) return;
    const from = Math.max(last + 1, minute - KEPT_MINUTES + 1);
    for (let skipped = from; skipped <= minute; skipped++) this.#minutes[skipped % KEPT_MINUTES] = UNKNOWN;
    this.#last = minute;
    const slot = minute % KEPT_MINUTES;
    this.#minutes[slot] = Math.max(this.#minutes[slot] ?? 0, demand);
  }

  /**
   * The set slept since the last record: nothing was asked of it.
   * @param wall ms since the epoch
   */
  rested(wall: number): void {
    const minute = Math.floor(wall / MINUTE_MS);
    if (this.#last === null) return;
    const from = Math.max(this.#last + 1, minute - KEPT_MINUTES + 1);
    for (let asleep = from; asleep <= minute; asleep++) this.#minutes[asleep % KEPT_MINUTES] = 0;
    this.#last = Math.max(this.#last, minute);
  }

  /**
   * The demand that capacity asked for now should be up to when it is there; null: nothing is known of that time, or the
   * forecast has been wrong of late.
   * @param leadMs what it takes from asking for a replica until it serves
   */
  expected(wall: number, leadMs: number): number | null {
    const now = Math.floor(wall / MINUTE_MS);
    const ahead = Math.floor((wall + leadMs) / MINUTE_MS);
    if (!this.#isRight(now)) return null;
    let most: number | null = null;
    for (let minute = now; minute <= ahead + EARLY_MINUTES; minute++) {
      const foreseen = this.#foreseen(minute, now);
      if (foreseen !== null) most = Math.max(most ?? 0, foreseen);
    }
    return most;
  }

  /** Says what the same minute of the week, else of the day, had. */
  #foreseen(minute: number, now: number): number | null {
    return this.#at(minute - WEEK_MINUTES, now) ?? this.#at(minute - DAY_MINUTES, now);
  }

  /** Compares sums, so that a load that is shifted by a minute or two does not count as wrong. */
  #isRight(now: number): boolean {
    let foreseen = 0;
    let came = 0;
    let judged = 0;
    for (let minute = now - JUDGED_MINUTES; minute < now; minute++) {
      const then = this.#foreseen(minute, now);
      const real = this.#at(minute, now);
      if (then === null || real === null) continue;
      judged++;
      foreseen += then;
      came += real;
    }
    // A request at a time more or less is chance.
    return judged > 0 && came + judged >= foreseen * RIGHT_PART;
  }

  #at(minute: number, now: number): number | null {
    if (this.#last === null || minute > this.#last || minute <= this.#last - KEPT_MINUTES || minute > now) return null;
    const value = this.#minutes[minute % KEPT_MINUTES] ?? UNKNOWN;
    return value === UNKNOWN ? null : value;
  }
}
