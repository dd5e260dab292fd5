/** What is wrong with a value, in our words: what it has to be, and what it is. The validator's own never reach people. */
import type { z } from '@hono/zod-openapi';

/** How the validator begins its own messages; any other one was written by us, beside the schema. */
const ITS_OWN = /^(?:Invalid|Too |Unrecognized|Expected|Required)/;

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

const FORMATS: Readonly<Record<string, string>> = {
  datetime: 'a time such as 2026-01-31T12:00:00Z',
  url: 'a URL such as https://example.com/path',
  email: 'an address such as name@example.com',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'a network such as 10.0.0.0/8',
  cidrv6: 'a network such as fd00::/8',
  base64: 'a text in Base64',
};

/** A sentence about one issue, without its end. @param value the whole that was checked */
export function wordsOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (!ITS_OWN.test(issue.message)) return issue.message;
  const wanted = wantedBy(issue);
  const given = valueAt(value, issue.path);
  if (given === undefined) return wanted === null ? 'is missing' : `is missing: it has to be ${wanted}`;
  return wanted === null
    ? `${shown(given, issue)} is no value for it`
    : `has to be ${wanted}, and is ${shown(given, issue)}`;
}

function wantedBy(issue: z.core.$ZodIssue): string | null {
  switch (issue.code) {
    case 'invalid_type':
      return KINDS[issue.expected] ?? null;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return sized(issue.origin, issue.inclusive === false ? 'more than' : 'at least', Number(issue.minimum));
    case 'too_big':
      return sized(issue.origin, issue.inclusive === false ? 'less than' : 'at most', Number(issue.maximum));
    case 'invalid_format':
      return FORMATS[issue.format] ?? null;
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`;
    case 'invalid_union':
      return anyOf(issue.errors);
    default:
      return null;
  }
}

function sized(origin: string, comparison: string, count: number): string {
  const bound = `${comparison} ${count}`;
  if (origin === 'string') return `${bound} ${count === 1 ? 'character' : 'characters'} long`;
  if (origin === 'array' || origin === 'set') return `a list of ${bound} ${count === 1 ? 'entry' : 'entries'}`;
  return bound;
}

/** Each way in which it could have been right, once. */
function anyOf(errors: readonly (readonly z.core.$ZodIssue[])[]): string | null {
  const ways = errors.map(([first]) => (first === undefined || first.path.length > 0 ? null : wantedBy(first)));
  const known = [...new Set(ways.filter((one) => one !== null))];
  return known.length === 0 ? null : known.join(' or ');
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = Reflect.get(at, step);
  }
  return at;
}

const SHOWN_MAX = 60;

/** A value of the wrong kind is named by its kind alone: it may be a secret that was put in the wrong place. */
function shown(value: unknown, issue: z.core.$ZodIssue): string {
  const isOfKind = issue.code === 'invalid_value' || issue.code === 'too_small' || issue.code === 'too_big';
  if (isOfKind && typeof value === 'number') return String(value);
  if (issue.code === 'invalid_value' && typeof value === 'string' && value.length <= SHOWN_MAX) return `"${value}"`;
  if (typeof value === 'string') return `a text of ${value.length} ${value.length === 1 ? 'character' : 'characters'}`;
  if (typeof value === 'number' && !Number.isInteger(value)) return 'a fraction';
  if (Array.isArray(value)) return 'a list';
  if (value === null) return 'null';
  return KINDS[typeof value] ?? 'something else';
}
