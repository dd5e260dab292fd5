/** For which hostnames certificates are wanted where one of the installation could cover all apps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRecord } from '#certs/acme/issuance-record';
import { DEFAULT_POLICY } from '#core/set';
import type { Route } from '#router/route-table';
import { FakeClock } from '#test/support/fake-clock';
import { CertificateWishes } from '../../certificate-wishes.ts';

const PLATFORM = '*.apps.example.com';

function wanted(
  platform: Partial<ReturnType<typeof newRecord>>,
  options: { hasDns?: boolean; baseDomain?: string } = {},
) {
  const clock = new FakeClock();
  const names = new Set<string>();
  const route = {
    spec: { hostname: 'shop.apps.example.com' },
    pool: { key: 'default/shop/web', policy: DEFAULT_POLICY },
  };
  const wishes = new CertificateWishes({
    clock,
    issuance: {
      want: ({ hostname }) => void names.add(hostname),
      unwant: (hostname) => void names.delete(hostname),
      view: (hostname) => ({ ...newRecord(hostname, null), ...(hostname === PLATFORM ? platform : {}) }),
    },
    domains: { certifiable: () => [] },
    routes: () => [route as unknown as Route],
    baseDomain: options.baseDomain ?? 'apps.example.com',
    isPrivate: false,
    hasDns: options.hasDns ?? true,
    isCovered: () => false,
    check: async () => [],
    isAlive: async () => true,
  });
  wishes.changed();
  return clock.advance(1000).then(() => [...names].sort());
}

const OWN = 'shop.apps.example.com';

test('while one certificate for all apps is in force or on its way, none has its own', async () => {
  assert.deepEqual(await wanted({}), [PLATFORM]);
  assert.deepEqual(await wanted({ state: 'issuing' }), [PLATFORM]);
  assert.deepEqual(await wanted({ state: 'valid', certificateId: 'crt_a' }), [PLATFORM]);
  assert.deepEqual(await wanted({ state: 'failed', certificateId: 'crt_a', attempts: 3 }), [PLATFORM]);
});

test('where it cannot be had, or nears its end without another, each app gets its own', async () => {
  assert.deepEqual(await wanted({ state: 'failed', attempts: 1 }), [PLATFORM, OWN]);
  assert.deepEqual(await wanted({ state: 'rate-limited' }), [PLATFORM, OWN]);
  assert.deepEqual(await wanted({ state: 'expired', certificateId: 'crt_a', attempts: 9 }), [PLATFORM, OWN]);
  assert.deepEqual(await wanted({ state: 'failed', certificateId: 'crt_a', warnedOf: 'crt_a', attempts: 9 }), [
    PLATFORM,
    OWN,
  ]);
  assert.deepEqual(await wanted({}, { hasDns: false }), [OWN]);
});
