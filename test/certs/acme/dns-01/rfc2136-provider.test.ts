/** Dynamic updates at a real name server: what is written and removed there, and what is said when it cannot be. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { openDnsProvider } from '#certs/acme/dns-01/open-dns-provider';
import { systemClock } from '#core/clock';
import type { UpdateServer } from '#core/dns-provider-url';
import { Named } from '#test/support/named';

const NEVER = new AbortController().signal;
const HOUR_MS = 3_600_000;

let named: Named;

before(async () => {
  named = await Named.start({
    zones: ['example.test', 'deep.example.test'],
    fixedZones: ['fixed.test'],
    records: { 'example.test': 'away NS ns.elsewhere.test.' },
  });
});

after(() => named[Symbol.asyncDispose]());

interface Change extends Partial<UpdateServer> {
  readonly secret?: string;
  readonly clock?: typeof systemClock;
}

function provider({ secret = named.secret, clock = systemClock, ...change }: Change = {}) {
  const where = { kind: 'rfc2136', host: '127.0.0.1', port: named.port, zone: 'example.test' } as const;
  const key = { key: 'hmac-sha256', algorithm: 'hmac-sha256' } as const;
  return openDnsProvider({ ...where, ...key, ...change }, { secret, clock, randomBytes });
}

test('two values stand at one name, each is removed by itself, and setting or removing twice does no harm', async () => {
  const name = '_acme-challenge.two.example.test';
  await provider().set(name, 'first', NEVER);
  await provider().set(name, 'first', NEVER);
  await provider().set(name, 'second', NEVER);
  assert.deepEqual(await named.txt(name), ['first', 'second']);
  await provider().clear(name, 'first', NEVER);
  await provider().clear(name, 'first', NEVER);
  assert.deepEqual(await named.txt(name), ['second']);
  await provider().clear(name, 'second', NEVER);
  assert.deepEqual(await named.txt(name), []);
});

for (const algorithm of ['hmac-sha256', 'hmac-sha384', 'hmac-sha512'] as const) {
  test(`a key of ${algorithm} is taken`, async () => {
    const name = `_acme-challenge.${algorithm}.example.test`;
    await provider({ key: algorithm, algorithm }).set(name, 'v', NEVER);
    assert.deepEqual(await named.txt(name), ['v']);
  });
}

test('a value longer than one string of a record comes and goes whole', async () => {
  const name = 'long.example.test';
  const value = 'long '.repeat(100);
  await provider().set(name, value, NEVER);
  assert.deepEqual(await named.txt(name), [value]);
  await provider().clear(name, value, NEVER);
  assert.deepEqual(await named.txt(name), []);
});

test('the zone is found where none is given, the nearest one above the name', async () => {
  const finder = provider({ zone: null });
  for (const name of ['example.test', '_acme-challenge.a.b.c.example.test', '_acme-challenge.x.deep.example.test']) {
    await finder.set(name, 'found', NEVER);
    assert.deepEqual(await named.txt(name), ['found'], name);
    await finder.clear(name, 'found', NEVER);
    assert.deepEqual(await named.txt(name), [], name);
  }
  await assert.rejects(finder.set('a.nowhere.example', 'v', NEVER), /no zone that a\.nowhere\.example is in/);
  await assert.rejects(finder.set('a.away.example.test', 'v', NEVER), /handed away\.example\.test over/);
});

const REFUSED: readonly [what: string, change: Change, words: RegExp][] = [
  ['another secret', { secret: randomBytes(32).toString('base64') }, /BADSIG.*TIDEGATE_ACME_DNS_SECRET/],
  ['an unknown key', { key: 'nobody' }, /BADKEY.*nobody/],
  ['a key of another algorithm', { algorithm: 'hmac-sha512' }, /BADKEY.*hmac-sha512/],
  ['a clock an hour late', { clock: shifted(-HOUR_MS) }, /BADTIME.*36\d\d s ahead of.*NTP/],
  ['a clock an hour early', { clock: shifted(HOUR_MS) }, /BADTIME.*3[56]\d\d s behind.*NTP/],
  ['a zone it does not hold', { zone: 'test' }, /(NOTAUTH|REFUSED).*\btest\b/],
  ['a zone the name is not in', { zone: 'deep.example.test' }, /not in the zone deep\.example\.test/],
  ['a zone no key may update', { zone: 'fixed.test' }, /REFUSED.*hmac-sha256.*allow-update/],
];

for (const [what, change, words] of REFUSED) {
  test(`${what} is refused in words that say what to do`, async () => {
    const name = change.zone === 'fixed.test' ? 'a.fixed.test' : 'a.example.test';
    const secret = change.secret ?? named.secret;
    await assert.rejects(provider(change).set(name, 'v', NEVER), (error: Error) => {
      assert.match(error.message, words);
      assert.ok(error.message.startsWith(`dynamic update at 127.0.0.1:${named.port}: `), error.message);
      assert.ok(!error.message.includes(secret));
      return true;
    });
    assert.deepEqual(await named.txt(name), []);
  });
}

test('without a secret it is not opened', () => {
  assert.throws(() => provider({ secret: '' }), { code: 'config.invalid' });
});

function shifted(byMs: number): typeof systemClock {
  return { ...systemClock, wall: () => systemClock.wall() + byMs };
}
