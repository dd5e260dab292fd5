/** Apps, sets, leases and hosts as the API shows them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { policy, replica, route, snapshot } from '#test/router/sample';
import { live, Tidegate } from './tidegate.ts';

test('apps are listed by name, with hostnames and the state of their sets', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(
    snapshot('default/shop/web', [route('shop.example'), route('www.shop.example')]),
    live({ ready: 2 }),
  );
  tidegate.discover(
    snapshot('default/shop/db', [], { replicas: [replica('d', { status: 'exited', pid: 0 })] }),
    live({ state: 'stopped', ready: 0, replicas: [{ id: 'local/d', phase: 'stopped', inFlight: 0 }] }),
  );
  tidegate.discover(snapshot('default/blog/web', [route('blog.example')]));
  const { status, json } = await tidegate.json('/v1/apps');
  assert.equal(status, 200);
  assert.deepEqual(json.value, {
    items: [
      {
        name: 'blog',
        tenant: 'default',
        hostnames: ['blog.example'],
        sets: [
          {
            name: 'web',
            state: 'absent',
            tier: 'absent',
            ready: 0,
            replicas: 0,
            hostnames: ['blog.example'],
            conditions: [],
          },
        ],
      },
      {
        name: 'shop',
        tenant: 'default',
        hostnames: ['shop.example', 'www.shop.example'],
        sets: [
          { name: 'db', state: 'stopped', tier: 'stopped', ready: 0, replicas: 1, hostnames: [], conditions: [] },
          {
            ...{ name: 'web', state: 'up', tier: 'absent', ready: 2, replicas: 0 },
            hostnames: ['shop.example', 'www.shop.example'],
            conditions: [],
          },
        ],
      },
    ],
    next_cursor: null,
  });
  assert.deepEqual((await tidegate.json('/v1/apps/shop')).json.value, json.at('items.1'));
});

test('a replica that the API deployed is shown with its members, and why it does not come up', async () => {
  const tidegate = await Tidegate.start();
  const main = { index: 1, name: 'main', containerId: 'm', image: 'shop:1', startedAt: null, pid: 0 };
  const members = [{ ...main, status: 'exited' as const, exitCode: 137, oomKilled: true }];
  tidegate.discover(
    snapshot('default/shop/web', [], { replicas: [replica('a', { members })] }),
    live({ replicas: [{ id: 'local/a', phase: 'failed', inFlight: 0, failures: 2, failure: 'it ran out of memory' }] }),
  );
  const { json } = await tidegate.json('/v1/apps/shop/sets/web');
  assert.deepEqual(json.at('replicas.0.failures'), 2);
  assert.deepEqual(json.at('replicas.0.failure'), 'it ran out of memory');
  assert.deepEqual(json.at('replicas.0.members'), [
    {
      index: 1,
      name: 'main',
      container_id: 'm',
      image: 'shop:1',
      status: 'exited',
      started_at: null,
      exit_code: 137,
      oom_killed: true,
    },
  ]);
});

test('a list comes in pages that join without gap or repetition', async () => {
  const tidegate = await Tidegate.start();
  const names = Array.from({ length: 7 }, (_, i) => `app${i}`);
  for (const name of names.toReversed()) tidegate.discover(snapshot(`default/${name}/web`, []));
  const seen: unknown[] = [];
  let cursor: unknown = '';
  for (let page = 0; page < 4 && cursor !== null; page++) {
    const { json } = await tidegate.json(`/v1/apps?limit=3${cursor === '' ? '' : `&cursor=${String(cursor)}`}`);
    seen.push(json.each('items', 'name').length, ...json.each('items', 'name'));
    cursor = json.at('next_cursor');
    // An app that came between two pages, before the place already reached, is neither shown nor does it shift the rest.
    tidegate.discover(snapshot('default/aaa/web', []));
  }
  assert.deepEqual(seen, [3, ...names.slice(0, 3), 3, ...names.slice(3, 6), 1, 'app6']);
});

test('a limit that cannot be is refused, a strange cursor is not', async () => {
  const tidegate = await Tidegate.start();
  for (const limit of ['0', '1001', '-1', 'x', '1.5']) {
    const { status, json } = await tidegate.json(`/v1/apps?limit=${limit}`);
    assert.deepEqual([status, json.at('errors.0.pointer')], [422, '/limit'], limit);
  }
  assert.equal((await tidegate.ask('/v1/apps?cursor=%00%ff!!')).status, 200);
});

test('a set is shown with its policy, routes, scale and every replica', async () => {
  const tidegate = await Tidegate.start();
  const created = Date.UTC(2026, 0, 2);
  tidegate.discover(
    snapshot(
      'default/shop/web',
      [route('shop.example', '/api', { strip: true, port: 9000 }), route('*.shop.example')],
      {
        policy: policy({
          lb: { kind: 'hash-header', header: 'x-user' },
          rate: { perSecond: 100, burst: 200, key: { header: 'x-key' } },
          scale: { ...policy().scale, min: 0, max: 3, pauseMs: 30_000 },
        }),
        replicas: [
          replica('a', { createdAt: created, revision: 'r2', weight: 10 }),
          replica('b', { createdAt: created, cloneOf: 'a', status: 'paused' }),
          replica('c', { createdAt: created, status: 'exited', exitCode: 137, pid: 0, startedAt: null }),
        ],
      },
    ),
    live({
      inFlight: 4,
      held: 2,
      leasedUntil: Date.UTC(2026, 0, 2),
      target: { min: 0, max: 3, awake: 2 },
      replicas: [
        { id: 'local/a', phase: 'ready', inFlight: 4 },
        { id: 'local/b', phase: 'frozen', inFlight: 0 },
      ],
    }),
  );
  const { json } = await tidegate.json('/v1/apps/shop/sets/web');
  assert.deepEqual(
    [json.at('name'), json.at('app'), json.at('state'), json.at('tier'), json.at('in_flight'), json.at('held')],
    ['web', 'shop', 'up', 'running', 4, 2],
  );
  assert.equal(json.at('leased_until'), '2026-01-02T00:00:00.000Z');
  assert.deepEqual(json.at('routes'), [
    { hostname: 'shop.example', path: '/api', match: 'exact', strip: true, port: 9000 },
    { hostname: '*.shop.example', path: '/', match: 'wildcard', strip: false, port: null },
  ]);
  assert.deepEqual(json.at('replicas.0'), {
    id: 'local/a',
    name: 'a',
    host: 'local',
    container_id: 'a',
    phase: 'ready',
    tier: 'running',
    in_flight: 4,
    revision: 'r2',
    weight: 10,
    clone: false,
    created_at: '2026-01-02T00:00:00.000Z',
    started_at: '2026-01-01T00:00:00Z',
    exit_code: null,
    unroutable: null,
    failures: 0,
    failure: null,
    members: [],
  });
  assert.deepEqual(json.each('replicas', 'phase'), ['ready', 'frozen', 'exited']);
  assert.deepEqual(json.each('replicas', 'tier'), ['running', 'frozen', 'stopped']);
  assert.deepEqual(json.each('replicas', 'clone'), [false, true, false]);
  assert.deepEqual(json.at('policy.health'), {
    path: null,
    interval: '2s',
    timeout: '1s',
    rise: 1,
    fall: 3,
    status: '200-399',
  });
  assert.deepEqual(
    [json.at('policy.lb'), json.at('policy.rate'), json.at('policy.scale.pause'), json.at('policy.scale.stop')],
    ['hash:header:x-user', '100/s;burst=200;key=header:x-key', '30s', '5m'],
  );
  const list = await tidegate.json('/v1/apps/shop/sets');
  assert.deepEqual(list.json.at('items.0'), json.value);
});

test('a set that is discovered but not kept yet is shown as the Engine says', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', [], { replicas: [replica('a'), replica('b', { status: 'paused' })] }));
  const { json } = await tidegate.json('/v1/apps/shop/sets/web');
  assert.deepEqual([json.at('state'), json.at('tier')], ['unknown', 'running']);
  assert.deepEqual(json.each('replicas', 'phase'), ['running', 'paused']);
  assert.deepEqual(json.each('replicas', 'tier'), ['running', 'frozen']);
});

test('a lease keeps an app awake for the time asked for', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', []), live());
  const { status, json } = await tidegate.json('/v1/apps/shop/lease', { method: 'POST', body: { ttl: '10m' } });
  assert.equal(status, 200);
  assert.deepEqual(json.value, { app: 'shop', ttl: '10m', until: '2026-01-01T00:10:00.000Z' });
  await tidegate.ask('/v1/apps/shop/lease', { method: 'POST', body: { ttl: 90 } });
  assert.deepEqual(tidegate.leases, [
    { tenant: 'default', app: 'shop', ttlMs: 600_000 },
    { tenant: 'default', app: 'shop', ttlMs: 90_000 },
  ]);
});

test('a lease without a usable time is refused', async () => {
  const tidegate = await Tidegate.start();
  tidegate.discover(snapshot('default/shop/web', []), live());
  for (const body of [{}, { ttl: 'soon' }, { ttl: 0 }, { ttl: '0' }, { ttl: -5 }, { ttl: '25h' }, { ttl: null }]) {
    const { status, json } = await tidegate.json('/v1/apps/shop/lease', { method: 'POST', body });
    assert.deepEqual([status, json.at('errors.0.pointer')], [422, '/ttl'], JSON.stringify(body));
  }
  assert.deepEqual(tidegate.leases, []);
});

test('hosts are listed with the state of their Engine and their replicas; room is counted for that alone', async () => {
  const counted: string[] = [];
  const allocatable = (host: string) => {
    counted.push(host);
    return host === 'local' ? { cores: 1.5, memoryBytes: 3e9 } : null;
  };
  const tidegate = await Tidegate.start(100, { allocatable });
  tidegate.hosts = [
    {
      ...{ name: 'local', state: 'reachable', cause: null, engine: { version: '20.10.24', apiVersion: '1.41' } },
      capacity: { cores: 2, memoryBytes: 4e9 },
    },
    { name: 'away', state: 'degraded', cause: 'timed out', since: 0, engine: null },
  ];
  tidegate.discover(snapshot('default/shop/web', [], { replicas: [replica('a'), replica('b')] }));
  assert.deepEqual((await tidegate.json('/v1/hosts')).json.at('items'), [
    {
      ...{ name: 'away', state: 'degraded', cause: 'timed out', engine: null, replicas: 0 },
      ...{ since: '1970-01-01T00:00:00.000Z', capacity: null, allocatable: null },
    },
    {
      name: 'local',
      state: 'reachable',
      cause: null,
      since: null,
      engine: { version: '20.10.24', api_version: '1.41' },
      replicas: 2,
      capacity: { cores: 2, memory_bytes: 4e9 },
      allocatable: { cores: 1.5, memory_bytes: 3e9 },
    },
  ]);
  assert.deepEqual(counted.sort(), ['away', 'local']);
  assert.match(await (await tidegate.app.request('/metrics')).text(), /tidegate_host_up\{host="local"\} 1/);
  assert.equal(counted.length, 2, 'every look of who collects metrics would be a look at every set');
});
