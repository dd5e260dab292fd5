/** What needs no token: health, metrics, the OpenAPI document and its page. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { trafficMetrics } from '#admin/traffic-metrics';
import { route, snapshot } from '#test/router/sample';
import { Json, live, Tidegate } from './tidegate.ts';

test('/healthz says that Tidegate is alive, without a token', async () => {
  const tidegate = await Tidegate.start();
  tidegate.missing = ['routes'];
  const response = await tidegate.app.request('/healthz');
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { status: 'ok', version: '1.2.3' });
});

test('/readyz is 503 and names what is missing, then 200', async () => {
  const tidegate = await Tidegate.start();
  tidegate.missing = ['the host local has not been listed'];
  const before = await tidegate.app.request('/readyz');
  assert.equal(before.status, 503);
  assert.deepEqual(await before.json(), { ready: false, missing: ['the host local has not been listed'] });
  tidegate.missing = [];
  const after = await tidegate.app.request('/readyz');
  assert.equal(after.status, 200);
  assert.deepEqual(await after.json(), { ready: true, missing: [] });
});

test('what is asked at the start is answered when it is known what runs; whether Tidegate is ready, at once', async () => {
  const found = Promise.withResolvers<void>();
  const tidegate = await Tidegate.start(100, { found: found.promise });
  tidegate.missing = ['the hosts have not been listed yet'];
  const answers: number[] = [];
  const asked = tidegate.ask('/v1/apps/shop/sets/web').then(({ status }) => answers.push(status));
  assert.equal((await tidegate.app.request('/readyz')).status, 503);
  assert.equal((await tidegate.app.request('/metrics')).status, 200);
  assert.deepEqual(answers, []);
  tidegate.discover(snapshot('default/shop/web', [route('a.example')]));
  found.resolve();
  await asked;
  assert.deepEqual(answers, [200]);
});

test('/metrics shows sets, hosts, routes and what the other parts count', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(
    snapshot('default/shop/web', [route('a.example')]),
    live({
      state: 'up',
      ready: 2,
      inFlight: 3,
      held: 1,
      target: { min: 1, max: 4, awake: 2 },
      replicas: [
        { id: 'x', phase: 'ready', inFlight: 3 },
        { id: 'y', phase: 'ready', inFlight: 0 },
        { id: 'z', phase: 'stopped', inFlight: 0 },
      ],
    }),
  );
  tidegate.hosts = [{ name: 'local', state: 'degraded', cause: 'x', engine: null }];
  tidegate.families = [{ name: 'tidegate_wakes_total', type: 'counter', help: 'Wakes.', samples: [{ value: 7 }] }];
  const response = await tidegate.app.request('/metrics');
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const lines = (await response.text()).split('\n');
  const set = 'tenant="default",app="shop",set="web"';
  for (const line of [
    'tidegate_info{version="1.2.3"} 1',
    'tidegate_ready 1',
    'tidegate_hostnames 1',
    'tidegate_route_conflicts 0',
    'tidegate_host_up{host="local"} 0',
    `tidegate_set_ready_replicas{${set}} 2`,
    `tidegate_set_wanted_replicas{${set}} 2`,
    `tidegate_set_in_flight{${set}} 3`,
    `tidegate_set_held{${set}} 1`,
    `tidegate_set_state{${set},state="up"} 1`,
    `tidegate_replicas{${set},phase="ready"} 2`,
    `tidegate_replicas{${set},phase="stopped"} 1`,
    '# HELP tidegate_wakes_total Wakes.',
    '# TYPE tidegate_wakes_total counter',
    'tidegate_wakes_total 7',
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test('every line of /metrics is a comment or a sample, each family comes once, and labels are escaped', async () => {
  const tidegate = await Tidegate.start();
  tidegate.families = [
    ...trafficMetrics(
      [
        {
          key: 'default/shop/web',
          requests: [0, 5, 0, 1, 2],
          aborted: 1,
          latency: [3, 4, 1],
          latencySumS: 1.5,
          retries: 1,
          ejections: 0,
          held: 2,
          upgrades: 0,
          firstBytes: {},
          bytesIn: 10,
          bytesOut: 2e12,
          errors: { wake_timeout: 2 },
        },
      ],
      [0.1, 1],
    ),
    {
      name: 'tidegate_odd',
      type: 'gauge',
      help: 'Two\nlines and a \\.',
      samples: [
        { labels: { text: 'a"b\\c\nd' }, value: Number.POSITIVE_INFINITY },
        { value: Number.NaN },
        { value: 1e-7 },
      ],
    },
  ];
  const text = await (await tidegate.app.request('/metrics')).text();
  assert.ok(text.endsWith('\n'));
  const sample =
    /^tidegate_[a-z0-9_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)+\})? (?:-?\d+(?:\.\d+)?(?:e[+-]\d+)?|[+-]Inf|NaN)$/;
  for (const line of text.trimEnd().split('\n'))
    assert.match(line, /^# (?:HELP|TYPE) tidegate_/.test(line) ? /./ : sample);
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1]);
  assert.equal(new Set(families).size, families.length);
  assert.ok(text.includes('tidegate_odd{text="a\\"b\\\\c\\nd"} +Inf\ntidegate_odd NaN\ntidegate_odd 1e-7\n'));
  assert.ok(text.includes('# HELP tidegate_odd Two\\nlines and a \\\\.\n'));
});

test('a histogram is cumulative and ends in +Inf, sum and count', async () => {
  const [, , duration] = trafficMetrics(
    [
      {
        key: null,
        requests: [],
        aborted: 0,
        latency: [3, 4, 1],
        latencySumS: 1.5,
        retries: 0,
        ejections: 0,
        held: 0,
        upgrades: 0,
        firstBytes: {},
        bytesIn: 0,
        bytesOut: 0,
        errors: {},
      },
    ],
    [0.1, 1],
  );
  assert.equal(duration?.name, 'tidegate_request_duration_seconds');
  const labels = { tenant: '', app: '', set: '' };
  assert.deepEqual(
    [...(duration?.samples ?? [])],
    [
      { suffix: '_bucket', labels: { ...labels, le: '0.1' }, value: 3 },
      { suffix: '_bucket', labels: { ...labels, le: '1' }, value: 7 },
      { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: 8 },
      { suffix: '_sum', labels, value: 1.5 },
      { suffix: '_count', labels, value: 8 },
    ],
  );
});

test('two families of one name are a fault that is seen at once', async () => {
  const tidegate = await Tidegate.start();
  tidegate.families = [{ name: 'tidegate_ready', type: 'gauge', help: 'x.', samples: [] }];
  assert.equal((await tidegate.app.request('/metrics')).status, 500);
});

test('/openapi.json is OpenAPI 3.1 and describes every path there is, with the schemas that check', async () => {
  const tidegate = await Tidegate.start();
  const response = await tidegate.app.request('/openapi.json');
  const json = new Json(await response.json());
  assert.equal(json.at('openapi'), '3.1.0');
  assert.equal(json.at('info.version'), '1.2.3');
  const described = new Set<string>();
  const paths = json.at('paths');
  for (const [path, item] of Object.entries(paths ?? {})) {
    for (const method of Object.keys(item)) described.add(`${method.toUpperCase()} ${path}`);
  }
  const served = tidegate.app.routes
    .filter((one) => one.method !== 'ALL')
    .map((one) => `${one.method} ${one.path.replaceAll(/:(\w+)/g, '{$1}')}`);
  assert.deepEqual([...described].sort(), [...new Set(served)].sort());
  const scale = new Json(new Json(paths).at('/v1/apps/{app}/sets/{set}/scale'));
  assert.deepEqual(scale.at('put.requestBody.content.application/json.schema'), {
    $ref: '#/components/schemas/ScaleChange',
  });
  assert.deepEqual(json.at('components.schemas.ScaleChange.properties.min.maximum'), 1000);
  assert.deepEqual(scale.at('put.security'), [{ token: ['deploy'] }]);
  const statuses = Object.keys(Object(scale.at('put.responses')));
  assert.deepEqual(statuses, ['200', '400', '401', '403', '404', '409', '412', '413', '422']);
});

test('every operation has a name of its own, and tells of the headers it reads', async () => {
  const tidegate = await Tidegate.start();
  const json = new Json(await (await tidegate.app.request('/openapi.json')).json());
  const operations = Object.entries(Object(json.at('paths'))).flatMap(([path, item]) =>
    Object.entries(Object(item)).map(([method, operation]) => ({ path, method, operation: new Json(operation) })),
  );
  const names = operations.map(({ operation }) => String(operation.at('operationId')));
  assert.equal(new Set(names).size, operations.length);
  for (const name of names) assert.match(name, /^[a-z][A-Za-z]+$/);
  const headersOf = (wanted: string): unknown[] => {
    const { operation } = operations[names.indexOf(wanted)] ?? { operation: new Json(null) };
    return operation.each('parameters', 'name').filter((_, i) => operation.at(`parameters.${i}.in`) === 'header');
  };
  assert.deepEqual(headersOf('listApps'), ['Tidegate-Tenant']);
  assert.deepEqual(headersOf('listEvents'), ['Tidegate-Tenant', 'Last-Event-ID']);
  assert.deepEqual(headersOf('addDomain').slice(0, 2), ['Tidegate-Tenant', 'Idempotency-Key']);
  assert.deepEqual(headersOf('putScale'), ['Tidegate-Tenant', 'If-Match']);
  const added = operations[names.indexOf('addDomain')]?.operation;
  assert.deepEqual(Object.keys(Object(added?.at('responses.201.headers'))), [
    'Location',
    'ETag',
    'Idempotency-Replayed',
  ]);
  assert.match(String(added?.at('responses.409.description')), /`conflict`.*`idempotency_in_flight`/);
  assert.equal(operations[names.indexOf('removeDomain')]?.operation.at('responses.204.content'), undefined);
});

test('every reference in the document leads somewhere', async () => {
  const tidegate = await Tidegate.start();
  const text = await (await tidegate.app.request('/openapi.json')).text();
  const json = new Json(JSON.parse(text));
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(references.length > 5);
  for (const reference of references) assert.notEqual(json.at(reference.replaceAll('/', '.')), undefined, reference);
});

test('/docs is one page that loads nothing from elsewhere and runs nothing', async () => {
  const tidegate = await Tidegate.start();
  const response = await tidegate.app.request('/docs');
  const page = await response.text();
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.doesNotMatch(page, /<script|<link|<img|src=|https?:\/\//i);
  for (const path of ['/v1/apps/{app}/sets/{set}/scale', '/v1/events', '/metrics'])
    assert.ok(page.includes(path), path);
  assert.match(page, /&lt;token&gt;/);
});
