/**
 * Requests made from the OpenAPI document, most of them wrong in one way or another: types, sizes, names, text in all of
 * Unicode, what is missing, what is too much, what is no JSON, headers. The same seed makes the same requests.
 */
import { type ApiDocument, type Operation, pathOf, type Schema } from './api-document.ts';

/** Deeper than anybody nests, and not yet as deep as JSON.parse gives up. */
const DEEP = 4000;
const HUGE = 120_000;
/** Beyond the largest body that is taken. */
const BEYOND = 1024 * 1024 + 1;

export interface FuzzRequest {
  readonly operation: Operation;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly body: string | undefined;
}

export interface FuzzOptions {
  readonly document: ApiDocument;
  readonly random: () => number;
  /** Names and ids of what there is: for path parameters that lead somewhere. */
  readonly names: readonly string[];
}

const ODD_TEXTS = [
  ...['', ' ', '0', '-1', 'null', 'true', '[]', '{}', '..', '../..', '/', '\\', '%', '%00', '%2e%2e%2f', '*', '?', '#'],
  ...['\u0000', '\u0007', '\r\nx: y', '\u202egnp', '\ud800', '\udfff', '😀', 'ﷺ', 'İ', 'ß', 'a\u0301', '\ufeff', '𐏿'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype'],
  ...["' OR 1=1 --", '<script>alert(1)</script>', `\${jndi:ldap://x}`, '{{7*7}}', '$(id)', '`id`', '() { :;}; id'],
  ...[
    '9007199254740993',
    '1e309',
    'NaN',
    'Infinity',
    '0x10',
    '1_000',
    '١٢٣',
    '30s',
    '-5m',
    '99999999h',
    '512Mi',
    '9e99Gi',
  ],
  ...[
    '2026-13-45T99:99:99Z',
    '0000-01-01T00:00:00Z',
    '999999-01-01T00:00:00Z',
    'app:*',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/33',
  ],
  ...[
    'http://[::1',
    'http://a:b@c/',
    'http://xn--/',
    '*.example',
    'a..b',
    `${'a'.repeat(64)}.example`,
    'localhost',
    '127.0.0.1',
  ],
];
const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1.5, 1e308, -1e308, Number.MAX_SAFE_INTEGER + 2, 5e-324],
  ...[[], {}, [[]], [null], { a: 1 }, [{}], { length: 1 }, { toString: 1 }],
];
const HEADER_TEXTS = [
  '',
  ' ',
  '"',
  '*',
  'W/"x"',
  '"x", "y"',
  ',,,',
  '\u00ff',
  'x'.repeat(4000),
  '-1',
  'evt_0',
  'null',
  'é',
];

export class FuzzRequests {
  readonly #options: FuzzOptions;

  constructor(options: FuzzOptions) {
    this.#options = options;
  }

  next(operation: Operation): FuzzRequest {
    const path = pathOf(operation, () => this.#segment()) + this.#query(operation);
    return { operation, path, headers: this.#headers(operation), body: this.#body(operation) };
  }

  #segment(): string {
    const { names } = this.#options;
    const text = this.#chance(0.7) && names.length > 0 ? this.#one(names) : this.#text();
    return wellFormed(text).slice(0, 2000);
  }

  #query({ parameters }: Operation): string {
    const query = new URLSearchParams();
    for (const { name, in: place, schema } of parameters) {
      if (place !== 'query' || this.#chance(0.5)) continue;
      const value = this.#chance(0.5) ? this.#valid(schema, 0) : this.#text();
      query.append(name, wellFormed(typeof value === 'string' ? value : String(JSON.stringify(value))).slice(0, 4000));
      if (this.#chance(0.1)) query.append(name, 'again');
    }
    if (this.#chance(0.1)) query.append(wellFormed(this.#text()).slice(0, 200), 'x');
    return query.size === 0 ? '' : `?${query}`;
  }

  #headers({ parameters, streams }: Operation): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const { name, in: place } of parameters) {
      if (place === 'header' && this.#chance(0.2)) headers[name.toLowerCase()] = this.#one(HEADER_TEXTS);
    }
    if (this.#chance(0.5)) delete headers['tidegate-tenant'];
    if (this.#chance(0.3))
      headers['content-type'] = this.#one(['text/plain', 'application/json', 'x', 'multipart/form-data']);
    if (this.#chance(streams ? 0.3 : 0.05)) headers.accept = 'text/event-stream';
    if (this.#chance(0.05))
      headers['x-forwarded-for'] = this.#one(['10.0.0.1', ',,,', 'x', '::1, 10.0.0.1', '[::1]:80']);
    return headers;
  }

  #body({ method, body }: Operation): string | undefined {
    if (method === 'GET') return undefined;
    if (body === null) return this.#chance(0.1) ? this.#text() : undefined;
    const kind = this.#options.random();
    if (kind < 0.02) return undefined;
    if (kind < 0.06)
      return this.#one(['', ' ', '{', '{"a":', 'nul', '\ufeff{}', '{}{}', "{'a':1}", '{"a":NaN}', '\u0000']);
    if (kind < 0.07) return `${'['.repeat(DEEP)}${']'.repeat(DEEP)}`;
    if (kind < 0.08) return `{"a":${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}}`;
    if (kind < 0.085) return JSON.stringify({ a: 'x'.repeat(BEYOND) });
    if (kind < 0.1) return '{"__proto__":{"operator":true},"constructor":{"prototype":{"operator":true}}}';
    if (kind < 0.12) return JSON.stringify(this.#one(ODD_VALUES));
    const value = this.#valid(body, 0);
    const changed = kind < 0.35 ? value : this.#spoiled(value);
    return JSON.stringify(changed) ?? 'null';
  }

  /** A value as the schema wants it, at least by its types. */
  #valid(schema: Schema, depth: number): unknown {
    const { schemas } = this.#options.document;
    if (schema.$ref !== undefined) return this.#valid(schemas[schema.$ref.split('/').at(-1) ?? ''] ?? {}, depth + 1);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum !== undefined) return this.#one(schema.enum);
    const choices = schema.anyOf ?? schema.oneOf;
    if (choices !== undefined) return this.#valid(this.#one(choices), depth + 1);
    if (schema.allOf !== undefined) {
      return Object.assign({}, ...schema.allOf.map((one) => Object(this.#valid(one, depth + 1))));
    }
    if (schema.example !== undefined && this.#chance(0.5)) return schema.example;
    const type = typeof schema.type === 'string' ? schema.type : this.#one(schema.type ?? ['string']);
    const { minimum = 0, maximum = 100 } = schema;
    switch (type) {
      case 'null':
        return null;
      case 'boolean':
        return this.#chance(0.5);
      case 'integer':
        return Math.floor(minimum + this.#options.random() * (Math.min(maximum, minimum + 100) - minimum));
      case 'number':
        return minimum + this.#options.random() * (Math.min(maximum, minimum + 100) - minimum);
      case 'array':
        return Array.from({ length: Math.floor(this.#options.random() * 3) }, () =>
          this.#valid(schema.items ?? {}, depth + 1),
        );
      case 'object':
        return this.#object(schema, depth);
      default:
        return this.#chance(0.5)
          ? this.#one([...this.#options.names, 'shop'])
          : this.#one(['a.test', '30s', '1', 'x', '/']);
    }
  }

  #object({ properties = {}, required = [], additionalProperties }: Schema, depth: number): object {
    const made: Record<string, unknown> = {};
    if (depth > 8) return made;
    for (const [name, schema] of Object.entries(properties)) {
      if (required.includes(name) || this.#chance(0.6)) made[name] = this.#valid(schema, depth + 1);
    }
    if (typeof additionalProperties === 'object' && this.#chance(0.7)) {
      made[this.#one(['KEY', 'a', 'net.core.somaxconn'])] = this.#valid(additionalProperties, depth + 1);
    }
    return made;
  }

  /** The value with one place in it changed. */
  #spoiled(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || this.#chance(0.15)) return this.#odd();
    if (Array.isArray(value)) {
      if (value.length === 0 || this.#chance(0.3)) return [...value, ...Array.from({ length: 60 }, () => this.#odd())];
      const at = Math.floor(this.#options.random() * value.length);
      return value.map((one, index) => (index === at ? this.#spoiled(one) : one));
    }
    const entries = Object.entries(value);
    const at = Math.floor(this.#options.random() * entries.length);
    const kind = this.#options.random();
    if (entries.length === 0 || kind < 0.15) return { ...value, [wellFormed(this.#text())]: this.#odd() };
    if (kind < 0.35) return Object.fromEntries(entries.filter((_, index) => index !== at));
    return Object.fromEntries(entries.map(([name, one], index) => [name, index === at ? this.#spoiled(one) : one]));
  }

  #odd(): unknown {
    return this.#chance(0.5) ? this.#one(ODD_VALUES) : this.#text();
  }

  #text(): string {
    if (this.#chance(0.03)) return this.#one(['x', '\u0301', 'ı', '{', 'a.']).repeat(HUGE);
    return this.#one(ODD_TEXTS);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#options.random() * choices.length)] as T;
  }

  #chance(probability: number): boolean {
    return this.#options.random() < probability;
  }
}

/** What can stand in a URL: no half of a pair (which JSON may have). */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
