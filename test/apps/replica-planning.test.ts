/** From a revision to replicas, and from one spec to the next: what changes, and what it takes. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { limitsOf, planReplica } from '#apps/replica-planning';
import { compareSpecs } from '#apps/spec-comparison';
import type { Revision, SetSpec } from '#core/set-spec';
import { specOf } from './support/platform.ts';

function withParts(spec: SetSpec, parts: readonly (readonly [number | null, number | null])[]): SetSpec {
  const [first] = spec.containers;
  assert.ok(first !== undefined);
  const containers = parts.map(([cpu, mem], i) => ({
    ...{ ...first, index: i + 1, name: `c${i}` },
    options: { ...first.options, cpu, mem },
  }));
  return { ...spec, containers };
}

function limitsAt(spec: SetSpec, i: number): ReturnType<typeof limitsOf> {
  const container = spec.containers[i];
  assert.ok(container !== undefined);
  return limitsOf(spec, container);
}

function revisionOf(spec: SetSpec): Revision {
  const images = Object.fromEntries(
    spec.containers.map((one) => [one.index, { reference: one.image, id: `sha256:${one.image}`, digest: null }]),
  );
  return {
    name: 'r4',
    number: 4,
    share: 'r3',
    createdAt: 0,
    by: 'op_1',
    cause: '',
    spec,
    images,
    env: { A: 'app', B: 'app' },
    secrets: ['B', 'C'],
  };
}

suite('the limits of a member', () => {
  test('are its percentage of what the set has: 80 % of four cores are 3.2', () => {
    const spec = withParts({ ...specOf('a'), resources: { cpu: 4, memory: 1000 * 1024 * 1024 } }, [
      [80, 75],
      [20, 25],
    ]);
    assert.equal(limitsAt(spec, 0).nanoCpus, 3_200_000_000);
    assert.equal(limitsAt(spec, 1).memoryBytes, 250 * 1024 * 1024);
  });

  test('without a percentage are an equal part of what the others leave', () => {
    const spec = withParts({ ...specOf('a'), resources: { cpu: 1, memory: 100 * 1024 * 1024 } }, [
      [50, null],
      [null, null],
      [null, null],
    ]);
    assert.equal(limitsAt(spec, 1).nanoCpus, 250_000_000);
    assert.equal(limitsAt(spec, 0).memoryBytes, Math.floor((100 * 1024 * 1024) / 3));
  });

  test('are none where the set has none', () => {
    const spec = withParts({ ...specOf('a'), resources: { cpu: null, memory: null } }, [[50, 50]]);
    assert.deepEqual(limitsAt(spec, 0), { nanoCpus: null, memoryBytes: null });
  });
});

test('a plan says whose it is, runs the pinned images, and what is closer to the container wins', () => {
  const spec = specOf('shop:1');
  const [main, agent] = spec.containers;
  assert.ok(main !== undefined && agent !== undefined);
  const own = { ...spec, containers: [{ ...main, options: { ...main.options, env: { C: 'own' } } }, agent] };
  const id = 'rep_01JD0000000000000ABCDEFGHJ';
  const plan = planReplica({
    ...{ tenant: 'acme', app: 'shop', set: 'web', revision: revisionOf(own), id, instance: 'ins_1' },
    secrets: { B: 'secret', C: 'secret' },
    links: ['office'],
  });
  assert.equal(plan.name, 'acme-shop-web-cdefghj'.replace('cdefghj', id.slice(-8).toLowerCase()));
  assert.equal(plan.labels['tidegate.revision'], 'r3');
  assert.equal(plan.labels['tidegate.replica'], id);
  assert.deepEqual(plan.members[0]?.env, { A: 'app', B: 'secret', C: 'own' });
  assert.equal(plan.members[0]?.image, 'sha256:shop:1');
  assert.deepEqual(plan.network, { name: 'tidegate-acme.shop', aliases: ['web', 'web.shop.internal'] });
  assert.deepEqual(plan.joins, [{ name: 'tidegate-acme.office', aliases: ['web.shop.internal'] }]);
  assert.equal(plan.exposedPort, 8080);
});

suite('a change of a spec', () => {
  const before = specOf('shop:1');
  for (const [change, after] of [
    ['same', { ...before, labels: { ...before.labels } }],
    ['policy', { ...before, labels: { ...before.labels, 'tidegate.scale.max': '3' } }],
    ['policy', { ...before, pull: 'always' as const }],
    ['limits', { ...before, resources: { cpu: 2, memory: 1024 ** 3 } }],
    ['containers', { ...before, resources: { cpu: null, memory: 1024 ** 3 } }],
    ['containers', specOf('shop:2')],
    ['containers', { ...before, labels: { ...before.labels, 'tidegate.port': '81' } }],
    ['containers', { ...before, volume: { name: 'data', path: '/data' } }],
  ] as const) {
    test(`${change}: ${JSON.stringify(after).length} characters of JSON`, () =>
      assert.equal(compareSpecs(before, after), change));
  }
});
