/**
 * Times of the week at which a set has more replicas, as people write them in a label:
 *
 *     mon-fri 08:00-18:00 Europe/Berlin min=3; sat,sun 22:00-02:00 Europe/Berlin min=2; 09:00-10:00 min=1
 *
 * Days (all, when left out), times of the clock on the wall, a time zone (UTC, when left out), replicas. What cannot be
 * read is named with its place and what belongs there.
 */
import { nearest } from './nearest.ts';

/** In the order of `Date.getUTCDay`. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

export interface ScheduleWindow {
  /** Days on which it begins: 0 is Sunday; ascending. */
  readonly days: readonly number[];
  /** Minutes since midnight on the wall: 0 to 1439. */
  readonly from: number;
  /** Minutes since midnight on the wall, 1 to 1440, not included; not after `from`: it ends on the next day. */
  readonly to: number;
  /** IANA name. */
  readonly timeZone: string;
  /** Replicas at least, while it lasts. */
  readonly min: number;
}

export type Schedule = readonly ScheduleWindow[];

export type ParsedSchedule =
  | { readonly ok: true; readonly schedule: Schedule }
  | {
      readonly ok: false;
      /** What belongs at that place, and what stands there: completes "expected …". */
      readonly expected: string;
      /** The whole text as it was probably meant, which can be read; null: nothing is near. */
      readonly nearest: string | null;
    };

const ALL_DAYS = [0, 1, 2, 3, 4, 5, 6];
const DAY_MINUTES = 1440;
const MOST_REPLICAS = 1000;
const MOST_WINDOWS = 50;

/** A word of the text and where it begins. */
interface Word {
  readonly text: string;
  readonly at: number;
}

class Misread {
  readonly word: Word;
  readonly expected: string;
  readonly meant: string | null;

  constructor(word: Word, expected: string, meant: string | null = null) {
    this.word = word;
    this.expected = expected;
    this.meant = meant;
  }
}

export function parseSchedule(text: string): ParsedSchedule {
  const schedule: ScheduleWindow[] = [];
  for (const part of text.matchAll(/[^;]+/g)) {
    const words = [...part[0].matchAll(/\S+/g)].map((word) => ({ text: word[0], at: part.index + word.index }));
    if (words.length === 0) continue;
    const window = readWindow(words, { text: '', at: part.index + part[0].trimEnd().length });
    if (window instanceof Misread) return refusal(text, window);
    schedule.push(window);
  }
  if (schedule.length === 0) return refusal(text, new Misread({ text: '', at: 0 }, 'days, times and min=<replicas>'));
  if (schedule.length > MOST_WINDOWS) return { ok: false, expected: `${MOST_WINDOWS} times at most`, nearest: null };
  return { ok: true, schedule };
}

/** As {@link parseSchedule} reads it. */
export function formatSchedule(schedule: Schedule): string {
  return schedule
    .map(({ days, from, to, timeZone, min }) => {
      const named = days.length === ALL_DAYS.length ? '' : `${days.map((day) => WEEKDAYS[day]).join(',')} `;
      return `${named}${clockText(from)}-${clockText(to)} ${timeZone} min=${min}`;
    })
    .join('; ');
}

function readWindow(words: readonly Word[], end: Word): ScheduleWindow | Misread {
  const rest = [...words];
  const days = /^[a-z]/i.test(rest[0]?.text ?? '') ? readDays(rest.shift() ?? end) : ALL_DAYS;
  if (days instanceof Misread) return days;
  const times = readTimes(rest.shift() ?? end);
  if (times instanceof Misread) return times;
  const timeZone = /^min=/i.test(rest[0]?.text ?? 'min=') ? 'UTC' : readZone(rest.shift() ?? end);
  if (timeZone instanceof Misread) return timeZone;
  const min = readMin(rest.shift() ?? end);
  if (min instanceof Misread) return min;
  const [more] = rest;
  return more === undefined ? { days, ...times, timeZone, min } : new Misread(more, 'a semicolon or the end');
}

function readDays(word: Word): readonly number[] | Misread {
  const days = new Set<number>();
  for (const part of word.text.split(',')) {
    const [from = '', to = from, ...more] = part.split('-');
    const [first, last] = [dayOf(from), dayOf(to)];
    if (first === -1 || last === -1 || more.length > 0) {
      const meant = word.text
        .toLowerCase()
        .split(/([,-])/)
        .map((one) =>
          /[,-]/.test(one) ? one : (WEEKDAYS.find((day) => one.startsWith(day)) ?? nearest(one, WEEKDAYS)),
        );
      return new Misread(word, 'days such as mon-fri or sat,sun', meant.includes(null) ? null : meant.join(''));
    }
    for (let day = first; ; day = (day + 1) % ALL_DAYS.length) {
      days.add(day);
      if (day === last) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

function dayOf(text: string): number {
  return (WEEKDAYS as readonly string[]).indexOf(text.toLowerCase());
}

function readTimes(word: Word): { readonly from: number; readonly to: number } | Misread {
  const expected = 'times such as 08:00-18:00, to 24:00 at most';
  const match = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(word.text);
  if (match === null) {
    const bent = word.text
      .replace(/\.|h/g, ':')
      .replace(/(?<=^|-)(\d{1,2})(?=-|$)/g, '$1:00')
      .replace(/(?<=^|-)(\d):/g, '0$1:');
    return new Misread(word, expected, bent);
  }
  const from = Number(match[1]) * 60 + Number(match[2]);
  const to = match[3] === undefined ? DAY_MINUTES : Number(match[3]) * 60 + Number(match[4]);
  return from === to
    ? new Misread(word, `${expected}; a whole day is 00:00-24:00`)
    : { from, to: to === 0 ? DAY_MINUTES : to };
}

function readZone(word: Word): string | Misread {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: word.text }).resolvedOptions().timeZone;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const zones = Intl.supportedValuesOf('timeZone');
    return new Misread(word, 'a time zone such as Europe/Berlin, or min=<replicas>', nearest(word.text, zones));
  }
}

function readMin(word: Word): number | Misread {
  const replicas = Number(/^min=(\d{1,4})$/i.exec(word.text)?.[1] ?? Number.NaN);
  if (replicas >= 1 && replicas <= MOST_REPLICAS) return replicas;
  const bare = /^(?:min:?|replicas=)?(\d{1,3})$/i.exec(word.text)?.[1];
  return new Misread(word, `min=<replicas> with 1 to ${MOST_REPLICAS}`, bare === undefined ? null : `min=${bare}`);
}

function refusal(text: string, { word, expected, meant }: Misread): ParsedSchedule {
  const stands = word.text === '' ? 'nothing' : JSON.stringify(word.text);
  const bent = meant === null ? text : text.slice(0, word.at) + meant + text.slice(word.at + word.text.length);
  // What is behind it may be wrong, too.
  const again = bent === text ? null : parseSchedule(bent);
  return {
    ok: false,
    expected: `${expected} at character ${word.at + 1}, where ${stands} stands`,
    nearest: again?.ok === true ? bent : (again?.nearest ?? null),
  };
}

function clockText(minutes: number): string {
  return [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
}
