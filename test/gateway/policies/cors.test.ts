/** Sharing between origins: who is told what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CorsPolicy } from '#core/edge-policy';
import { Cors } from '#gateway/policies/cors';
import { fieldsOf } from './heads.ts';

const POLICY: CorsPolicy = {
  origins: ['https://app.example.com', 'https://*.example.net'],
  methods: ['GET', 'POST'],
  headers: null,
  expose: [],
  credentials: false,
  maxAgeS: null,
};
const ALLOW = 'Access-Control-Allow-Origin';

function cors(changes: Partial<CorsPolicy> = {}): Cors {
  return new Cors({ ...POLICY, ...changes });
}

/** The answer to a preflight request by name of field. */
function preflight(one: Cors, origin: string, asks = 'x-a'): Record<string, string> | null {
  const field = fieldsOf({
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': asks,
  });
  const fields = one.preflight({ method: 'OPTIONS', field });
  return fields === null ? null : named(fields);
}

function named(fields: readonly string[]): Record<string, string> {
  const all: Record<string, string> = {};
  for (let i = 0; i < fields.length; i += 2) all[fields[i] ?? ''] = fields[i + 1] ?? '';
  return all;
}

test('an origin that is named is told so, and what it may do', () => {
  assert.deepEqual(preflight(cors({ maxAgeS: 600, credentials: true }), 'https://app.example.com'), {
    Vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    'Access-Control-Allow-Origin': 'https://app.example.com',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Allow-Methods': 'GET, POST',
    'Access-Control-Max-Age': '600',
    'Access-Control-Allow-Headers': 'x-a',
  });
});

test('an origin that is not named is told nothing, though its question is answered', () => {
  const strangers = [
    'https://evil.test',
    'http://app.example.com',
    'https://app.example.com:8443',
    'https://app.example.com.evil.test',
    'https://a.b.example.net',
    'https://example.net',
    'https://evil.test/.example.net',
    'https://evil.test?.example.net',
    'https://*.example.net',
    'null',
    '',
  ];
  for (const origin of strangers) {
    assert.deepEqual(Object.keys(preflight(cors({ credentials: true }), origin) ?? {}), ['Vary'], origin);
    assert.deepEqual(cors({ credentials: true }).fields(origin), ['Vary', 'Origin'], origin);
  }
});

test('a wildcard stands for one label', () => {
  assert.equal(preflight(cors(), 'https://a-1.example.net')?.[ALLOW], 'https://a-1.example.net');
});

test('any origin is told so without its name, and never with credentials', () => {
  const any = cors({ origins: ['*'], credentials: true });
  assert.deepEqual(any.fields('https://evil.test'), [ALLOW, '*']);
  assert.equal(preflight(any, 'https://evil.test')?.[ALLOW], '*');
  assert.equal(preflight(any, 'https://evil.test')?.['Access-Control-Allow-Credentials'], undefined);
});

test('fields are those listed, or those asked for', () => {
  const allowed = 'Access-Control-Allow-Headers';
  assert.equal(preflight(cors({ headers: ['X-B'] }), 'https://app.example.com')?.[allowed], 'X-B');
  assert.equal(preflight(cors(), 'https://app.example.com', 'x-a, x-b')?.[allowed], 'x-a, x-b');
  assert.equal(preflight(cors(), 'https://app.example.com', 'x-a;q="1"')?.[allowed], undefined);
});

test('answers say what may be read, and that they depend on the origin', () => {
  const one = cors({ expose: ['X-Total', 'X-Page'], credentials: true });
  assert.deepEqual(named(one.fields('https://app.example.com')), {
    Vary: 'Origin',
    [ALLOW]: 'https://app.example.com',
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers': 'X-Total, X-Page',
  });
  assert.deepEqual(one.fields(undefined), ['Vary', 'Origin']);
});

test('only OPTIONS that asks for a method of another origin is a preflight request', () => {
  const asks = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' };
  assert.notEqual(cors().preflight({ method: 'OPTIONS', field: fieldsOf(asks) }), null);
  assert.equal(cors().preflight({ method: 'GET', field: fieldsOf(asks) }), null);
  assert.equal(cors().preflight({ method: 'OPTIONS', field: fieldsOf({ origin: asks.origin }) }), null);
  assert.equal(cors().preflight({ method: 'OPTIONS', field: fieldsOf({ ...asks, origin: undefined } as never) }), null);
});
