/**
 * What a schedule asks for at a moment. It goes by the clock on the wall of its time zone, so 08:00 stays 08:00 when the
 * clocks are changed: what begins within an hour that is skipped begins with the hour after it, and an hour that comes twice
 * counts both times.
 */
import type { Schedule, ScheduleWindow } from '#core/schedule';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const DAY_MS = DAY_MINUTES * MINUTE_MS;
const WEEK_DAYS = 7;
const WEEK_MINUTES = WEEK_DAYS * DAY_MINUTES;
/** The first of January 1970 was a Thursday. */
const EPOCH_MINUTE = 4 * DAY_MINUTES;
/** All that it ever asks for comes within a week, also one in which clocks are changed. */
const ROUND_MS = (WEEK_DAYS + 1) * DAY_MS;
/** Clocks are changed at whole quarters of an hour, so none is skipped over. */
const QUARTER_MS = 15 * MINUTE_MS;
const DAY_NUMBERS: Readonly<Record<string, number>> = { Sun: 0, Mon: 1, Tue: 2, Wed: 3, Thu: 4, Fri: 5, Sat: 6 };

/** Formats are costly to make; there are as many as there are time zones at most. */
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Replicas at least, by the schedule; 0: it asks for none.
 * @param wall ms since the epoch
 */
export function scheduledMin(schedule: Schedule, wall: number): number {
  return minAt(schedule, wall, new WallClocks());
}

function minAt(schedule: Schedule, wall: number, clocks: WallClocks): number {
  let min = 0;
  for (const window of schedule) {
    if (window.min > min && contains(window, clocks.at(window.timeZone, wall))) min = window.min;
  }
  return min;
}

/**
 * When to look again: the moment, in ms since the epoch, at which {@link scheduledMin} changes next, or the end of the time
 * looked at when it does not change before; null: there is no schedule.
 * @param aheadMs how far ahead to look: every quarter of an hour costs something
 */
export function nextChange(schedule: Schedule, wall: number, aheadMs: number): number | null {
  if (schedule.length === 0) return null;
  const clocks = new WallClocks();
  const present = minAt(schedule, wall, clocks);
  const end = wall + aheadMs;
  for (let at = wall; ; ) {
    at = nextEdge(schedule, at, clocks);
    if (at >= end) return end;
    if (minAt(schedule, at, clocks) !== present) return at;
  }
}

export interface ScheduleChange {
  /** Ms since the epoch. */
  readonly at: number;
  /** Replicas at least from then on; 0: it asks for none. */
  readonly min: number;
}

/** The next moment at which it asks for another number; null: it never does. */
export function nextScheduled(schedule: Schedule, wall: number): ScheduleChange | null {
  const at = nextChange(schedule, wall, ROUND_MS);
  if (at === null) return null;
  const min = scheduledMin(schedule, at);
  return min === scheduledMin(schedule, wall) ? null : { at, min };
}

/** The next whole quarter of an hour, or an edge of a window before it. */
function nextEdge(schedule: Schedule, wall: number, clocks: WallClocks): number {
  let next = (Math.floor(wall / QUARTER_MS) + 1) * QUARTER_MS;
  const minute = Math.floor(wall / MINUTE_MS) * MINUTE_MS;
  for (const { from, to, timeZone } of schedule) {
    const now = clocks.at(timeZone, wall).minute;
    for (const edge of [from, to]) {
      const ahead = (edge - now + DAY_MINUTES) % DAY_MINUTES;
      if (ahead > 0) next = Math.min(next, minute + ahead * MINUTE_MS);
    }
  }
  return next;
}

function contains({ days, from, to }: ScheduleWindow, { day, minute }: WallClock): boolean {
  if (from < to) return minute >= from && minute < to && days.includes(day);
  if (minute >= from) return days.includes(day);
  return minute < to && days.includes((day + WEEK_DAYS - 1) % WEEK_DAYS);
}

interface WallClock {
  /** 0 is Sunday. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
}

/** Clocks at many moments. Asking for one is costly: within a day at whose ends a time zone is as far from UTC it always is. */
class WallClocks {
  /** Minutes from UTC at the beginning of each day of UTC, by time zone. */
  readonly #offsets = new Map<string, Map<number, number>>();

  at(timeZone: string, wall: number): WallClock {
    const day = Math.floor(wall / DAY_MS);
    const offset = this.#offset(timeZone, day);
    const isSteady = this.#offset(timeZone, day + 1) === offset;
    const minute = isSteady ? (minuteOfUtc(wall) + offset) % WEEK_MINUTES : minuteOf(timeZone, wall);
    return { day: Math.floor(minute / DAY_MINUTES), minute: minute % DAY_MINUTES };
  }

  #offset(timeZone: string, day: number): number {
    const offsets = this.#offsets.get(timeZone) ?? new Map<number, number>();
    this.#offsets.set(timeZone, offsets);
    let offset = offsets.get(day);
    if (offset === undefined) {
      const wall = day * DAY_MS;
      offset = (minuteOf(timeZone, wall) - minuteOfUtc(wall) + WEEK_MINUTES) % WEEK_MINUTES;
      offsets.set(day, offset);
    }
    return offset;
  }
}

/** Since Sunday, 0 o'clock. */
function minuteOfUtc(wall: number): number {
  return (Math.floor(wall / MINUTE_MS) + EPOCH_MINUTE) % WEEK_MINUTES;
}

/** As the time zone has it. */
function minuteOf(timeZone: string, wall: number): number {
  let minute = 0;
  for (const { type, value } of formatOf(timeZone).formatToParts(wall)) {
    if (type === 'weekday') minute += (DAY_NUMBERS[value] ?? 0) * DAY_MINUTES;
    else if (type === 'hour') minute += Number(value) * 60;
    else if (type === 'minute') minute += Number(value);
  }
  return minute;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
    });
    formats.set(timeZone, format);
  }
  return format;
}
