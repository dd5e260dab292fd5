/**
 * Where a Redis store is, as TIDEGATE_STORE says it: one server, or whichever server the sentinels call the master. What is
 * wrong is told at the start; what is secret is in no word of it.
 */
import type { Parsed } from './setting-shapes.ts';

export interface RedisServerAddress {
  readonly kind: 'server';
  /** As ioredis reads it. */
  readonly url: string;
  /** For messages: without user and password. */
  readonly where: string;
}

export interface RedisSentinelAddress {
  readonly kind: 'sentinel';
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** Name that the sentinels know the master by. */
  readonly master: string;
  readonly database: number;
  /** Of the Redis servers; null: none. */
  readonly username: string | null;
  readonly password: string | null;
  /** Of the sentinels themselves; null: none. */
  readonly sentinelPassword: string | null;
  /** To servers and sentinels alike. */
  readonly isTls: boolean;
  readonly where: string;
}

export type RedisAddress = RedisServerAddress | RedisSentinelAddress;

const SENTINEL_PORT = 26_379;
/** The one parameter. */
const SECRET = 'sentinel-password';
const SERVER_FORM = 'redis://[user:password@]host[:port][/number of the database] (rediss:// with TLS)';
const SENTINEL_FORM =
  'redis+sentinel://[user:password@]host[:port],host[:port]…/name of the master[/number of the database]';
const ESCAPES = 'in a password %40 stands for @, %3F for ? and %25 for %';
const SENTINEL_PARTS = /^(?:([^@]*)@)?([^/@]*)((?:\/[^/]*)*)$/;
const HOST = /^(\[[0-9a-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i;

export function parseRedisAddress(text: string): Parsed<RedisAddress> {
  const scheme = /^(rediss?)(\+sentinel)?:\/\//.exec(text);
  if (scheme === null) return { problem: `write sqlite, or ${SERVER_FORM}, or ${SENTINEL_FORM}` };
  const [prefix, protocol, sentinel] = scheme;
  if (sentinel === undefined) return server(text);
  const [, rest = '', query = ''] = /^([^?]*)\??(.*)$/s.exec(text.slice(prefix.length)) ?? [];
  // Here a plus is one: nobody writes a blank.
  return sentinels(rest, { query: new URLSearchParams(query.replaceAll('+', '%2B')), isTls: protocol === 'rediss' });
}

function server(text: string): Parsed<RedisServerAddress> {
  if (!URL.canParse(text)) return { problem: `write ${SERVER_FORM}` };
  const { host, hostname, pathname } = new URL(text);
  if (hostname === '') return { problem: 'name the host of the Redis server' };
  if (!/^(\/\d*)?$/.test(pathname))
    return { problem: 'behind the host stands the number of the database, if anything' };
  return { value: { kind: 'server', url: text, where: `redis at ${host}${pathname === '/' ? '' : pathname}` } };
}

function sentinels(
  rest: string,
  { query, isTls }: { readonly query: URLSearchParams; readonly isTls: boolean },
): Parsed<RedisSentinelAddress> {
  // A password that was cut at its question mark would be shown as a host.
  const hasCutPassword = [...query].some(
    ([key, value]) => key.includes('@') || (key !== SECRET && value.includes('@')),
  );
  const [, login, list, path = ''] = SENTINEL_PARTS.exec(rest) ?? [];
  if (list === undefined || hasCutPassword) return { problem: `write ${SENTINEL_FORM}; ${ESCAPES}` };
  const hosts = list.split(',').map((one) => HOST.exec(one));
  const places = hosts.map((one) => ({ host: bare(one?.[1] ?? ''), port: Number(one?.[2] ?? SENTINEL_PORT) }));
  const wrong = places.findIndex(({ host, port }) => host === '' || port < 1 || port > 65_535);
  if (list === '') return { problem: 'name the sentinels, as host:port,host:port' };
  if (wrong >= 0) return { problem: `"${list.split(',')[wrong]}" is not the host:port of a sentinel` };
  const [, master = '', database = '', ...more] = path.split('/');
  if (master === '') return { problem: 'behind the sentinels stands /<name of the master>, as in `sentinel monitor`' };
  if (!/^\d{0,4}$/.test(database) || more.length > 0) {
    return { problem: 'behind the name of the master stands the number of the database, if anything' };
  }
  const foreign = [...query.keys()].find((key) => key !== SECRET);
  if (foreign !== undefined) return { problem: `"${foreign}" is no parameter; there is one: ${SECRET}` };
  const [username, password] = [decoded(login?.split(':')[0]), decoded(login?.split(':').slice(1).join(':'))];
  if (username === undefined || password === undefined) return { problem: 'a % in user or password is written %25' };
  return {
    value: {
      ...{ kind: 'sentinel', sentinels: places, master: decoded(master) ?? master, database: Number(database) },
      ...{ username, password, sentinelPassword: query.get(SECRET), isTls },
      where: `redis master ${master}${database === '' ? '' : `/${database}`} of the sentinels ${list}`,
    },
  };
}

function bare(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}

/** Null: there is none; undefined: it cannot be read. */
function decoded(text: string | undefined): string | null | undefined {
  if (text === undefined || text === '') return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
