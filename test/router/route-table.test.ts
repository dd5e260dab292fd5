/** The route table: lookup, claims and their heirs, and its cost with many hostnames. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type RouteSpec, type SetKey, setKey } from '#core/set';
import type { Pool } from '#router/pool';
import { RouteTable, type RouteTableOptions } from '#router/route-table';
import { policy, route, seeded, snapshot } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';

const SEED = 20_260_204;

function emptyTable(options: Partial<RouteTableOptions> = {}): RouteTable {
  return new RouteTable({ clock: new FakeClock(), random: seeded(1), ...options });
}

/** A table of sets `default/<app>/web` with these routes. */
function tableOf(apps: Readonly<Record<string, readonly RouteSpec[]>>): RouteTable {
  const table = emptyTable();
  for (const [app, routes] of Object.entries(apps)) table.apply(snapshot(setKey('default', app, 'web'), routes));
  return table;
}

function appAt(table: RouteTable, hostname: string, path = '/'): string | null {
  return table.lookup(hostname, path)?.pool.key.split('/')[1] ?? null;
}

test('a request goes where its hostname and path say', () => {
  const table = tableOf({
    exact: [route('shop.example.com')],
    wild: [route('*.example.com')],
    api: [route('shop.example.com', '/api'), route('shop.example.com', '/api/v2/new')],
    deep: [route('*.example.com', '/deep')],
    other: [route('*.other.com', '/only')],
  });
  const rows: readonly [hostname: string, path: string, app: string | null][] = [
    ['shop.example.com', '/', 'exact'],
    ['shop.example.com', '/x/y', 'exact'],
    ['shop.example.com', '/api', 'api'],
    ['shop.example.com', '/api/', 'api'],
    ['shop.example.com', '/api/v1', 'api'],
    ['shop.example.com', '/apix', 'exact'],
    ['shop.example.com', '/ap', 'exact'],
    ['shop.example.com', '/API', 'exact'],
    ['shop.example.com', '/api/v2/new/a', 'api'],
    ['shop.example.com', '/deep', 'exact'],
    ['any.example.com', '/', 'wild'],
    ['any.example.com', '/deep/er', 'deep'],
    ['a.b.example.com', '/', null],
    ['example.com', '/', null],
    ['x.other.com', '/', null],
    ['x.other.com', '/only', 'other'],
    ['com', '/', null],
    ['', '/', null],
  ];
  for (const [hostname, path, app] of rows) assert.equal(appAt(table, hostname, path), app, `${hostname}${path}`);
});

test('an exact hostname without a fitting path leaves the request to the wildcard', () => {
  const table = tableOf({ exact: [route('a.example.com', '/api')], wild: [route('*.example.com')] });
  assert.equal(appAt(table, 'a.example.com', '/api'), 'exact');
  assert.equal(appAt(table, 'a.example.com', '/'), 'wild');
});

test('a hostname is known as soon as any route claims it, whatever the path', () => {
  const table = tableOf({ a: [route('a.example.com', '/only')], b: [route('*.wild.com', '/only')] });
  for (const hostname of ['a.example.com', 'x.wild.com']) assert.equal(table.knows(hostname), true, hostname);
  for (const hostname of ['b.example.com', 'wild.com', 'a.x.wild.com', 'com']) {
    assert.equal(table.knows(hostname), false, hostname);
  }
});

test('the longest prefix on a segment boundary wins, as a plain search over all prefixes would say', () => {
  const segment = fc.constantFrom('a', 'b', 'ab', 'a-b');
  const path = fc.array(segment, { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 8 }), path, fc.constantFrom('', '/'), (prefixes, at, tail) => {
      const table = tableOf(Object.fromEntries(prefixes.map((prefix, i) => [`app${i}`, [route('h.example', prefix)]])));
      const asked = at === '/' ? at : `${at}${tail}`;
      const fitting = prefixes
        .filter((prefix) => prefix === '/' || asked === prefix || asked.startsWith(`${prefix}/`))
        .sort((x, y) => y.length - x.length);
      const expected = fitting[0] === undefined ? null : `app${prefixes.indexOf(fitting[0])}`;
      assert.equal(appAt(table, 'h.example', asked), expected);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

test('of two claims on one hostname and path the first keeps it and the second is reported, once', () => {
  const table = tableOf({ first: [route('a.example')] });
  const second = snapshot('default/second/web', [route('a.example'), route('b.example')]);
  const conflict = {
    hostname: 'a.example',
    path: '/',
    holder: 'default/first/web',
    claimant: 'default/second/web',
  };
  assert.deepEqual(table.apply(second), { conflicts: [conflict], taken: [] });
  assert.equal(appAt(table, 'a.example'), 'first');
  assert.equal(appAt(table, 'b.example'), 'second');
  assert.deepEqual([...table.conflicts()], [conflict]);
  assert.deepEqual(table.apply(second), { conflicts: [], taken: [] });
  const widened = snapshot('default/second/web', [...second.routes, route('c.example')]);
  assert.deepEqual(table.apply(widened), { conflicts: [], taken: [] }, 'known conflicts are not new ones');
});

test('when the holder lets go, the next in line takes over and is named', () => {
  const table = tableOf({ first: [route('a.example')], second: [route('a.example')], third: [route('a.example')] });
  assert.deepEqual(table.apply(snapshot('default/first/web', [route('z.example')])).taken, [
    { hostname: 'a.example', path: '/', holder: 'default/second/web', claimant: 'default/first/web' },
  ]);
  assert.equal(appAt(table, 'a.example'), 'second');
  assert.deepEqual(table.remove('default/second/web').taken, [
    { hostname: 'a.example', path: '/', holder: 'default/third/web', claimant: 'default/second/web' },
  ]);
  assert.equal(appAt(table, 'a.example'), 'third');
  assert.deepEqual([...table.conflicts()], []);
});

test('a claimant in line that lets go changes nothing for the holder', () => {
  const table = tableOf({ first: [route('a.example')], second: [route('a.example')] });
  assert.deepEqual(table.remove('default/second/web'), { conflicts: [], taken: [] });
  assert.equal(appAt(table, 'a.example'), 'first');
  assert.deepEqual([...table.conflicts()], []);
});

test('a set that renews its claim keeps its place in line', () => {
  const table = tableOf({ first: [route('a.example')], second: [route('a.example')] });
  const change = table.apply(snapshot('default/first/web', [route('a.example', '/', { strip: true, port: 9 })]));
  assert.deepEqual(change, { conflicts: [], taken: [] });
  assert.equal(appAt(table, 'a.example'), 'first');
  assert.deepEqual(table.lookup('a.example', '/')?.spec, route('a.example', '/', { strip: true, port: 9 }));
});

test('a pool stays the same object over all snapshots of its set, with the newest policy', () => {
  const pools: Pool[] = [];
  const table = emptyTable({ onPool: (pool) => pools.push(pool) });
  table.apply(snapshot('default/shop/web', [route('a.example')]));
  const pool = table.pool('default/shop/web');
  table.apply(snapshot('default/shop/web', [route('b.example')], { policy: policy({ concurrency: 7 }) }));
  assert.equal(table.pool('default/shop/web'), pool);
  assert.equal(table.lookup('b.example', '/')?.pool, pool);
  assert.equal(pool?.policy.concurrency, 7);
  assert.deepEqual(pools, [pool]);
  assert.deepEqual([...table.pools()], [pool]);
});

test('a policy changes also when the routes do not', () => {
  const table = tableOf({ shop: [route('a.example')] });
  table.apply(snapshot('default/shop/web', [route('a.example')], { policy: policy({ retry: 0 }) }));
  assert.equal(table.pool('default/shop/web')?.policy.retry, 0);
});

test('a removed set leaves no route behind and is told of after its routes are gone', () => {
  let known: boolean | null = null;
  const table = emptyTable({ onPoolRemoved: () => (known = table.knows('a.example')) });
  table.apply(snapshot('default/shop/web', [route('a.example'), route('*.a.example')]));
  table.remove('default/shop/web');
  assert.equal(known, false);
  assert.equal(table.pool('default/shop/web'), undefined);
  assert.equal(table.hostCount, 0);
  assert.deepEqual([...table.routes()], []);
  assert.deepEqual(table.remove('default/shop/web'), { conflicts: [], taken: [] });
});

test('a set without routes has a pool all the same', () => {
  const table = tableOf({ worker: [] });
  assert.equal(table.pool('default/worker/web')?.key, 'default/worker/web');
});

test('the same claim twice in one set is one claim', () => {
  const table = tableOf({ shop: [route('a.example'), route('a.example', '/', { port: 9 })] });
  assert.equal([...table.routes()].length, 1);
  assert.deepEqual(table.apply(snapshot('default/shop/web', [])), { conflicts: [], taken: [] });
  assert.equal(table.hostCount, 0);
});

test('after any row of changes the table serves what the longest-standing claimants claim, and nothing else', () => {
  const apps = ['a', 'b', 'c'];
  const claim = fc.record({ hostname: fc.constantFrom('x.ex', 'y.ex', '*.ex'), path: fc.constantFrom('/', '/p') });
  const key = ({ hostname, path }: { hostname: string; path: string }): string => `${hostname} ${path}`;
  const step = fc.record({
    app: fc.constantFrom(...apps),
    claims: fc.option(fc.uniqueArray(claim, { selector: key })),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const table = emptyTable();
      const lines = new Map<string, string[]>();
      for (const { app, claims } of steps) {
        const set: SetKey = `default/${app}/web`;
        if (claims === null) table.remove(set);
        else
          table.apply(
            snapshot(
              set,
              claims.map((one) => route(one.hostname, one.path)),
            ),
          );
        const wanted = new Set((claims ?? []).map(key));
        for (const [place, line] of lines) {
          if (!wanted.has(place))
            lines.set(
              place,
              line.filter((one) => one !== app),
            );
        }
        for (const place of wanted) {
          const line = lines.get(place) ?? [];
          if (!line.includes(app)) lines.set(place, [...line, app]);
        }
      }
      const expected = [...lines].flatMap(([place, line]) => (line[0] === undefined ? [] : [`${place} ${line[0]}`]));
      const served = [...table.routes()].map(({ spec, pool }) => `${key(spec)} ${pool.key.split('/')[1]}`);
      assert.deepEqual(served.sort(), expected.sort());
      const waiting = [...lines.values()].reduce((sum, line) => sum + Math.max(0, line.length - 1), 0);
      assert.equal([...table.conflicts()].length, waiting);
    }),
    { seed: SEED, numRuns: 300 },
  );
});

test('a lookup costs the same among a hundred hostnames and a hundred thousand', () => {
  const [small, large] = [100, 100_000].map((count) => {
    const table = emptyTable();
    for (let i = 0; i < count; i++) {
      table.apply(snapshot(`default/app${i}/web`, [route(`h${i}.example`), route(`*.w${i}.example`)]));
    }
    return { table, count };
  });
  assert.ok(small && large);
  assert.equal(large.table.hostCount, 200_000);
  // The best of many short runs: what disturbs the machine for a while does not count.
  const best = { small: Number.POSITIVE_INFINITY, large: Number.POSITIVE_INFINITY };
  for (let run = 0; run < 15; run++) {
    best.small = Math.min(best.small, timeLookups(small.table, small.count));
    best.large = Math.min(best.large, timeLookups(large.table, large.count));
  }
  // A search would be a thousand times slower; caches that miss make a few times.
  assert.ok(best.large < best.small * 50, `${best.large} ms against ${best.small} ms`);
});

function timeLookups(table: RouteTable, count: number): number {
  const names = Array.from({ length: 1000 }, (_, i) => {
    const at = Math.floor((i * count) / 1000);
    return i % 2 === 0 ? `h${at}.example` : `x.w${at}.example`;
  });
  const start = performance.now();
  for (const name of names) assert.notEqual(table.lookup(name, '/some/path'), null);
  return performance.now() - start;
}

test('the routes of a hostname come shortest path first, those in force alone, those of the wildcard last', () => {
  const table = tableOf({
    wild: [route('*.example.com'), route('*.example.com', '/w')],
    api: [route('shop.example.com', '/api/v2'), route('shop.example.com', '/api')],
    exact: [route('shop.example.com')],
    late: [route('shop.example.com'), route('bare')],
  });
  const claims = (hostname: string): string[] =>
    [...table.routesOf(hostname)].map(({ spec, pool }) => `${pool.key.split('/')[1]} ${spec.path}`);
  assert.deepEqual(claims('shop.example.com'), ['exact /', 'api /api', 'api /api/v2', 'wild /', 'wild /w']);
  assert.deepEqual(claims('other.example.com'), ['wild /', 'wild /w']);
  assert.deepEqual(claims('bare'), ['late /']);
  assert.deepEqual(claims('nobody.test'), []);
});
