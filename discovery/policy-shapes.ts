/**
 * Shapes of the policies that have a small grammar of their own: load balancing, rate limits, ranges of statuses.
 */
import { nearest } from '#core/nearest';
import { parseSchedule, type Schedule } from '#core/schedule';
import type { LoadBalancing, RatePolicy } from '#core/set';
import { duration, type Shape } from './shape.ts';

const BALANCINGS = ['p2c', 'least', 'rr', 'hash:ip'];
const HASH_HEADER = 'hash:header:';
/** A header name (RFC 9110 token). */
const TOKEN = /^[\w!#$%&'*+.^`|~-]{1,64}$/;
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };
const HIGHEST_BURST = 1_000_000;

export const balancing: Shape<LoadBalancing> = {
  expected: 'p2c, least, rr, hash:ip or hash:header:<name>',
  read(text) {
    switch (text) {
      case 'p2c':
      case 'least':
      case 'rr':
        return { value: { kind: text } };
      case 'hash:ip':
        return { value: { kind: 'hash-ip' } };
    }
    const header = headerAfter(HASH_HEADER, text);
    return header === null ? null : { value: { kind: 'hash-header', header } };
  },
  bend(text) {
    const word = text
      .toLowerCase()
      .replace(/^hash[-=]/, 'hash:')
      .replace(/^hash:header[-=]/, HASH_HEADER);
    if (word.startsWith(HASH_HEADER)) return word;
    if (word === 'round-robin' || word === 'roundrobin') return 'rr';
    if (word === 'least-conn' || word === 'leastconn') return 'least';
    return nearest(word, BALANCINGS);
  },
};

export const rate: Shape<RatePolicy> = {
  expected: 'a rate such as 100/s;burst=200;key=ip (per s, m or h; key ip, set or header:<name>)',
  read: readRate,
  bend(text) {
    let bent = text.toLowerCase().replace(/\s/g, '').replaceAll(',', ';').replace(/;$/, '');
    bent = bent.replace(/^(\d+)(?=;|$)/, '$1/s').replace(/^(\d+)(?:r\/|per)/, '$1/');
    return bent
      .replace(/\/sec(?:ond)?\b/, '/s')
      .replace(/\/min(?:ute)?\b/, '/m')
      .replace(/\/hour\b/, '/h');
  },
};

/** An inclusive range of statuses: `200-399`, or one alone. */
export const statusRange: Shape<readonly [from: number, to: number]> = {
  expected: 'a range of statuses from 100 to 599 such as 200-399',
  read(text) {
    const match = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text);
    const from = Number(match?.[1]);
    const to = Number(match?.[2] ?? match?.[1]);
    return match !== null && from <= to ? { value: [from, to] } : null;
  },
  bend(text) {
    const bent = text
      .toLowerCase()
      .replace(/\s/g, '')
      .replace(/\.\.\.?|:|–/g, '-')
      .replace(/^([1-5])xx(?:-([1-5])xx)?$/, (_, from: string, to = from) => `${from}00-${to}99`);
    const turned = /^(\d{3})-(\d{3})$/.exec(bent);
    return turned !== null && Number(turned[1]) > Number(turned[2]) ? `${turned[2]}-${turned[1]}` : bent;
  },
};

/** Load is remembered for every quarter of a second of its window, and gone through at every look: no longer than an hour. */
export const loadWindow = duration(1, 3_600_000);

/** Times of the week with replicas at least. */
export const schedule: Shape<Schedule> = {
  expected: 'times such as mon-fri 08:00-18:00 Europe/Berlin min=3; sat,sun 10:00-16:00 Europe/Berlin min=2',
  expectedIn(text) {
    const parsed = parseSchedule(text);
    return parsed.ok ? this.expected : parsed.expected;
  },
  read(text) {
    const parsed = parseSchedule(text);
    return parsed.ok ? { value: parsed.schedule } : null;
  },
  bend(text) {
    const parsed = parseSchedule(text);
    return parsed.ok ? text : parsed.nearest;
  },
};

function readRate(text: string): { readonly value: RatePolicy } | null {
  const [amount, ...settings] = text.split(';');
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\/([smh])$/.exec(amount ?? '');
  const perSecond = Number(match?.[1]) / (UNIT_S[match?.[2] ?? ''] ?? Number.NaN);
  if (match === null || !(perSecond > 0)) return null;
  let burst = Math.max(1, Math.ceil(perSecond));
  let key: RatePolicy['key'] = 'ip';
  for (const setting of settings) {
    const [name, value] = setting.split(/=(.*)/s);
    if (name === 'burst' && /^\d{1,7}$/.test(value ?? '')) burst = Number(value);
    else if (name === 'key') {
      const read = readRateKey(value ?? '');
      if (read === null) return null;
      key = read;
    } else return null;
  }
  return burst >= 1 && burst <= HIGHEST_BURST ? { value: { perSecond, burst, key } } : null;
}

function readRateKey(text: string): RatePolicy['key'] | null {
  if (text === 'ip' || text === 'set') return text;
  const header = headerAfter('header:', text);
  return header === null ? null : { header };
}

/** The header name after a prefix, in lower case, or null. */
function headerAfter(prefix: string, text: string): string | null {
  if (!text.startsWith(prefix)) return null;
  const header = text.slice(prefix.length);
  return TOKEN.test(header) ? header.toLowerCase() : null;
}
