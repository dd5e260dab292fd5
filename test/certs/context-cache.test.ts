/** Certificates at hand: one context a certificate, one question a name, and a bound on both. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { ServedCertificate } from '#certs/certificate-source';
import { ContextCache, type ContextCacheOptions, contextsFor } from '#certs/context-cache';
import type { CertificateMaterial, MaterialSource } from '#certs/material';
import { silentLog } from '#core/log';
import { testAuthority } from './certificate-authority.ts';

const authority = testAuthority();

function cacheOf(sources: readonly MaterialSource[], more: Partial<ContextCacheOptions> = {}): ContextCache {
  return new ContextCache({ sources, wall: Date.now, log: silentLog, ticketKeys: randomBytes(48), ...more });
}

test('what was found is at hand, and one certificate is one context for all its names', () => {
  const material = authority.issue(['*.app.test', 'app.test']);
  let asked = 0;
  const cache = cacheOf([
    {
      find: () => {
        asked++;
        return material;
      },
    },
  ]);
  const first = cache.contextFor('a.app.test');
  assert.ok(first !== null && !(first instanceof Promise));
  assert.equal(cache.contextFor('a.app.test'), first);
  assert.equal(asked, 1);
  assert.equal(cache.contextFor('b.app.test'), first);
  assert.ok(first.covers('app.test') && first.covers('b.app.test'));
  assert.ok(!first.covers('b.a.app.test') && !first.covers('other.test') && !first.covers(''));
});

test('sources are asked in order, and one that fails is passed over', async () => {
  const material = authority.issue(['app.test']);
  const cache = cacheOf([
    { find: () => null },
    {
      find: () => {
        throw new Error('broken');
      },
    },
    { find: () => Promise.reject(new Error('broken later')) },
    { find: async () => null },
    { find: () => material },
  ]);
  const found = await cache.contextFor('app.test');
  assert.ok(found?.covers('app.test'));
});

test('what stands in for a source that fails does so no longer than it fails', () => {
  const [right, other] = [authority.issue(['app.test', 'right.test']), authority.issue(['app.test'])];
  let works = false;
  const find = (): CertificateMaterial => {
    if (!works) throw new Error('busy');
    return right;
  };
  const cache = cacheOf([{ find }, { find: () => other }]);
  const shown = (): boolean | undefined => {
    const found = cache.contextFor('app.test');
    return found === null || found instanceof Promise ? undefined : found.covers('right.test');
  };
  assert.equal(shown(), false);
  works = true;
  assert.equal(shown(), true);
});

test('an expired certificate does not stand in the way of one that is not', () => {
  const expired = authority.issue(['app.test'], Date.now() - 1000);
  const good = authority.issue(['app.test']);
  const cache = cacheOf([{ find: () => expired }, { find: () => good }]);
  assert.notEqual(cache.contextFor('app.test'), null);
});

test('what was on its way when it changed is not kept', async () => {
  let settle: (material: CertificateMaterial | null) => void = () => {};
  const find = (): Promise<CertificateMaterial | null> =>
    new Promise((resolve) => {
      settle = resolve;
    });
  const cache = cacheOf([{ find }]);
  const before = cache.contextFor('app.test');
  settle(authority.issue(['app.test', 'old.test']));
  cache.forget(['app.test']);
  const after = cache.contextFor('app.test');
  settle(authority.issue(['app.test', 'new.test']));
  assert.ok((await before)?.covers('old.test'));
  assert.ok((await after)?.covers('new.test'));
  assert.equal(cache.contextFor('app.test'), await after);
});

test('however many wait for a name, it is asked for once', async () => {
  let settle: (material: CertificateMaterial | null) => void = () => {};
  let asked = 0;
  const find = (): Promise<CertificateMaterial | null> => {
    asked++;
    return new Promise((resolve) => {
      settle = resolve;
    });
  };
  const cache = cacheOf([{ find }]);
  const waiting = [cache.contextFor('app.test'), cache.contextFor('app.test')];
  settle(null);
  assert.deepEqual(await Promise.all(waiting), [null, null]);
  assert.equal(asked, 1);
  const again = cache.contextFor('app.test');
  settle(authority.issue(['app.test']));
  assert.ok((await again)?.covers('app.test'), 'a name without a certificate is asked for again');
});

test('ten thousand names do not make ten thousand contexts', () => {
  const material = authority.issue(['app.test']);
  const cache = cacheOf([{ find: () => material }], { contextsMax: 100 });
  for (let i = 0; i < 10_000; i++) void cache.contextFor(`name-${i}.test`);
  assert.equal(cache.size, 100);
});

test('a certificate that has expired is not served', () => {
  let now = Date.now();
  const material = authority.issue(['app.test'], now + 60_000);
  const cache = cacheOf([{ find: () => material }], { wall: () => now });
  assert.notEqual(cache.contextFor('app.test'), null);
  now += 60_000;
  assert.equal(cache.contextFor('app.test'), null);
});

test('what has changed is asked for again when it is told so', () => {
  let material = authority.issue(['app.test']);
  const cache = cacheOf([{ find: () => material }]);
  const first = cache.contextFor('app.test');
  material = authority.issue(['app.test']);
  assert.equal(cache.contextFor('app.test'), first);
  cache.forget(null);
  assert.notEqual(cache.contextFor('app.test'), first);
});

test('what has changed for some names leaves the others as they are, and a wildcard concerns all it covers', () => {
  const cache = cacheOf([{ find: (hostname) => authority.issue([hostname]) }]);
  const names = ['a.app.test', 'b.app.test', 'x.a.app.test', 'other.test'];
  const shown = (): unknown[] => names.map((name) => cache.contextFor(name));
  const changes = (forgotten: readonly string[]): string[] => {
    const before = shown();
    cache.forget(forgotten);
    const after = shown();
    return names.filter((_, i) => before[i] !== after[i]);
  };
  assert.deepEqual(changes([]), []);
  assert.deepEqual(changes(['b.app.test']), ['b.app.test']);
  assert.deepEqual(changes(['*.app.test']), ['a.app.test', 'b.app.test']);
});

test('a certificate that is read anew for every name it covers is one context all the same', () => {
  const material = authority.issue(['*.app.test']);
  const cache = cacheOf([{ find: () => ({ ...material }) }]);
  const first = cache.contextFor('a.app.test');
  assert.ok(first !== null);
  assert.equal(cache.contextFor('b.app.test'), first);
});

test('a certificate has one more context for each authority that clients are asked by, and none before', () => {
  const material = authority.issue(['app.test']);
  const cache = cacheOf([{ find: () => material }]);
  const asking = (digest: string): ServedCertificate => {
    const served = cache.contextFor('app.test');
    assert.ok(served !== null && !(served instanceof Promise) && served.asking !== undefined);
    return served.asking({ name: 'partners', certificates: [authority.certificate], digest });
  };
  const first = asking('1');
  assert.ok(first.covers('app.test'));
  assert.equal(asking('1'), first);
  assert.notEqual(asking('2').context, first.context);
  const keysOf = (served: ServedCertificate): string => {
    return (served.context.context as unknown as { getTicketKeys(): Buffer }).getTicketKeys().toString('hex');
  };
  const keys = randomBytes(48);
  cache.setTicketKeys(keys);
  for (const served of [first, asking('2'), asking('3')]) assert.equal(keysOf(served), keys.toString('hex'));
});

test('so many contexts are kept as a fiftieth of the machine holds, within bounds', () => {
  const GIB = 2 ** 30;
  assert.deepEqual(
    [1, 8, 64].map((gib) => contextsFor(gib * GIB)),
    [2000, 3813, 16_000],
  );
});
