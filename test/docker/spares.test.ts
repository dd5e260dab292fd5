/** Spare sandboxes while something happens to them that a real Engine does not do on demand. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#core/clock';
import { TidegateError } from '#core/errors';
import { silentLog } from '#core/log';
import type { SpareIdentity } from '#core/spare-book';
import { openEngine } from '#docker/docker-engine';
import { NO_SPARES } from '#docker/spare-book';
import { Spares, type SparesOptions } from '#docker/spares';
import { FakeClock, settle } from '#test/support/fake-clock';
import { replicaPlan } from '#test/support/replica-plans';
import { until } from '#test/support/until';
import { FakeEngine } from './fake-engine.ts';

test('one that is lost while the next is made is made up for, and the next is not lost with it', async (t) => {
  const made: PromiseWithResolvers<string>[] = [];
  const parts = {
    client: { call: async () => [] },
    containers: {
      create: () => {
        const making = Promise.withResolvers<string>();
        made.push(making);
        return making.promise;
      },
      start: async () => true,
    },
    images: { ensurePause: async () => 'pause' },
    networks: { ensure: async () => 'network' },
  };
  const spares = new Spares({
    ...(parts as unknown as Pick<SparesOptions, 'client' | 'containers' | 'images' | 'networks'>),
    ...({ replicaNetworks: {}, ownership: {} } as Pick<SparesOptions, 'replicaNetworks' | 'ownership'>),
    ...{ count: 2, instance: 'ins_test', book: NO_SPARES, newId: (prefix) => `${prefix}_1` },
    ...{ clock: new FakeClock(), log: silentLog },
  });
  t.after(() => spares.close());
  const finish = async (n: number): Promise<void> => {
    await until(() => made.length === n);
    made[n - 1]?.resolve(`s${n}`);
  };
  spares.keep();
  await finish(1);
  await until(() => made.length === 2 && spares.ready === 1);
  spares.lost('s1');
  await finish(2);
  await finish(3);
  await until(() => spares.ready === 2);
  const plan = replicaPlan({ id: 'rep_1', network: 'app', members: [] });
  assert.deepEqual([spares.take(plan), spares.take(plan)], ['s2', 's3']);
  assert.equal(made.length, 3);
});

/** A pool of two, whose Engine lists and makes what a test says. */
function pool(
  t: TestContext,
  lists: () => unknown[],
  given: Partial<Record<'destroy' | 'start', (id: string) => unknown>>,
) {
  const made: string[] = [];
  const clock = new FakeClock();
  const parts = {
    client: { call: async () => lists() },
    containers: {
      create: async () => {
        made.push(`n${made.length + 1}`);
        return made.at(-1);
      },
      start: async (id: string) => await given.start?.(id),
      destroy: async (id: string) => await given.destroy?.(id),
    },
    images: { ensurePause: async () => 'pause' },
    networks: { ensure: async () => 'network' },
  };
  const spares = new Spares({
    ...(parts as unknown as Pick<SparesOptions, 'client' | 'containers' | 'images' | 'networks'>),
    ...({ replicaNetworks: {}, ownership: {} } as Pick<SparesOptions, 'replicaNetworks' | 'ownership'>),
    ...{ count: 2, instance: 'ins_test', book: NO_SPARES, newId: (prefix) => `${prefix}_1`, clock, log: silentLog },
  });
  t.after(() => spares.close());
  const taken = (): (string | null)[] => {
    const plan = replicaPlan({ id: 'rep_1', network: 'app', members: [] });
    return [spares.take(plan), spares.take(plan)];
  };
  return { spares, made, clock, taken };
}

const listed = (id: string, state: string): object => ({
  ...{ Id: id, Names: [`/${id}`], State: state, Labels: { 'tidegate.role': 'spare' } },
  NetworkSettings: { Networks: {} },
});

test('a dead one that cannot be removed keeps nobody from having the others', async (t) => {
  const tried: string[] = [];
  const { spares, made, taken } = pool(t, () => [listed('dead', 'exited'), listed('good', 'running')], {
    destroy: (id) => {
      tried.push(id);
      throw new TidegateError('engine.refused', 'device or resource busy');
    },
  });
  spares.keep();
  await until(() => spares.ready === 2);
  assert.deepEqual([tried, made, taken()], [['dead'], ['n1'], ['good', 'n1']]);
});

test('one that ends while the list with it is on its way is not taken for one that runs', async (t) => {
  const { spares, taken } = pool(
    t,
    () => {
      spares.lost('old');
      return [listed('old', 'running')];
    },
    {},
  );
  spares.keep();
  await until(() => spares.ready === 2);
  assert.deepEqual(taken(), ['n1', 'n2']);
});

test('one that ends as soon as it runs may be taken by nobody, and the next is not made at once', async (t) => {
  const { spares, made, clock, taken } = pool(t, () => [], { start: (id) => id === 'n1' && spares.lost('n1') });
  spares.keep();
  await until(() => made.length === 1);
  await settle();
  assert.deepEqual([spares.ready, made.length], [0, 1]);
  await clock.advance(10_000);
  await until(() => spares.ready === 2);
  assert.deepEqual(taken(), ['n2', 'n3']);
});

test('one that is taken while a list is on its way stays who it is; one that is gone is forgotten with the next', async () => {
  await using fake = await FakeEngine.start();
  const taken = new Map<string, SpareIdentity>();
  const book = {
    get: (id: string) => taken.get(id) ?? null,
    ids: () => [...taken.keys()],
    put: async () => {},
    drop: (id: string) => void taken.delete(id),
  };
  const spares = { count: 0, instance: 'ins_test', newId: () => '', book };
  const engine = openEngine({ endpoint: fake.endpoint, host: 'h1', clock: systemClock, log: silentLog, spares });
  fake.script.set('GET /containers/json', () => {
    if (taken.size === 0) taken.set('s1', { labels: {}, network: 'app', exposedPort: null });
    return { body: [] };
  });
  try {
    await engine.list();
    assert.deepEqual([...taken.keys()], ['s1']);
    await engine.list();
    assert.deepEqual([...taken.keys()], []);
  } finally {
    engine.close();
  }
});
