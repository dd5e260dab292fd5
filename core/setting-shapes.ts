/** The shapes that settings come in: each reads a text into a value, or says what to write instead. */
import { isIP } from 'node:net';
import { parseBytes } from './bytes.ts';
import { parseDuration } from './duration.ts';
import { parseHostname } from './hostname.ts';
import { nearest } from './nearest.ts';
import { parseRedisAddress } from './redis-address.ts';

/** The value of one setting, or what is wrong with it. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

const ACME_CHALLENGES = ['http-01', 'tls-alpn-01', 'dns-01'];

export function text(value: string): Parsed<string> {
  return { value };
}

export function hostname(value: string): Parsed<string> {
  const parsed = parseHostname(value);
  return parsed.ok ? { value: parsed.hostname } : { problem: parsed.detail };
}

export function store(value: string): Parsed<string> {
  if (value === 'sqlite') return { value };
  const parsed = parseRedisAddress(value);
  return 'value' in parsed ? { value } : parsed;
}

export function engines(value: string): Parsed<readonly string[]> {
  const endpoints = listOf(value);
  const wrong = endpoints.find((one) => {
    const tcp = /^tcp:\/\/(?:\[[0-9a-f:.]+\]|[^/:[\]]+):(\d{1,5})$/i.exec(one);
    return tcp === null ? !/^unix:\/\/\/.+/.test(one) : !isPort(Number(tcp[1]));
  });
  if (wrong !== undefined) return { problem: `"${wrong}" is neither unix:///path nor tcp://host:port` };
  if (endpoints.length === 0) return { problem: 'name at least one endpoint' };
  return { value: endpoints };
}

export function share(value: string): Parsed<number> {
  const number = Number(value);
  return number >= 0 && number <= 1 ? { value: number } : { problem: 'write a number from 0 to 1, for example 0.1' };
}

const MEBIBYTE = 1_048_576;

export function sizeFrom1m(value: string): Parsed<number> {
  const bytes = parseBytes(value);
  return bytes !== null && bytes >= MEBIBYTE
    ? { value: bytes }
    : { problem: 'write a size of 1m or more, for example 64m' };
}

export function count(value: string): Parsed<number> {
  return /^\d{1,3}$/.test(value) ? { value: Number(value) } : { problem: 'write a whole number from 0 to 999' };
}

const USAGE_MS = { least: 500, most: 60_000 };

export function usageInterval(value: string): Parsed<number> {
  const ms = parseDuration(value);
  return ms !== null && ms >= USAGE_MS.least && ms <= USAGE_MS.most
    ? { value: ms }
    : { problem: 'write a duration from 500ms to 60s, for example 2s' };
}

export function token(value: string): Parsed<string> {
  return /^[\x21-\x7e]{16,}$/.test(value)
    ? { value }
    : { problem: 'use at least 16 printable characters without spaces' };
}

export function httpUrl(value: string): Parsed<string> {
  return URL.canParse(value) && /^https?:/.test(value) ? { value } : { problem: 'write an http(s) URL' };
}

export function addresses(value: string): Parsed<readonly string[]> {
  const all = listOf(value);
  const wrong = all.find((one) => isIP(one) === 0);
  return wrong === undefined ? { value: all } : { problem: `"${wrong}" is not an IP address` };
}

export function atLeastOne(value: string): Parsed<number> {
  return /^[1-9]\d{0,2}$/.test(value) ? { value: Number(value) } : { problem: 'write a whole number from 1 to 999' };
}

export function challenges(value: string): Parsed<readonly string[]> {
  const names = listOf(value);
  const wrong = names.find((name) => !ACME_CHALLENGES.includes(name));
  if (wrong === undefined) return { value: names };
  const meant = nearest(wrong, ACME_CHALLENGES);
  return { problem: `"${wrong}" is not a challenge${meant === null ? '' : `; did you mean ${meant}?`}` };
}

export function resolvers(value: string): Parsed<readonly string[]> {
  const all = listOf(value);
  const wrong = all.find((one) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([\d.]+)):(\d{1,5})$/i.exec(one);
    return match === null || isIP(match[1] ?? match[2] ?? '') === 0 || !isPort(Number(match[3]));
  });
  return wrong === undefined ? { value: all } : { problem: `"${wrong}" is not ip:port` };
}

export function cidrs(value: string): Parsed<readonly string[]> {
  const all = listOf(value);
  const wrong = all.find((one) => {
    const match = /^([0-9a-f:.]+)\/(\d{1,3})$/i.exec(one);
    const family = isIP(match?.[1] ?? '');
    return family === 0 || Number(match?.[2]) > (family === 4 ? 32 : 128);
  });
  return wrong === undefined ? { value: all } : { problem: `"${wrong}" is not a CIDR such as 10.0.0.0/8` };
}

function isPort(port: number): boolean {
  return port > 0 && port <= 65_535;
}

export function oneOf<const T extends readonly string[]>(choices: T): (value: string) => Parsed<T[number]> {
  return (value) =>
    choices.includes(value)
      ? { value: value as T[number] }
      : { problem: `write one of ${choices.join(', ')}${didYouMean(value, choices)}` };
}

function didYouMean(value: string, choices: readonly string[]): string {
  const meant = nearest(value, choices);
  return meant === null ? '' : `; did you mean ${meant}?`;
}

function listOf(value: string): string[] {
  return value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
