/** Compose files by seeded chance: no text makes the reader throw, and what it takes is a spec that can be kept and read. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readSetInput, setInputJson } from '#admin/set-input';
import { readCompose } from '#apps/compose/compose';
import { TAKEN } from '#apps/compose/service-keys';
import { readDeclared } from '#discovery/declared-set';

const SEED = 20;
const NAMES = ['web', 'api', 'db', 'worker'] as const;
const VARIABLES = new Map([['TAG', '7']]);

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/);
const good = fc.record(
  {
    image: fc.constantFrom('a:1', 'registry.example/shop/web:1.10', `a:\${TAG}`, `a:\${NONE:-2}`),
    command: fc.oneof(fc.array(word, { maxLength: 3 }), fc.constant("sh -c 'exit 7'")),
    environment: fc.oneof(
      fc.dictionary(word, fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null))),
      fc.array(word.map((name) => `${name}=1`)),
    ),
    ports: fc.array(fc.constantFrom(80, '8080:80', '127.0.0.1:5432:5432', { target: 9000, published: 9000 }), {
      maxLength: 3,
    }),
    expose: fc.array(fc.integer({ min: 1, max: 65_535 }), { maxLength: 2 }),
    volumes: fc.uniqueArray(fc.constantFrom('data:/data', 'data:/more:ro', '/srv:/srv'), { maxLength: 2 }),
    labels: fc.constantFrom({ 'tidegate.scale.max': 3 }, ['tidegate.drain=5s'], { 'tidegate.class': 'tool' }),
    healthcheck: fc.constantFrom({ test: 'true' }, { test: ['CMD', 'true'], interval: '1m30s' }, { disable: true }),
    deploy: fc.constantFrom({ replicas: 2 }, { resources: { limits: { cpus: '0.5', memory: '64M' } } }),
    stop_grace_period: fc.constantFrom('10s', '1m'),
    restart: fc.constantFrom('always', 'no'),
    init: fc.boolean(),
    user: fc.constantFrom('1000', '1000:1000'),
    'x-own': fc.anything({ maxDepth: 1 }).map(String),
  },
  { requiredKeys: ['image'] },
);

function depending(services: Readonly<Record<string, object>>) {
  const names = Object.keys(services);
  return Object.fromEntries(
    Object.entries(services).map(([name, one], i) => [name, { ...one, depends_on: names.slice(i + 1) }]),
  );
}

test('files of what is known are taken; their sets come in order, and go out of the API and into it as the same', () => {
  const services = fc.dictionary(fc.constantFrom(...NAMES), good, { minKeys: 1 }).map(depending);
  fc.assert(
    fc.property(services, (given) => {
      const read = readCompose(stringify({ services: given, volumes: { data: null } }), { variables: VARIABLES });
      assert.ok('sets' in read, JSON.stringify(read));
      assert.deepEqual(read.sets.map(({ name }) => name).toSorted(), Object.keys(given).toSorted());
      const done = new Set<string>();
      for (const { name, spec } of read.sets) {
        const before = (spec.labels['tidegate.depends'] ?? '').split(',').filter((one) => one !== '');
        assert.ok(
          before.every((one) => done.has(one)),
          `${name} comes before ${before}`,
        );
        done.add(name);
        const { rejections } = readDeclared(spec.labels, { tenant: 't', app: 'a', set: name, baseDomain: 'localhost' });
        assert.deepEqual(rejections, []);
        const again = readSetInput(JSON.parse(JSON.stringify(setInputJson(spec))));
        assert.deepEqual('spec' in again ? again.spec : again, spec);
      }
    }),
    { seed: SEED, numRuns: 150 },
  );
});

test('whatever stands in the place of values is taken or refused, with a line of the file', () => {
  const value = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      '${',
      '$',
      `\${A:?}`,
      '*a',
      '&a',
      '<<',
      '80:80',
      '/a:/b',
      '1m',
      '- a',
      null,
      -1,
      1e300,
      true,
      [],
      {},
    ),
    fc.array(fc.string({ maxLength: 5 }), { maxLength: 3 }),
    fc.dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 3 }),
  );
  const service = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(TAKEN)), fc.string({ maxLength: 8 })), value, {
    maxKeys: 6,
  });
  const file = fc.record({
    services: fc.dictionary(fc.oneof(word, fc.string({ maxLength: 5 })), service, { maxKeys: 3 }),
  });
  fc.assert(
    fc.property(file, fc.nat(), (given, cut) => {
      const whole = stringify(given);
      // Every second one ends somewhere in the middle.
      const text = cut % 2 === 0 ? whole : whole.slice(0, cut % whole.length);
      const read = readCompose(text, { variables: VARIABLES });
      if ('sets' in read) return;
      assert.ok(read.problems.length > 0);
      const lines = text.split('\n').length;
      for (const { line, column, code, detail } of read.problems) {
        assert.ok(
          line >= 1 && line <= lines && column >= 1 && code !== '' && detail !== '',
          `${line} of ${lines}: ${detail}`,
        );
      }
    }),
    { seed: SEED, numRuns: 1500 },
  );
});

test('texts of nothing but YAML marks are taken or refused', () => {
  const marks = fc.array(
    fc.constantFrom(...'{}[]:,-?&*!|>"\'#%@` \n\t~$<=ab'.split(''), 'services:', '\n  ', '<<: *a', '${'),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(marks, (parts) => {
      const read = readCompose(parts.join(''), { variables: VARIABLES });
      assert.ok('sets' in read || read.problems.length > 0);
    }),
    { seed: SEED, numRuns: 3000 },
  );
});
