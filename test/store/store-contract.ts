/**
 * What every implementation of the state port has to do. A test file of an implementation calls this with a way to open
 * it; the same tests run against each.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Event } from '#core/event';
import type { SetKey } from '#core/set';
import { EVENTS_KEPT, type ScaleRecord, type SleepNote, type Store, type TokenRecord } from '#store/store';
import { policy, replica, route, snapshot } from '#test/router/sample';

/** A place where one store keeps its state. */
export interface StoreHome {
  /** Opens the store on the same state each time. */
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

const AT = Date.UTC(2026, 0, 1);
const WEB: SetKey = 'default/shop/web';
const DB: SetKey = 'default/shop/db';

export function event(n: number, changes: Partial<Event> = {}): Event {
  return {
    id: `evt_${String(n).padStart(26, '0')}`,
    at: new Date(AT + n).toISOString(),
    type: 'set.awake',
    tenant: 'default',
    app: 'shop',
    set: 'web',
    replica: 'local/abc',
    host: null,
    cause: 'first probe passed',
    data: { wakeMs: n, nested: { text: 'ü "quoted"\n' } },
    correlationId: null,
    ...changes,
  };
}

export function storeContract(name: string, makeHome: () => Promise<StoreHome>): void {
  /** Runs a test on a fresh store; `again` closes it and opens it on the same state. */
  function contract(
    behaviour: string,
    body: (store: Store, again: () => Promise<Store>, t: TestContext) => Promise<void>,
  ): void {
    test(`${name}: ${behaviour}`, async (t) => {
      const home = await makeHome();
      let current = await home.open();
      t.after(async () => {
        await current.close();
        await home.dispose();
      });
      const again = async (): Promise<Store> => {
        await current.close();
        current = await home.open();
        return current;
      };
      await body(current, again, t);
    });
  }

  contract('a new store is empty', async (store) => {
    assert.equal((await store.scales()).size, 0);
    assert.equal((await store.sleeping()).size, 0);
    assert.equal((await store.pictures()).size, 0);
    assert.deepEqual(await store.lastEvents(10), []);
    assert.deepEqual(await store.tokens(), []);
  });

  contract('scales are kept by set, replaced, dropped, and there again after a restart', async (store, again) => {
    const first: ScaleRecord = { min: 0, max: 6, replicas: null, by: 'op_a', at: AT };
    const second: ScaleRecord = { min: null, max: null, replicas: 3, by: 'op_b', at: AT + 1 };
    await store.putScale(WEB, first);
    await store.putScale(DB, first);
    await store.putScale(DB, second);
    const expected = new Map([
      [WEB, first],
      [DB, second],
    ]);
    assert.deepEqual(new Map(await store.scales()), expected);
    store = await again();
    assert.deepEqual(new Map(await store.scales()), expected);
    await store.dropScale(WEB);
    await store.dropScale(WEB);
    assert.deepEqual([...(await store.scales()).keys()], [DB]);
  });

  contract(
    'sleeping notes are kept by replica, replaced, dropped, and there again after a restart',
    async (store, again) => {
      const frozen: SleepNote = { tier: 'frozen', direct: true, at: AT };
      const stopped: SleepNote = { tier: 'stopped', direct: false, at: AT + 1 };
      await store.putSleeping('local/a', frozen);
      await store.putSleeping('local/b', frozen);
      await store.putSleeping('local/b', stopped);
      store = await again();
      assert.deepEqual(
        new Map(await store.sleeping()),
        new Map([
          ['local/a', frozen],
          ['local/b', stopped],
        ]),
      );
      await store.dropSleeping('local/a');
      await store.dropSleeping('never there');
      assert.deepEqual([...(await store.sleeping()).keys()], ['local/b']);
    },
  );

  contract('pictures come back as they were, by host', async (store, again) => {
    const web = snapshot(WEB, [route('shop.localhost', '/', { port: 8080 })], {
      policy: policy({ lb: { kind: 'hash-header', header: 'x-user' }, rate: { perSecond: 1, burst: 2, key: 'ip' } }),
      replicas: [replica('a', { startedAt: null, exitCode: 137 })],
    });
    await store.putPicture('local', { sets: [], at: AT });
    await store.putPicture('local', { sets: [web], at: AT + 1 });
    await store.putPicture('other', { sets: [], at: AT });
    store = await again();
    assert.deepEqual((await store.pictures()).get('local'), { sets: [web], at: AT + 1 });
    assert.deepEqual((await store.pictures()).get('other'), { sets: [], at: AT });
    await store.dropPicture('other');
    await store.dropPicture('other');
    assert.deepEqual([...(await store.pictures()).keys()], ['local']);
  });

  contract('events come back in their order, the last ones if fewer are asked for', async (store, again) => {
    await store.appendEvents([event(1), event(2)]);
    await store.appendEvents([]);
    await store.appendEvents([event(3, { type: 'host.degraded', tenant: null, app: null, set: null, host: 'local' })]);
    store = await again();
    const all = await store.lastEvents(10);
    assert.deepEqual(
      all.map((one) => one.id),
      [event(1).id, event(2).id, event(3).id],
    );
    assert.deepEqual(all[0], event(1));
    assert.deepEqual(
      (await store.lastEvents(2)).map((one) => one.id),
      [event(2).id, event(3).id],
    );
  });

  contract('of many events the last ones are kept', async (store) => {
    const batch = 2500;
    for (let from = 0; from < EVENTS_KEPT + batch; from += batch) {
      await store.appendEvents(Array.from({ length: batch }, (_, i) => event(from + i)));
    }
    const kept = await store.lastEvents(EVENTS_KEPT * 2);
    assert.equal(kept.length, EVENTS_KEPT);
    assert.equal(kept[0]?.id, event(batch).id);
    assert.equal(kept.at(-1)?.id, event(EVENTS_KEPT + batch - 1).id);
  });

  contract('tokens are kept by id, replaced, dropped, and there again after a restart', async (store, again) => {
    const token = (id: string, fill: number): TokenRecord => ({
      id,
      kind: 'op',
      sha256: new Uint8Array(32).fill(fill),
      createdAt: AT,
    });
    await store.putToken(token('op_b', 1));
    await store.putToken(token('op_a', 2));
    await store.putToken(token('op_b', 3));
    store = await again();
    const kept = (await store.tokens()).map((one) => ({ ...one, sha256: Uint8Array.from(one.sha256) }));
    assert.deepEqual(kept, [token('op_a', 2), token('op_b', 3)]);
    await store.dropToken('op_a');
    await store.dropToken('op_a');
    assert.deepEqual(
      (await store.tokens()).map((one) => one.id),
      ['op_b'],
    );
  });

  contract('a closed store refuses, and may be closed again', async (store) => {
    await store.close();
    await store.close();
    await assert.rejects(store.scales(), { code: 'store.failed' });
    await assert.rejects(store.putScale(WEB, { min: 0, max: 1, replicas: null, by: 'x', at: AT }), {
      code: 'store.failed',
    });
  });
}
