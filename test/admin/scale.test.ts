/** Changing the scale of a set. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { faultsOfWish, isEmptyWish, mergedWish } from '#admin/scale-change';
import { parseSchedule } from '#core/schedule';
import type { SetClass } from '#core/set';
import { policy, snapshot } from '#test/router/sample';
import { live, Tidegate } from './tidegate.ts';

const SEED = 20_260_301;
const SCALE = '/v1/apps/shop/sets/web/scale';

async function withShop(bounds = { min: 1, max: 2 }, setClass: SetClass = 'app'): Promise<Tidegate> {
  const tidegate = await Tidegate.start();
  tidegate.discover(
    snapshot('default/shop/web', [], {
      policy: policy({ class: setClass, scale: { ...policy().scale, ...bounds } }),
    }),
    live({ ready: 1, target: { ...bounds, awake: 1 } }),
  );
  return tidegate;
}

test('the scale shows what is in force, what was asked for, and the labels', async () => {
  const tidegate = await withShop();
  const { status, json } = await tidegate.json(SCALE);
  assert.equal(status, 200);
  assert.deepEqual(json.value, {
    min: 1,
    max: 2,
    replicas: 1,
    ready: 1,
    override: null,
    load: null,
    labels: { min: 1, max: 2 },
    schedule: null,
    spares: null,
  });
});

test('a change is remembered with who made it and when, and told of', async () => {
  const tidegate = await withShop();
  const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body: { min: 0, max: 6 } });
  assert.equal(status, 200);
  assert.deepEqual(json.at('override'), {
    min: 0,
    max: 6,
    replicas: null,
    by: 'op_01',
    at: '2026-01-01T00:00:00.000Z',
  });
  assert.deepEqual(json.at('labels'), { min: 1, max: 2 });
  assert.deepEqual(tidegate.settings.get('default/shop/web'), {
    min: 0,
    max: 6,
    replicas: null,
    by: 'op_01',
    at: Date.UTC(2026, 0, 1),
  });
  const [event] = tidegate.events.older(null, 1, () => true);
  assert.deepEqual(
    [event?.type, event?.app, event?.set, event?.cause, event?.data],
    ['set.scaled', 'shop', 'web', 'op_01 asked for it', { min: 0, max: 6, replicas: null }],
  );
});

test('what is left out stays, null goes back to the labels, and nothing left is no setting at all', async () => {
  const tidegate = await withShop();
  const put = async (body: object): Promise<unknown> =>
    (await tidegate.json(SCALE, { method: 'PUT', body })).json.at('override.min');
  assert.equal(await put({ min: 0, replicas: 2 }), 0);
  assert.equal(await put({ replicas: null }), 0);
  assert.equal(await put({}), 0);
  assert.equal(await put({ min: null }), undefined);
  assert.equal(tidegate.settings.size, 0);
});

test('a value that cannot be is refused with its place, and nothing changes', async () => {
  const tidegate = await withShop();
  const table: readonly [body: object, pointer: string, code: string][] = [
    [{ min: -1 }, '/min', 'too_small'],
    [{ min: 1.5 }, '/min', 'invalid_type'],
    [{ min: '2' }, '/min', 'invalid_type'],
    [{ max: 1001 }, '/max', 'too_big'],
    [{ max: 0 }, '/max', 'too_small'],
    [{ min: 3, max: 2 }, '/max', 'below_min'],
    [{ replicas: true }, '/replicas', 'invalid_type'],
    [{ replica: 2 }, '/replica', 'unknown'],
    [{ 'a/b~c': 2 }, '/a~1b~0c', 'unknown'],
  ];
  for (const [body, pointer, code] of table) {
    const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body });
    assert.equal(status, 422, JSON.stringify(body));
    assert.deepEqual(
      [json.at('code'), json.at('errors.0.pointer'), json.at('errors.0.code')],
      ['invalid', pointer, code],
    );
  }
  const typo = await tidegate.json(SCALE, { method: 'PUT', body: { replica: 2 } });
  assert.match(String(typo.json.at('detail')), /Did you mean "replicas"\?/);
  assert.equal(tidegate.settings.size, 0);
  assert.equal(tidegate.events.end, 0);
});

test('all faults of a body are named at once', async () => {
  const tidegate = await withShop();
  const { json } = await tidegate.json(SCALE, { method: 'PUT', body: { min: 'x', max: -1 } });
  assert.deepEqual(json.each('errors', 'pointer'), ['/min', '/max']);
});

test('a max below the min of the labels is refused; a min above their max lifts it', async () => {
  const tidegate = await withShop({ min: 2, max: 3 });
  const below = await tidegate.json(SCALE, { method: 'PUT', body: { max: 1 } });
  assert.equal(below.status, 422);
  assert.match(String(below.json.at('errors.0.detail')), /below min 2 of the labels/);
  assert.equal((await tidegate.ask(SCALE, { method: 'PUT', body: { min: 0, max: 1 } })).status, 200);
  assert.equal((await tidegate.ask(SCALE, { method: 'PUT', body: { min: 5, max: null } })).status, 200);
});

test('a set of class data has exactly one replica', async () => {
  const tidegate = await withShop({ min: 1, max: 1 }, 'data');
  for (const body of [{ min: 0 }, { max: 2 }, { replicas: 0 }]) {
    const { status, json } = await tidegate.json(SCALE, { method: 'PUT', body });
    assert.deepEqual([status, json.at('errors.0.code')], [422, 'class_data'], JSON.stringify(body));
  }
  assert.equal((await tidegate.ask(SCALE, { method: 'PUT', body: { replicas: 1 } })).status, 200);
});

test('a change that cannot be remembered is not told of', async () => {
  const tidegate = await withShop();
  tidegate.fault = new Error('no');
  assert.equal((await tidegate.ask(SCALE, { method: 'PUT', body: { min: 0 } })).status, 500);
  assert.equal(tidegate.events.end, 0);
});

test('two changes, one after the other, come to the same as both at once', () => {
  const value = fc.option(fc.option(fc.nat(5)), { nil: undefined });
  const change = fc.record({ min: value, max: value, replicas: value });
  fc.assert(
    fc.property(change, change, (first, second) => {
      const both = {
        min: second.min === undefined ? first.min : second.min,
        max: second.max === undefined ? first.max : second.max,
        replicas: second.replicas === undefined ? first.replicas : second.replicas,
      };
      assert.deepEqual(mergedWish(mergedWish(null, first), second), mergedWish(null, both));
    }),
    { seed: SEED },
  );
});

test('going back to the labels is possible from any wish, and never refused', () => {
  const wish = fc.record({ min: fc.option(fc.nat(5)), max: fc.option(fc.nat(5)), replicas: fc.option(fc.nat(5)) });
  const set = fc
    .constantFrom<SetClass>('app', 'data')
    .map((one) => snapshot('default/a/b', [], { policy: policy({ class: one }) }));
  fc.assert(
    fc.property(wish, set, (before, snapshotOfSet) => {
      const back = mergedWish(before, { min: null, max: null, replicas: null });
      assert.ok(isEmptyWish(back));
      assert.deepEqual(faultsOfWish(back, snapshotOfSet), []);
    }),
    { seed: SEED },
  );
});

test('a dry run shows what the scale would be, and changes nothing', async () => {
  const tidegate = await withShop();
  const tried = await tidegate.json(`${SCALE}?dry_run=true`, { method: 'PUT', body: { min: 0, max: 6 } });
  assert.deepEqual([tried.status, tried.json.at('min'), tried.json.at('override.max')], [200, 0, 6]);
  assert.equal(tidegate.settings.size, 0);
  const bad = await tidegate.ask(`${SCALE}?dry_run=true`, { method: 'PUT', body: { max: 0 } });
  assert.equal(bad.status, 422);
});

test('a dry run goes by the schedule, and says what is in force when that changes next', async () => {
  const tidegate = await Tidegate.start();
  // The clock of the test stands at midnight, UTC, on a Thursday.
  const parsed = parseSchedule('thu 01:00-06:00 Europe/Berlin min=3; fri 09:00-10:00 min=1');
  assert.ok(parsed.ok);
  const scale = { ...policy().scale, min: 0, max: 2, schedule: parsed.schedule };
  tidegate.discover(
    snapshot('default/shop/web', [], { policy: policy({ scale }) }),
    live({ ready: 3, target: { min: 3, max: 3, awake: 3 } }),
  );
  assert.deepEqual((await tidegate.json(SCALE)).json.at('schedule'), {
    min: 3,
    next: { at: '2026-01-01T05:00:00.000Z', min: 0, max: 2, replicas: 1 },
  });
  const tried = await tidegate.json(`${SCALE}?dry_run=true`, { method: 'PUT', body: { max: 6 } });
  assert.deepEqual([tried.json.at('min'), tried.json.at('max'), tried.json.at('replicas')], [3, 6, 3]);
  assert.deepEqual(tried.json.at('schedule.next'), { at: '2026-01-01T05:00:00.000Z', min: 0, max: 6, replicas: 1 });
  const fixed = await tidegate.json(`${SCALE}?dry_run=true`, { method: 'PUT', body: { min: 1 } });
  assert.deepEqual([fixed.json.at('min'), fixed.json.at('schedule.min')], [1, 3], 'what was asked for goes before it');
});

test('a dry run says how many frozen spares there would be, and what they are bounded by', async () => {
  const tidegate = await Tidegate.start();
  const bursts = { wish: 'auto', burst: 5, startMs: 612.4, room: 3 } as const;
  tidegate.discover(
    snapshot('default/shop/web', [], {
      policy: policy({ scale: { ...policy().scale, min: 1, max: 3, spare: 'auto' } }),
    }),
    live({ target: { min: 1, max: 3, awake: 1 }, spares: bursts }),
  );
  const now = await tidegate.json(SCALE);
  assert.deepEqual(now.json.at('spares'), { count: 2, limited_by: 'max', burst: 5, start_ms: 612, room: 3 });
  const tried = await tidegate.json(`${SCALE}?dry_run=true`, { method: 'PUT', body: { max: 9 } });
  assert.deepEqual([tried.json.at('spares.count'), tried.json.at('spares.limited_by')], [3, 'memory']);
});

test('a scale is changed only as it was read, if that is asked for', async () => {
  const tidegate = await withShop();
  const etag = (await tidegate.ask(SCALE)).headers.get('etag') ?? '';
  const put = (min: number) => tidegate.ask(SCALE, { method: 'PUT', body: { min }, headers: { 'if-match': etag } });
  assert.deepEqual([(await put(0)).status, (await put(1)).status], [200, 412]);
  assert.equal(tidegate.settings.get('default/shop/web')?.min, 0);
});
