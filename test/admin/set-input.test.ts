/** Sets as they come in over the API: what is taken, what is refused and where, and that what goes out comes in again. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { readSetInput, setInputJson } from '#admin/set-input';
import { readDeclared } from '#discovery/declared-set';

const CONTRACT = {
  class: 'app',
  containers: [
    {
      index: 1,
      name: 'main',
      image: 'registry.example/shop:1.4',
      options: { cpu: 80, mem: 75, env: { PORT: '8080' }, command: [], health: null },
    },
    { index: 2, name: 'agent', image: 'registry.example/agent:2', options: { cpu: 20, mem: 25 } },
  ],
  resources: { cpu: 2, memory: '512Mi' },
  port: 8080,
  volume: { name: 'shop-data', path: '/data' },
  routes: [{ host: 'shop.example.com', path: '/' }],
  health: { path: '/healthz', interval: '2s' },
  scale: { min: 0, max: 6, target: 40, pause: '30s', stop: '10m' },
  concurrency: 80,
  drain: '30s',
};

function specOf(input: unknown) {
  const read = readSetInput(input);
  assert.ok('spec' in read, JSON.stringify(read));
  return read;
}

function faultsOf(input: unknown) {
  const read = readSetInput(input);
  assert.ok('faults' in read, 'it was taken');
  return read.faults;
}

suite('a set that comes in', () => {
  test("the contract's example becomes a spec with its policy as labels that read", () => {
    const { spec } = specOf(CONTRACT);
    assert.deepEqual(spec.resources, { cpu: 2, memory: 512 * 1024 * 1024 });
    assert.deepEqual(spec.labels, {
      'tidegate.port': '8080',
      'tidegate.class': 'app',
      'tidegate.route.r0.host': 'shop.example.com',
      'tidegate.route.r0.path': '/',
      'tidegate.health.path': '/healthz',
      'tidegate.health.interval': '2s',
      'tidegate.scale.min': '0',
      'tidegate.scale.max': '6',
      'tidegate.scale.target': '40',
      'tidegate.scale.pause': '30s',
      'tidegate.scale.stop': '10m',
      'tidegate.concurrency': '80',
      'tidegate.drain': '30s',
    });
    assert.equal(spec.containers[0]?.options.command, null);
    const reading = readDeclared(spec.labels, { tenant: 'a', app: 'shop', set: 'web', baseDomain: 'localhost' });
    assert.deepEqual([reading.rejections, reading.unknown], [[], []]);
    assert.equal(reading.policy?.scale.max, 6);
    assert.equal(reading.policy?.health.path, '/healthz');
  });

  test("the articles' spelling means the same", () => {
    const { spec } = specOf({
      'Container List': [
        { Index: 1, Image: 'web:1', Options: { CPU: 80, MEM: 75 } },
        { Index: 2, Image: 'agent:1', Options: { CPU: 20, MEM: 25 } },
      ],
    });
    assert.deepEqual(
      spec.containers.map(({ index, name, image, options: { cpu, mem } }) => [index, name, image, cpu, mem]),
      [
        [1, 'main', 'web:1', 80, 75],
        [2, 'c2', 'agent:1', 20, 25],
      ],
    );
  });

  test('a label that is the beginning of others has its own value beside them', () => {
    const { spec } = specOf({ containers: [{ image: 'a' }], wake: { value: 'page', timeout: '10s' }, tls: 'only' });
    assert.equal(spec.labels['tidegate.wake'], 'page');
    assert.equal(spec.labels['tidegate.wake.timeout'], '10s');
    assert.equal(spec.labels['tidegate.tls'], 'only');
  });

  test('numbers and switches of the policy come back as what they are in JSON, however they were given', () => {
    const { spec } = specOf({
      containers: [{ image: 'a' }],
      scale: { min: '0', max: 4, stop: '5m' },
      concurrency: '8',
      path: { strip: 'true' },
    });
    const json = JSON.parse(JSON.stringify(setInputJson(spec)));
    assert.deepEqual(json.scale, { min: 0, max: 4, stop: '5m' });
    assert.equal(json.concurrency, 8);
    assert.deepEqual(json.path, { strip: true });
  });

  test('hosts and routes that are said as labels say them go out and come in as they are', () => {
    const { spec } = specOf({ containers: [{ image: 'a' }], routes: [{ host: 'r.example' }] });
    const labels = {
      ...spec.labels,
      'tidegate.host': 'a.example,b.example',
      'tidegate.path': '/a',
      'tidegate.path.strip': 'true',
      'tidegate.route.api.host': 'api.example',
      'tidegate.route.api.path.strip': 'true',
      'tidegate.headers.request.set.x-a.b': 'c',
    };
    const json: unknown = JSON.parse(JSON.stringify(setInputJson({ ...spec, labels })));
    assert.deepEqual(specOf(json).spec.labels, labels);
  });

  for (const [name, input, pointer, code] of [
    [
      'memory over 100 %',
      {
        containers: [
          { image: 'a', options: { mem: 60 } },
          { image: 'b', options: { mem: 50 } },
        ],
      },
      '/containers',
      'mem_over_100',
    ],
    [
      'processor time over 100 %',
      {
        containers: [
          { image: 'a', options: { cpu: 100 } },
          { image: 'b', options: { cpu: 1 } },
        ],
      },
      '/containers',
      'cpu_over_100',
    ],
    [
      'two containers of one name',
      {
        containers: [
          { image: 'a', name: 'x' },
          { image: 'b', name: 'x' },
        ],
      },
      '/containers/1/name',
      'repeated',
    ],
    ['no containers', { containers: [] }, '/containers', 'too_small'],
    ['no image', { containers: [{}] }, '/containers/0/image', 'invalid_type'],
    ['an unknown key', { containers: [{ image: 'a' }], scael: {} }, '/scael', 'unknown'],
    [
      'memory that is no size',
      { containers: [{ image: 'a' }], resources: { memory: 'lots' } },
      '/resources/memory',
      'bad_value',
    ],
    [
      'cores that are no number',
      { containers: [{ image: 'a' }], resources: { cpu: '0' } },
      '/resources/cpu',
      'bad_value',
    ],
    ['no object', 'web', '', 'invalid_type'],
  ] as const) {
    test(`${name} is refused, and it is said where`, () => {
      const [fault] = faultsOf(input);
      assert.deepEqual([fault?.pointer, fault?.code], [pointer, code]);
    });
  }

  test('a name that a container does not know is not taken for one of the set', () => {
    const [fault] = faultsOf({ containers: [{ image: 'a', prot: 1 }] });
    assert.deepEqual([fault?.pointer, fault?.detail], ['/containers/0/prot', '"prot" means nothing here.']);
  });

  test('what goes out comes in as the same', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,10}$/);
    const options = fc.record(
      {
        cpu: fc.integer({ min: 1, max: 30 }),
        mem: fc.integer({ min: 1, max: 30 }),
        env: fc.dictionary(fc.stringMatching(/^[A-Z]{1,8}$/), fc.string()),
        command: fc.array(fc.string(), { maxLength: 3 }),
        user: fc.constantFrom('nobody', '1000:1000'),
        init: fc.boolean(),
        readonly_root: fc.boolean(),
        stop_timeout: fc.integer({ min: 0, max: 100 }),
        health: fc.constant({ test: ['CMD', 'true'], interval: '3s' }),
        volumes: fc.array(fc.record({ name, path: fc.constant('/x'), readonly: fc.boolean() }), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    const set = fc.record(
      {
        containers: fc.uniqueArray(fc.record({ image: name, name, options }), {
          minLength: 1,
          maxLength: 3,
          selector: (one) => one.name,
        }),
        resources: fc.record(
          { cpu: fc.constantFrom(1, '500m', '1.5'), memory: fc.constantFrom('64Mi', '1g', 7_000_000) },
          { requiredKeys: [] },
        ),
        port: fc.integer({ min: 1, max: 65_535 }),
        routes: fc.array(
          fc.record(
            { host: fc.constantFrom('a.test', 'b.test'), strip: fc.boolean(), port: fc.integer({ min: 1, max: 9999 }) },
            { requiredKeys: ['host'] },
          ),
          { maxLength: 3 },
        ),
        scale: fc.record(
          { min: fc.integer({ min: 0, max: 3 }), stop: fc.constantFrom('off', '5m') },
          { requiredKeys: [] },
        ),
        wake: fc.oneof(fc.constantFrom('hold', 'page'), fc.constant({ value: 'page', timeout: '3s' })),
        depends: fc.array(name, { maxLength: 2 }),
        publish: fc.array(fc.record({ port: fc.integer({ min: 1, max: 9999 }) }), { maxLength: 2 }),
        sysctls: fc.constantFrom({}, { 'net.core.somaxconn': 1024 }),
        share_pids: fc.boolean(),
        pull: fc.constantFrom('missing', 'always', 'never'),
      },
      { requiredKeys: ['containers'] },
    );
    fc.assert(
      fc.property(set, (input) => {
        const { spec } = specOf(input);
        assert.deepEqual(specOf(JSON.parse(JSON.stringify(setInputJson(spec)))).spec, spec);
      }),
      { numRuns: 300, seed: 20_261_128 },
    );
  });
});
