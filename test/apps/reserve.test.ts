/** What of a host is there for others, while replicas are awake and while they sleep. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SetRecord } from '#apps/app-record';
import { Reserve } from '#apps/reserve';
import type { Revision } from '#core/set-spec';
import { specOf } from './support/platform.ts';

const GIB = 2 ** 30;
const SPEC = { ...specOf('web:1'), resources: { cpu: 1, memory: GIB } };
const SET: SetRecord = {
  ...{ tenant: 'acme', app: 'shop', name: 'web', spec: SPEC, labels: {}, current: 1, shares: [] },
  ...{ routing: null, lastRevision: 1, createdAt: 0 },
};
const REVISION = { share: 'r1', number: 1, spec: SPEC } as Revision;

function reserve(phases: readonly string[], capacity = true): Reserve {
  return new Reserve({
    ports: {
      capacity: () => (capacity ? { cores: 4, memoryBytes: 4 * GIB } : null),
      sight: () => ({
        target: { min: 0, max: 4, awake: 1 },
        replicas: phases.map((phase, i) => {
          return { id: `h1/${i}`, host: 'h1', phase, revision: 'r1', failures: 0, inFlight: 0 };
        }),
      }),
    },
    library: { allSets: () => [SET].values(), revisions: () => [REVISION] },
  });
}

test('what sleeps gives back what it does not use', () => {
  for (const [phase, cores, memory] of [
    ['ready', 1, 1],
    ['starting', 1, 1],
    ['frozen', 3, 1],
    ['sandbox', 3, 3],
    ['stopped', 3, 3],
  ] as const) {
    const room = reserve(['ready', phase, phase]).allocatable('h1');
    assert.deepEqual(room, { cores, memoryBytes: memory * GIB }, phase);
  }
  assert.deepEqual(reserve(['ready']).allocatable('h2'), { cores: 4, memoryBytes: 4 * GIB });
});

test('a replica that found no room while others were awake finds it when they sleep', () => {
  const wanted = { cpu: 2, memory: 2 * GIB };
  assert.equal(reserve(['ready', 'ready', 'ready']).hasRoom('h1', wanted), false);
  assert.equal(reserve(['ready', 'frozen', 'frozen']).hasRoom('h1', wanted), false, 'memory is still taken');
  assert.equal(reserve(['ready', 'sandbox', 'stopped']).hasRoom('h1', wanted), true);
});

test('what is not known stands in nobody’s way, and there is never less than nothing', () => {
  assert.equal(reserve(['ready'], false).hasRoom('h1', { cpu: 100, memory: 100 * GIB }), true);
  assert.equal(reserve(['ready'], false).allocatable('h1'), null);
  assert.deepEqual(reserve(Array(6).fill('ready')).allocatable('h1'), { cores: 0, memoryBytes: 0 });
  assert.equal(reserve(Array(6).fill('ready')).hasRoom('h1', { cpu: null, memory: null }), true);
});

test('what has no limits fits without a look at the others', () => {
  const others = (): never => assert.fail('every set was looked at');
  const reserve = new Reserve({
    ports: { capacity: () => ({ cores: 4, memoryBytes: 4 * GIB }), sight: others },
    library: { allSets: others, revisions: others },
  });
  assert.equal(reserve.hasRoom('h1', { cpu: null, memory: null }), true);
});
