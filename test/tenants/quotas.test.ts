/** Quotas: whatever happens at the same moment, no tenant has more than its plan allows, and sums come back to zero. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { TidegateError } from '#core/errors';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { NO_LIMITS, ORDINARY } from '#tenants/plan';
import { isQuotaExceeded, Quotas } from '#tenants/quotas';
import { TenantDirectory } from '#tenants/tenant-directory';
import { temporaryDirectory } from '#test/store/temporary';

async function ground(t: TestContext, limits = {}) {
  const store = await openSqliteStore(temporaryDirectory(t));
  t.after(() => store.close());
  const tenants = await TenantDirectory.open(store);
  await tenants.putPlan({ name: 'small', limits: { ...NO_LIMITS, ...limits }, allowances: ORDINARY });
  await tenants.add('acme', { plan: 'small', state: 'active' }, 0);
  // As if it were far away: others come between a question and its answer.
  const far: Store = Object.create(store, {
    document: {
      value: async (...given: Parameters<Store['document']>) => {
        const found = await store.document(...given);
        await new Promise((resolve) => setImmediate(resolve));
        return found;
      },
    },
    changeDocuments: { value: (...given: Parameters<Store['changeDocuments']>) => store.changeDocuments(...given) },
  });
  const quotas = new Quotas({ store: far, limitsOf: (tenant) => tenants.limitsOf(tenant) });
  return { store, tenants, quotas };
}

test('of many at the same moment as many pass as the plan allows, and each writes what it took it for', async (t) => {
  const { quotas, store } = await ground(t, { apps: 5 });
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, n) =>
      quotas.commit('acme', { apps: 1 }, (usage) => [
        ...usage,
        { kind: 'app', id: `acme/a${n}`, expected: null, body: {} },
      ]),
    ),
  );
  assert.equal(outcomes.filter((one) => one === null).length, 5);
  assert.equal((await store.documents('app')).length, 5);
  assert.equal((await quotas.used('acme')).apps, 5);
});

test('what would be exceeded is told with what is used, allowed and asked for', async (t) => {
  const { quotas } = await ground(t, { cpu: 2, memory: 1000 });
  await quotas.commit('acme', { cpu: 1.5, memory: 1000 }, (usage) => usage);
  assert.deepEqual(await quotas.reserve('acme', { cpu: 0.6 }), {
    ...{ kind: 'quota_exceeded', tenant: 'acme', resource: 'cpu', used: 1.5, limit: 2, asked: 0.6 },
  });
  assert.equal(isQuotaExceeded(await quotas.reserve('acme', { cpu: 0.5 })), false);
});

test('who is over a limit that was lowered may give back, and take of what is left', async (t) => {
  const { quotas, tenants } = await ground(t, { replicas: 10 });
  await quotas.commit('acme', { replicas: 8 }, (usage) => usage);
  await tenants.putPlan({ name: 'small', limits: { ...NO_LIMITS, replicas: 4 }, allowances: ORDINARY });
  assert.equal(await quotas.commit('acme', { replicas: -2, sets: 1 }, (usage) => usage), null);
  assert.notEqual(await quotas.commit('acme', { replicas: 1 }, (usage) => usage), null);
  const { replicas, sets } = await quotas.used('acme');
  assert.deepEqual([replicas, sets], [6, 1]);
});

test('fractions of cores come back to zero, and no count goes below it', async (t) => {
  const { quotas } = await ground(t);
  for (let i = 0; i < 10; i++) await quotas.commit('acme', { cpu: 0.1 }, (usage) => usage);
  assert.equal((await quotas.used('acme')).cpu, 1);
  for (let i = 0; i < 10; i++) await quotas.commit('acme', { cpu: -0.1 }, (usage) => usage);
  assert.equal((await quotas.used('acme')).cpu, 0);
  await quotas.commit('acme', { apps: -1 }, (usage) => usage);
  assert.equal((await quotas.used('acme')).apps, 0);
});

test('a conflict of the thing itself is told, and nothing is counted', async (t) => {
  const { quotas, store } = await ground(t);
  await store.putDocument('app', 'acme/shop', {});
  const change = { kind: 'app', id: 'acme/shop', expected: null, body: {} } as const;
  await assert.rejects(
    quotas.commit('acme', { apps: 1 }, (usage) => [...usage, change]),
    { code: 'store.conflict' },
  );
  assert.equal((await quotas.used('acme')).apps, 0);
});

test('nothing is taken for a tenant that is not there, or is removed at this moment', async (t) => {
  const { quotas, tenants, store } = await ground(t);
  await assert.rejects(quotas.reserve('nobody', { apps: 1 }), { code: 'tenants.unknown' });
  const late = quotas.commit('acme', { apps: 1 }, (usage) => [...usage, { kind: 'app', id: 'acme/late', body: {} }]);
  await tenants.remove('acme', []);
  await assert.rejects(late, (error) => error instanceof TidegateError && error.code === 'tenants.unknown');
  assert.deepEqual(await store.documents('app'), []);
});
