/**
 * Shapes of label values: what is expected, how it is read, and which good value a bad one is nearest to. The words of a
 * shape stand in docs/labels.md and in every message, so what is promised and what is read cannot differ.
 */
import { parseBytes } from '#core/bytes';
import { formatDuration, parseDuration } from '#core/duration';
import { isName, nameFrom } from '#core/name';
import { nearest } from '#core/nearest';

export interface Shape<T> {
  /** What a good value looks like: completes "expected …". */
  readonly expected: string;
  /** What is expected of this bad text, where that can be said more closely, by its place. */
  readonly expectedIn?: (text: string) => string;
  /** The value, or null when the text is none. */
  readonly read: (text: string) => { readonly value: T } | null;
  /** A text that may have been meant; it is offered only if `read` takes it. */
  readonly bend: (text: string) => string | null;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** The longest round duration that {@link parseDuration} takes. */
const LONGEST_MS = 24 * 86_400_000;
const TRUE = ['true', 'yes', 'on', '1'];
const FALSE = ['false', 'no', 'off', '0'];
const UNIT_WORDS: readonly (readonly [RegExp, string])[] = [
  [/(?<=\d)(?:milliseconds?|millis|msecs?)/g, 'ms'],
  [/(?<=\d)(?:seconds?|secs?)/g, 's'],
  [/(?<=\d)(?:minutes?|mins?)/g, 'm'],
  [/(?<=\d)(?:hours?|hrs?)/g, 'h'],
  [/(?<=\d)days?/g, 'd'],
];

/** The good value nearest to a bad one, or null when none is near. */
export function nearestValue(shape: Shape<unknown>, text: string): string | null {
  const bent = shape.bend(text);
  return bent !== null && shape.read(bent) !== null ? bent : null;
}

/**
 * One of a few words.
 * @param meant what other words probably mean
 */
export function choice<const T extends readonly string[]>(
  choices: T,
  meant: Readonly<Record<string, T[number]>> = {},
): Shape<T[number]> {
  return {
    expected: orList(choices),
    read: (text) => (choices.includes(text) ? { value: text as T[number] } : null),
    bend(text) {
      const word = text.toLowerCase();
      return (Object.hasOwn(meant, word) ? meant[word] : null) ?? nearest(word, choices);
    },
  };
}

export const boolean: Shape<boolean> = {
  expected: 'true or false',
  read(text) {
    const word = text.toLowerCase();
    if (TRUE.includes(word)) return { value: true };
    return FALSE.includes(word) ? { value: false } : null;
  },
  bend: (text) => nearest(text.toLowerCase(), ['true', 'false']),
};

/** A whole number within bounds, both included. */
export function wholeNumber(bounds: Bounds): Shape<number> {
  return {
    expected: `a whole number from ${bounds.min} to ${bounds.max}`,
    read: (text) => (/^\d{1,15}$/.test(text) && isWithin(Number(text), bounds) ? { value: Number(text) } : null),
    bend(text) {
      if (/^(?:off|none|unlimited)$/i.test(text)) return '0';
      const number = Number(text.replace(/[\s_,%]|\/s$/g, ''));
      return text !== '' && Number.isFinite(number) ? String(clamp(Math.round(number), bounds)) : null;
    },
  };
}

/** Milliseconds, from `minMs` to `maxMs`. */
export function duration(minMs: number, maxMs = Number.POSITIVE_INFINITY): Shape<number> {
  const least = minMs === 0 ? '' : `, at least ${formatDuration(minMs)}`;
  const most = maxMs === Number.POSITIVE_INFINITY ? '' : `, at most ${formatDuration(maxMs)}`;
  return {
    expected: `a duration such as 30s${least}${most}`,
    read(text) {
      const ms = parseDuration(text);
      return ms !== null && ms >= minMs && ms <= maxMs ? { value: ms } : null;
    },
    bend(text) {
      const ms = looseDuration(text);
      return ms === null || ms === 0
        ? null
        : formatDuration(clamp(ms, { min: minMs, max: Math.min(maxMs, LONGEST_MS) }));
    },
  };
}

/** A size in bytes, at least one. */
export const bytes: Shape<number> = {
  expected: 'a size such as 512k, 10m or 1g',
  read(text) {
    const size = parseBytes(text);
    return size !== null && size > 0 ? { value: size } : null;
  },
  bend: (text) => text.replace(/\s/g, '').replace(/ytes?$/i, ''),
};

/** A name of a tenant, an app or a set. */
export const name: Shape<string> = {
  expected: 'a name of up to 40 lower-case letters, digits and dashes that begins with a letter',
  read: (text) => (isName(text) ? { value: text } : null),
  bend: nameFrom,
};

/** A text that matches a pattern as a whole. */
export function pattern(expected: string, whole: RegExp, bend: (text: string) => string | null): Shape<string> {
  return { expected, read: (text) => (whole.test(text) ? { value: text } : null), bend };
}

/** Several of a shape, comma-separated; each once. */
export function listOf<T>(one: Shape<T>, expected: string): Shape<readonly T[]> {
  return {
    expected,
    read(text) {
      const values: T[] = [];
      for (const part of parts(text)) {
        const parsed = one.read(part);
        if (parsed === null) return null;
        if (!values.includes(parsed.value)) values.push(parsed.value);
      }
      return values.length > 0 ? { value: values } : null;
    },
    bend(text) {
      const bent = parts(text.replaceAll(';', ',')).map((part) => {
        if (one.read(part) !== null) return part;
        const words = part.split(/\s+/);
        return nearestValue(one, part) ?? (words.every((word) => one.read(word) !== null) ? words.join(',') : null);
      });
      return bent.includes(null) ? null : bent.join(',');
    },
  };
}

/** A shape, or `off`, which reads as null. */
export function orOff<T>(shape: Shape<T>): Shape<T | null> {
  return {
    expected: `${shape.expected}, or off`,
    read: (text) => (text === 'off' ? { value: null } : shape.read(text)),
    bend(text) {
      if (/^(?:off|no|none|never|false|0|disabled?|unlimited)$/i.test(text)) return 'off';
      return shape.bend(text);
    },
  };
}

export function orAuto<T>(shape: Shape<T>): Shape<T | 'auto'> {
  return {
    expected: `${shape.expected}, or auto`,
    read: (text) => (text === 'auto' ? { value: 'auto' } : shape.read(text)),
    bend: (text) => (/^(?:auto(?:matic)?|on|yes|true)$/i.test(text) ? 'auto' : shape.bend(text)),
  };
}

/** `a, b or c`. */
export function orList(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

function parts(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** Durations as other tools write them: `1m30s`, `5 minutes`, a bare number of seconds. */
function looseDuration(text: string): number | null {
  let bent = text.toLowerCase().replace(/\s/g, '');
  for (const [words, unit] of UNIT_WORDS) bent = bent.replace(words, unit);
  if (/^\d+(?:\.\d+)?$/.test(bent)) bent += 's';
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(bent)) return null;
  let total = 0;
  for (const [, amount, unit] of bent.matchAll(/([\d.]+)([a-z]+)/g)) {
    total += Number(amount) * (parseDuration(`1${unit}`) ?? Number.NaN);
  }
  return Math.round(total);
}

function isWithin(number: number, bounds: Bounds): boolean {
  return number >= bounds.min && number <= bounds.max;
}

function clamp(number: number, bounds: Bounds): number {
  return Math.min(bounds.max, Math.max(bounds.min, number));
}
