/** Compose files of all kinds of keys and values: read or refused with a line that is there, and never with a crash. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readSetInput, setInputJson } from '#admin/set-input';
import { admit } from '#apps/admission';
import { readCompose } from '#apps/compose/compose';
import { readDeclared } from '#discovery/declared-set';
import { ORDINARY } from '#tenants/plan';

const SEED = 20_261_128;
const VARIABLES = new Map([
  ['TAG', '1'],
  ['EMPTY', ''],
]);
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const word = fc.stringMatching(/^[a-z0-9/.:-]{1,12}$/);
const key = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,8}$/);
const port = fc.integer({ min: 1, max: 65_535 });

/** Services as people write them: each of these has to be taken. */
const GOOD = fc.record(
  {
    image: fc.constantFrom('shop', 'r.example:5000/a/b:1', 'shop:$TAG', `shop:\${NONE:-2}`),
    command: fc.oneof(fc.array(word, { minLength: 1, maxLength: 3 }), fc.constantFrom('a "b c"', "sh -c 'x $$y'")),
    entrypoint: fc.oneof(fc.array(word, { maxLength: 3 }), word),
    environment: fc.oneof(
      fc.dictionary(key, fc.oneof(fc.integer(), fc.boolean(), word, fc.constant(null)), { maxKeys: 4 }),
      fc.uniqueArray(key, { maxLength: 4 }).map((keys) => keys.map((one, i) => (i % 2 === 0 ? one : `${one}=a=b`))),
    ),
    ports: fc.array(
      fc.oneof(
        port,
        port.map(String),
        fc.tuple(port, port).map(([a, b]) => `${a}:${b}/tcp`),
      ),
      {
        maxLength: 1,
      },
    ),
    expose: fc.array(fc.oneof(port, port.map(String)), { maxLength: 3 }),
    volumes: fc.constantFrom(
      ['data:/data'],
      ['data:/data:ro', 'conf:/conf'],
      [{ type: 'volume', source: 'data', target: '/x' }],
    ),
    healthcheck: fc.record(
      {
        test: fc.oneof(word, fc.constantFrom(['CMD', 'true'], ['CMD-SHELL', 'a | b'], ['NONE'])),
        interval: fc.constantFrom('5s', '1m30s', '500ms'),
        retries: fc.integer({ min: 1, max: 9 }),
      },
      { requiredKeys: ['test'] },
    ),
    deploy: fc.record(
      {
        replicas: fc.integer({ min: 0, max: 9 }),
        resources: fc.constantFrom({ limits: { cpus: '0.5', memory: '64M' } }, { limits: { memory: '1.5g' } }),
      },
      { requiredKeys: [] },
    ),
    user: fc.constantFrom('root', '1000:1000', 1000),
    init: fc.boolean(),
    read_only: fc.boolean(),
    restart: fc.constantFrom('no', 'always', 'on-failure:3'),
    stop_grace_period: fc.constantFrom('10s', '1m'),
    stop_signal: fc.constantFrom('SIGINT', 'SIGTERM'),
    mem_limit: fc.constantFrom('64m', '1g', 67_108_864),
    cpus: fc.constantFrom(0.5, '2'),
    labels: fc.constantFrom(
      { 'tidegate.scale.max': 40, 'tidegate.health.path': '/healthz' },
      ['tidegate.host=a.example', 'com.example=x'],
      { 'tidegate.route.api.host': 'b.example', 'tidegate.route.api.port': 81 },
    ),
    'x-own': fc.anything().map(() => ({ any: ['thing'] })),
  },
  { requiredKeys: ['image'] },
);

test('what is made of supported keys is taken, may be run by an ordinary tenant, and goes through the API unchanged', () => {
  const services = fc.uniqueArray(fc.tuple(name, GOOD), { minLength: 1, maxLength: 4, selector: ([one]) => one });
  fc.assert(
    fc.property(services, (given) => {
      // Each depends on all before it.
      const entries = given.map(([own, service], i) => {
        const before = given.slice(0, i).map(([other]) => other);
        return [own, before.length === 0 ? service : { ...service, depends_on: before }] as const;
      });
      const text = stringify({ services: Object.fromEntries(entries), volumes: { data: null, conf: {} } });
      const read = readCompose(text, { variables: VARIABLES });
      assert.ok('sets' in read, `${JSON.stringify(read)}\n${text}`);
      assert.deepEqual(read.sets.map((one) => one.name).toSorted(), given.map(([own]) => own).toSorted());
      const done = new Set<string>();
      for (const { name: set, spec } of read.sets) {
        for (const other of spec.labels['tidegate.depends']?.split(',') ?? []) assert.ok(done.has(other), text);
        done.add(set);
        assert.deepEqual(admit(spec, ORDINARY), [], text);
        const { rejections } = readDeclared(spec.labels, { tenant: 'a', app: 'b', set, baseDomain: 'localhost' });
        assert.deepEqual(rejections, [], text);
        const again = readSetInput(JSON.parse(JSON.stringify(setInputJson(spec))));
        assert.ok('spec' in again, JSON.stringify(again));
        assert.deepEqual({ ...again.spec, labels: null }, { ...spec, labels: null });
        assert.deepEqual(Object.entries(again.spec.labels).toSorted(), Object.entries(spec.labels).toSorted());
      }
    }),
    { numRuns: 250, seed: SEED },
  );
});

const KEYS = [
  ...['image', 'build', 'command', 'environment', 'ports', 'volumes', 'depends_on', 'healthcheck', 'deploy', 'labels'],
  ...[
    'scale',
    'mem_limit',
    'cpus',
    'sysctls',
    'devices',
    'network_mode',
    'profiles',
    'secrets',
    'expose',
    '<<',
    'x-a',
    'a',
  ],
];

test('whatever stands in a file, the answer is sets or problems at lines and columns of it', () => {
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom(null, true, -1, 1.5, '', '80:80', 'data:/x', `\${TAG:?no}`, '$', `\${`, 'NaN', '\u0000', 'db'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const file = fc.record(
    {
      services: fc.oneof(tree, fc.dictionary(fc.oneof(name, fc.constantFrom('db', 'A b', '')), tree, { maxKeys: 4 })),
      volumes: fc.oneof(tree, fc.constant({ data: null })),
      name: tree,
    },
    { requiredKeys: [] },
  );
  const text = fc.oneof(
    file.map((one) => stringify(one)),
    fc.tuple(file, fc.nat(), fc.string()).map(([one, at, more]) => {
      const whole = stringify(one);
      const place = at % (whole.length + 1);
      return whole.slice(0, place) + more + whole.slice(place);
    }),
    fc.string({ unit: fc.constantFrom(...'a:-[]{}&*!|>\'"#%@` \n\t<$'), maxLength: 60 }),
  );
  fc.assert(
    fc.property(text, (given) => {
      const read = readCompose(given, { variables: VARIABLES });
      if ('sets' in read) {
        assert.ok(read.sets.length > 0);
        for (const { spec } of read.sets) admit(spec, ORDINARY);
        return;
      }
      assert.ok(read.problems.length > 0);
      const lines = given.split(/\r\n|\n|\r/).length;
      for (const { line, column, code, detail } of read.problems) {
        assert.ok(line >= 1 && line <= lines && column >= 1 && code !== '' && detail.length > 5, JSON.stringify(read));
      }
    }),
    { numRuns: 1500, seed: SEED },
  );
});
