/**
 * `tidegate.cors.…` as the CORS protocol has it (Fetch standard 3.2). An origin is told that it may share only if it is one
 * of those named; what the app itself says of sharing is replaced, so that two voices never contradict each other.
 */
import type { CorsPolicy } from '#core/edge-policy';
import type { RequestHead } from '../http1/request-head.ts';

const ANY = '*';
const LABEL = /^[\w-]+$/;
/** What a browser lists in Access-Control-Request-Headers. */
const NAME_LIST = /^[\w!#$%&'*+.^`|~, -]{1,2048}$/;
const VARY_PREFLIGHT = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';

/** What an answer says about sharing: all of it is the gateway's. */
export const CORS_FIELDS: ReadonlySet<string> = new Set([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
]);

export class Cors {
  readonly #any: boolean;
  readonly #origins: ReadonlySet<string>;
  /** Around the one label that `*` stands for. */
  readonly #wildcards: readonly { readonly before: string; readonly after: string }[];
  readonly #shared: readonly string[];
  readonly #granted: readonly string[];
  readonly #allowHeaders: string | null;

  constructor(policy: CorsPolicy) {
    const { origins, methods, headers, expose, credentials, maxAgeS } = policy;
    this.#any = origins.includes(ANY);
    this.#origins = new Set(origins);
    this.#wildcards = origins
      .filter((origin) => origin.includes('://*.'))
      .map((origin) => ({
        before: origin.slice(0, origin.indexOf(ANY)),
        after: origin.slice(origin.indexOf(ANY) + 1),
      }));
    const allows = credentials && !this.#any ? ['Access-Control-Allow-Credentials', 'true'] : [];
    this.#shared = expose.length === 0 ? allows : [...allows, 'Access-Control-Expose-Headers', expose.join(', ')];
    this.#granted = [...allows, 'Access-Control-Allow-Methods', methods.join(', ')];
    if (maxAgeS !== null) this.#granted = [...this.#granted, 'Access-Control-Max-Age', String(maxAgeS)];
    this.#allowHeaders = headers === null ? null : headers.join(', ');
  }

  /** The fields that answer a preflight request (a flat list), or null when it is none. */
  preflight(head: Pick<RequestHead, 'method' | 'field'>): readonly string[] | null {
    if (head.method !== 'OPTIONS') return null;
    const origin = head.field('origin');
    if (origin === undefined || head.field('access-control-request-method') === undefined) return null;
    const fields = ['Vary', VARY_PREFLIGHT];
    const allowed = this.#allowed(origin);
    if (allowed === null) return fields;
    fields.push('Access-Control-Allow-Origin', allowed, ...this.#granted);
    const asked = head.field('access-control-request-headers');
    if (this.#allowHeaders !== null) fields.push('Access-Control-Allow-Headers', this.#allowHeaders);
    else if (asked !== undefined && NAME_LIST.test(asked)) fields.push('Access-Control-Allow-Headers', asked);
    return fields;
  }

  /** The fields of every other answer. Without an Origin it varies by that all the same. */
  fields(origin: string | undefined): readonly string[] {
    if (this.#any) return ['Access-Control-Allow-Origin', ANY, ...this.#shared];
    const allowed = origin === undefined ? null : this.#allowed(origin);
    if (allowed === null) return ['Vary', 'Origin'];
    return ['Vary', 'Origin', 'Access-Control-Allow-Origin', allowed, ...this.#shared];
  }

  /** What Access-Control-Allow-Origin says to this origin; null: nothing. */
  #allowed(origin: string): string | null {
    if (this.#any) return ANY;
    if (this.#origins.has(origin)) return origin.includes(ANY) ? null : origin;
    for (const { before, after } of this.#wildcards) {
      if (!origin.startsWith(before) || !origin.endsWith(after)) continue;
      if (LABEL.test(origin.slice(before.length, origin.length - after.length))) return origin;
    }
    return null;
  }
}
