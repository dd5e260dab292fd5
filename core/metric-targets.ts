/**
 * Where metrics are sent, as TIDEGATE_STATSD and TIDEGATE_OTLP say it. What a URL leaves open or gets wrong is told at the
 * start, and a secret in it is refused: it has a setting of its own.
 */
import { nearest } from './nearest.ts';
import type { Parsed } from './setting-shapes.ts';

export interface StatsdTarget {
  readonly host: string;
  readonly port: number;
  /** Before each name; ends in a dot unless it is empty. */
  readonly prefix: string;
  /** Labels as tags, in the way of DogStatsD; without them the values of labels become parts of the name. */
  readonly hasTags: boolean;
}

const STATSD_PORT = 8125;
const PARAMETERS = ['prefix', 'tags'];
const FORM = 'udp://host:port[?prefix=<text>][&tags=dogstatsd]';

export function statsdTarget(value: string): Parsed<StatsdTarget> {
  if (!/^udp:\/\//i.test(value) || !URL.canParse(value)) return { problem: `write ${FORM}` };
  const url = new URL(value);
  if (
    url.hostname === '' ||
    url.port === '0' ||
    !/^\/?$/.test(url.pathname) ||
    url.hash !== '' ||
    url.username !== ''
  ) {
    return { problem: `write ${FORM}` };
  }
  const unknown = [...url.searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    const meant = nearest(unknown, PARAMETERS);
    return { problem: `"${unknown}" is not a parameter${meant === null ? '' : `; did you mean ${meant}?`}` };
  }
  const prefix = url.searchParams.get('prefix') ?? '';
  if (!/^[\w.-]*$/.test(prefix)) return { problem: 'a prefix is made of letters, digits, ".", "_" and "-"' };
  const tags = url.searchParams.get('tags') ?? 'off';
  if (tags !== 'dogstatsd' && tags !== 'off') return { problem: 'tags is dogstatsd or off' };
  return {
    value: {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? STATSD_PORT : Number(url.port),
      prefix: prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`,
      hasTags: tags === 'dogstatsd',
    },
  };
}

/** The endpoint of a collector without `/v1/metrics`, which is put behind it. */
export function otlpEndpoint(value: string): Parsed<string> {
  if (!/^https?:\/\//i.test(value) || !URL.canParse(value)) {
    return { problem: 'write the http(s) URL of a collector, for example http://localhost:4318' };
  }
  const url = new URL(value);
  if (url.username + url.password !== '') {
    return { problem: 'name and password belong into TIDEGATE_OTLP_HEADERS (authorization=Basic …), not into the URL' };
  }
  if (url.search + url.hash !== '') return { problem: 'a URL without "?" and "#"' };
  return { value: `${url.origin}${url.pathname.replace(/\/(v1\/metrics\/?)?$/, '')}` };
}

/** `name=value` pairs with commas between, values percent-encoded where they need it (as OTEL_EXPORTER_OTLP_HEADERS). */
export function otlpHeaders(value: string): Parsed<Readonly<Record<string, string>>> {
  const headers: Record<string, string> = {};
  for (const [n, pair] of value.split(',').entries()) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at)).trim();
    const text = decoded(pair.slice(at + 1).trim());
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return { problem: `pair ${n + 1} is not name=value` };
    if (text === null || !/^[\t\x20-\x7e]*$/.test(text)) {
      return { problem: `the value of ${name} cannot stand in a header (percent-encode commas as %2C)` };
    }
    headers[name.toLowerCase()] = text;
  }
  return { value: headers };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
