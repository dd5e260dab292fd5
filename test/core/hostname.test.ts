/** Hostnames: what is normalised, what is refused, and that routes and requests agree. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type HostnameFault, hostnameOfAuthority, parseHostname, parseHostPattern } from '#core/hostname';

const SEED = 20_260_103;

const label = fc.stringMatching(/^[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,20}[a-zA-Z0-9_])?$/);
const name = fc
  .array(label, { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter((text) => !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text));

test('hostnames are normalised: case, trailing dot, surrounding blanks, international names', () => {
  const table: readonly [string, string][] = [
    ['shop.example.com', 'shop.example.com'],
    ['Shop.Example.COM.', 'shop.example.com'],
    ['  shop.localhost ', 'shop.localhost'],
    ['localhost', 'localhost'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['faß.example', 'xn--fa-hia.example'],
    ['商店.example', 'xn--czrs0t.example'],
    ['_acme-challenge.example.com', '_acme-challenge.example.com'],
    ['1.2.3', '1.2.3'],
  ];
  for (const [text, hostname] of table) {
    assert.deepEqual(parseHostname(text), { ok: true, hostname, wildcard: false }, text);
  }
});

test('what cannot be a hostname is refused with the reason', () => {
  const table: readonly [string, HostnameFault][] = [
    ['', 'empty'],
    ['.', 'empty'],
    ['   ', 'empty'],
    ['a..b', 'bad-label'],
    ['-a.example', 'bad-label'],
    ['a-.example', 'bad-label'],
    ['a b.example', 'bad-label'],
    ['a/b', 'bad-label'],
    ['shop.example.com:80', 'bad-label'],
    ['[::1]', 'bad-label'],
    [`${'a'.repeat(64)}.example`, 'bad-label'],
    [`${'a.'.repeat(127)}example`, 'too-long'],
    ['a.*.example', 'bad-wildcard'],
    ['*.example.com', 'bad-wildcard'],
    ['127.0.0.1', 'is-address'],
    ['１２７.０.０.１', 'is-address'],
    ['bü cher.example', 'not-idna'],
  ];
  for (const [text, fault] of table) {
    const parsed = parseHostname(text);
    assert.equal(parsed.ok ? 'accepted' : parsed.fault, fault, text);
  }
});

test('a pattern may begin with one wildcard label and have it nowhere else', () => {
  assert.deepEqual(parseHostPattern('*.Example.com.'), { ok: true, hostname: '*.example.com', wildcard: true });
  assert.deepEqual(parseHostPattern('a.example.com'), { ok: true, hostname: 'a.example.com', wildcard: false });
  for (const text of ['*', '*.', '*a.example', '**.example', '*.*.example', 'a.*', '*example.com']) {
    const parsed = parseHostPattern(text);
    assert.equal(parsed.ok ? 'accepted' : parsed.fault, 'bad-wildcard', text);
  }
});

test('a parsed hostname parses to itself', () => {
  fc.assert(
    fc.property(fc.oneof(name, fc.string({ unit: 'grapheme' }), fc.domain()), (text) => {
      const once = parseHostname(text);
      if (!once.ok) return;
      assert.deepEqual(parseHostname(once.hostname), once);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test('an authority yields the hostname that a route of the same name claims, with or without a port', () => {
  fc.assert(
    fc.property(name, fc.constantFrom('', ':', ':80', ':65535'), fc.constantFrom('', '.'), (text, port, dot) => {
      const route = parseHostname(text);
      assert.ok(route.ok);
      assert.equal(hostnameOfAuthority(`${text}${dot}${port}`), route.hostname);
    }),
    { seed: SEED },
  );
});

test('an authority that names no host yields null', () => {
  for (const authority of [
    '',
    ':80',
    '.',
    '[::1]',
    '[::1]:80',
    'a:b',
    'a:80:80',
    'a:123456',
    'a b',
    'a/b',
    'user@a',
    'ä.example',
    `${'a'.repeat(254)}`,
  ]) {
    assert.equal(hostnameOfAuthority(authority), null, authority);
  }
});

test('an authority never yields anything but lower-case name characters', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webAuthority({ withPort: true, withUserInfo: true })), (authority) => {
      const hostname = hostnameOfAuthority(authority);
      if (hostname !== null) assert.match(hostname, /^[a-z0-9._-]+$/);
    }),
    { seed: SEED, numRuns: 500 },
  );
});
