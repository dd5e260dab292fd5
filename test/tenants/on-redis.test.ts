/** Tenants, tokens, quotas and the audit log on Redis: as on the embedded store, and over a kill of the server. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import test from 'node:test';
import { silentLog } from '#core/log';
import { openRedisStore } from '#store/redis-store';
import type { Store } from '#store/store';
import { AuditLog } from '#tenants/audit-log';
import { NO_LIMITS, ORDINARY } from '#tenants/plan';
import { Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { TokenBook } from '#tenants/token-book';
import type { TokenGrant } from '#tenants/token-record';
import { FakeClock } from '#test/support/fake-clock';
import { RedisServer } from '#test/support/redis';

const GRANT: TokenGrant = {
  ...{ name: 'ci', kind: 'dep', tenant: 'acme', scopes: ['deploy'], resources: [], cidrs: [], expiresAt: null },
};

async function open(store: Store, clock: FakeClock) {
  const tenants = await TenantDirectory.open(store);
  const quotas = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant) });
  const options = { store, clock, random: randomBytes, log: silentLog };
  const tokens = await TokenBook.open({ ...options, quotas });
  const audit = await AuditLog.open({ ...options, segmentRecords: 10, recordsMax: 20 });
  return { tenants, quotas, tokens, audit };
}

test('what was acknowledged is there after a kill of the server, no limit is exceeded, and ids go on rising', async (t) => {
  await using server = await RedisServer.start();
  const store = await openRedisStore(server.url(), silentLog);
  t.after(() => store.close());
  const clock = new FakeClock();
  const { tenants, quotas, tokens, audit } = await open(store, clock);
  await tenants.putPlan({ name: 'small', limits: { ...NO_LIMITS, tokens: 3 }, allowances: ORDINARY });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  // Two who count by themselves, as no Tidegate does: the versions alone keep them from exceeding the limit.
  const other = new Quotas({ store, limitsOf: (tenant) => tenants.limitsOf(tenant) });
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, n) => (n % 2 === 0 ? quotas : other).commit('acme', { tokens: 1 }, (usage) => usage)),
  );
  assert.equal(outcomes.filter((one) => one === null).length, 3);
  await quotas.commit('acme', { tokens: -3 }, (usage) => usage);
  const made = await tokens.create(GRANT, 'op_1');
  assert.equal(made.kind, 'made');
  const text = made.kind === 'made' ? made.text : '';
  const draft = {
    ...{ principal: null, tenant: 'acme', method: 'PUT', path: '/v1/x', params: {}, requestId: 'req_1' },
    ...{ client: null, fields: [], dryRun: false },
  };
  for (let n = 0; n < 35; n++) await audit.finish(await audit.begin(draft), { status: 200, code: null });
  await server.kill9();
  await server.run();
  const again = await open(store, clock);
  assert.equal(again.tokens.authenticate(text, null)?.tenant, 'acme');
  assert.equal((await again.quotas.used('acme')).tokens, 1);
  await again.audit.begin(draft);
  const kept = await again.audit.older(null, { limit: 100, since: 0, passes: () => true });
  assert.equal(kept.length, 16, 'two segments of ten, the last of them not full');
  const ids = kept.map(({ id }) => id);
  assert.deepEqual(ids, ids.toSorted().reverse());
  await again.tenants.remove('acme', again.tokens.dropsOf('acme'));
  assert.deepEqual([await store.documents('token'), await store.document('usage', 'acme')], [[], null]);
});
