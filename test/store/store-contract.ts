/**
 * What every implementation of the state port has to do. A test file of an implementation calls this with a way to open
 * it; the same tests run against each.
 */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import type { Event } from '#core/event';
import type { SetKey } from '#core/set';
import {
  type CertificateRow,
  EVENTS_KEPT,
  type Lease,
  type ScaleRecord,
  type SleepNote,
  type Store,
  type StoredDocument,
  type TokenRecord,
} from '#store/store';
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

/** A certificate that nobody could use: the store does not look into it. */
export function certificate(
  id: string,
  names: readonly string[],
  changes: Partial<CertificateRow> = {},
): CertificateRow {
  return {
    id,
    tenant: 'default',
    names,
    chain: `-----BEGIN CERTIFICATE-----\n${id}\n`,
    sealedKey: Uint8Array.of(0, 1, 255, 254),
    notBefore: AT,
    notAfter: AT + 1000,
    createdAt: AT,
    body: { state: 'valid', nested: ['ü', null, 1.5] },
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

  contract('documents come back as they were, by kind and id, in order', async (store, again) => {
    const body = { text: 'ü "quoted"\n', list: [1, null, { deep: true }] };
    await store.putDocument('domain', 'b', body);
    await store.putDocument('domain', 'a', 1);
    await store.putDocument('ledger', 'b', 'other');
    store = await again();
    assert.deepEqual(
      (await store.documents('domain')).map((one) => [one.id, one.body]),
      [
        ['a', 1],
        ['b', body],
      ],
    );
    assert.equal((await store.document('ledger', 'b'))?.body, 'other');
    assert.equal(await store.document('ledger', 'a'), null);
    assert.deepEqual(await store.documents('never'), []);
    assert.deepEqual(await store.documentKinds(), ['domain', 'ledger']);
    await store.dropDocument('domain', 'b');
    await store.dropDocument('domain', 'b');
    assert.equal(await store.document('domain', 'b'), null);
    assert.equal((await store.document('ledger', 'b'))?.body, 'other');
  });

  contract('a document is written on the version that is expected, or not at all', async (store, again) => {
    const conflict = { code: 'store.conflict' };
    const first = await store.putDocument('domain', 'a', 1, null);
    await assert.rejects(store.putDocument('domain', 'a', 2, null), conflict);
    const second = await store.putDocument('domain', 'a', 2, first);
    assert.ok(second > first);
    await assert.rejects(store.putDocument('domain', 'a', 3, first), conflict);
    await assert.rejects(store.dropDocument('domain', 'a', first), conflict);
    await assert.rejects(store.putDocument('domain', 'absent', 1, second), conflict);
    await assert.rejects(store.dropDocument('domain', 'absent', second), conflict);
    store = await again();
    assert.deepEqual(await store.document('domain', 'a'), { id: 'a', version: second, body: 2 });
    await store.dropDocument('domain', 'a', second);
    store = await again();
    const third = await store.putDocument('domain', 'a', 4, null);
    assert.ok(third > second, 'the version of what was dropped does not come back');
  });

  contract('of many who change one document on the same version one succeeds', async (store) => {
    const version = await store.putDocument('domain', 'a', 0, null);
    const tries = Array.from({ length: 20 }, (_, i) => store.putDocument('domain', 'a', i + 1, version));
    const done = await Promise.allSettled(tries);
    const won = done.findIndex((one) => one.status === 'fulfilled');
    assert.equal(done.filter((one) => one.status === 'fulfilled').length, 1);
    assert.equal((await store.document('domain', 'a'))?.body, won + 1);
  });

  contract('several changes happen all or none', async (store, again) => {
    const version = await store.putDocument('domain', 'a', 1);
    await store.putDocument('quarantine', 'q', 1);
    await assert.rejects(
      store.changeDocuments([
        { kind: 'domain', id: 'new', body: 1 },
        { kind: 'quarantine', id: 'q', drop: true },
        { kind: 'domain', id: 'a', body: 2, expected: version + 1000 },
      ]),
      { code: 'store.conflict' },
    );
    store = await again();
    assert.equal(await store.document('domain', 'new'), null);
    assert.equal((await store.document('quarantine', 'q'))?.body, 1);
    await store.changeDocuments([
      { kind: 'domain', id: 'new', body: 1, expected: null },
      { kind: 'quarantine', id: 'q', drop: true },
      { kind: 'domain', id: 'a', body: 2, expected: version },
    ]);
    await store.changeDocuments([]);
    store = await again();
    assert.deepEqual(
      (await store.documents('domain')).map((one) => [one.id, one.body]),
      [
        ['a', 2],
        ['new', 1],
      ],
    );
    assert.equal(await store.document('quarantine', 'q'), null);
  });

  contract(
    'a lease has one holder until it is released or lapses, and every new one a higher fence',
    async (store, again) => {
      const first = await store.acquireLease('order', 'one', 1000, AT);
      assert.deepEqual(first && { ...first, fence: 0 }, { name: 'order', holder: 'one', fence: 0, until: AT + 1000 });
      assert.equal(await store.acquireLease('order', 'two', 1000, AT + 999), null);
      assert.notEqual(await store.acquireLease('other', 'two', 1000, AT), null);
      const longer = await store.acquireLease('order', 'one', 1000, AT + 500);
      assert.deepEqual(longer, { ...first, until: AT + 1500 });
      assert.ok(await store.holdsLease(first as Lease, AT + 1499), 'prolonged for whoever had it');
      assert.equal(await store.holdsLease(first as Lease, AT + 1500), false);
      store = await again();
      assert.equal(await store.acquireLease('order', 'two', 1000, AT + 1499), null);
      const second = (await store.acquireLease('order', 'two', 1000, AT + 1500)) as Lease;
      assert.ok(second.fence > (first?.fence ?? 0));
      await store.releaseLease(first as Lease);
      assert.ok(await store.holdsLease(second, AT + 1600), 'who has lost it cannot release it');
      assert.equal(await store.holdsLease(first as Lease, AT + 1600), false);
      await store.releaseLease(second);
      await store.releaseLease(second);
      const third = (await store.acquireLease('order', 'two', 1000, AT + 1600)) as Lease;
      assert.ok(third.fence > second.fence);
      assert.equal(await store.holdsLease(second, AT + 1600), false, 'a released lease does not come back');
    },
  );

  contract('certificates are kept by id, replaced, dropped, and there again after a restart', async (store, again) => {
    const same = (row: CertificateRow | null): unknown => row && { ...row, sealedKey: Uint8Array.from(row.sealedKey) };
    const a = certificate('crt_a', ['shop.test', '*.shop.test']);
    await store.putCertificate(a);
    const b = certificate('crt_b', ['b.test'], { tenant: null });
    await store.putCertificate(b);
    store = await again();
    assert.deepEqual(same(await store.certificate('crt_a')), a);
    assert.deepEqual(same(await store.certificate('crt_b')), b);
    const changed = { ...a, names: ['new.test'], body: { state: 'revoked' } };
    await store.putCertificate(changed);
    store = await again();
    assert.deepEqual(same(await store.certificate('crt_a')), changed);
    assert.deepEqual(await store.certificatesOf('shop.test'), []);
    assert.equal((await store.certificatesOf('new.test')).length, 1);
    await store.dropCertificate('crt_a');
    await store.dropCertificate('crt_a');
    assert.equal(await store.certificate('crt_a'), null);
    assert.deepEqual(await store.certificatesOf('new.test'), []);
  });

  contract('certificates are found by exact name, the newest first', async (store) => {
    await store.putCertificate(certificate('crt_a', ['shop.test', '*.shop.test'], { createdAt: AT + 2 }));
    await store.putCertificate(certificate('crt_b', ['shop.test'], { createdAt: AT + 3 }));
    await store.putCertificate(certificate('crt_c', ['shop.test'], { createdAt: AT + 1 }));
    const of = async (name: string): Promise<string[]> => (await store.certificatesOf(name)).map((one) => one.id);
    assert.deepEqual(await of('shop.test'), ['crt_b', 'crt_a', 'crt_c']);
    assert.deepEqual(await of('*.shop.test'), ['crt_a']);
    assert.deepEqual(await of('a.shop.test'), []);
  });

  contract('certificates come in pages by id, all or of one tenant', async (store) => {
    for (const [i, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      await store.putCertificate(certificate(id, [`${id}.test`], { tenant: i % 2 === 0 ? 'one' : null }));
    }
    const page = async (after: string | null, limit: number, tenant?: string | null): Promise<string> =>
      (await store.certificates({ after, limit, tenant })).map((one) => one.id).join('');
    assert.equal(await page(null, 2), 'ab');
    assert.equal(await page('b', 2), 'cd');
    assert.equal(await page('d', 2), 'e');
    assert.equal(await page('e', 2), '');
    assert.equal(await page(null, 2, 'one'), 'ac');
    assert.equal(await page('c', 2, 'one'), 'e');
    assert.equal(await page(null, 9, null), 'bd');
    assert.equal(await page(null, 9, 'nobody'), '');
  });

  contract('a certificate is written under a lease only while that is held', async (store) => {
    const conflict = { code: 'store.conflict' };
    const lease = (await store.acquireLease('order', 'one', 1000, AT)) as Lease;
    await store.putCertificate(certificate('crt_a', ['a.test']), { ...lease, now: AT + 999 });
    await assert.rejects(
      store.putCertificate(certificate('crt_b', ['b.test']), { ...lease, now: AT + 1000 }),
      conflict,
    );
    const other = (await store.acquireLease('order', 'two', 1000, AT + 1000)) as Lease;
    await assert.rejects(store.putCertificate(certificate('crt_b', ['b.test']), { ...lease, now: AT + 500 }), conflict);
    assert.equal(await store.certificate('crt_b'), null);
    await store.putCertificate(certificate('crt_b', ['b.test']), { ...other, now: AT + 1001 });
    assert.notEqual(await store.certificate('crt_b'), null);
  });

  contract('documents come in pages too, each once and in order', async (store) => {
    const ids = Array.from({ length: 7 }, (_, n) => `d${n}`);
    await store.changeDocuments(ids.map((id) => ({ kind: 'domain', id, body: { id } })));
    await store.putDocument('other', 'x', 1);
    for (const size of [1, 3, 7, 100]) {
      const pages = await pagesOf(store, 'domain', size);
      assert.ok(pages.every((page) => page.length <= size));
      assert.deepEqual(pages.flat(), await store.documents('domain'));
    }
    assert.deepEqual(await pagesOf(store, 'none', 3), []);
  });

  contract('events that were dropped are gone, and older ones may come after them', async (store) => {
    await store.appendEvents([event(5)]);
    await store.dropEvents();
    assert.deepEqual(await store.lastEvents(5), []);
    await store.appendEvents([event(1)]);
    assert.deepEqual(await store.lastEvents(5), [event(1)]);
  });

  contract('a closed store refuses, and may be closed again', async (store) => {
    await store.close();
    await store.close();
    await assert.rejects(store.scales(), { code: 'store.failed' });
    await assert.rejects(store.putScale(WEB, { min: 0, max: 1, replicas: null, by: 'x', at: AT }), {
      code: 'store.failed',
    });
    await assert.rejects(store.putDocument('domain', 'a', 1), { code: 'store.failed' });
    await assert.rejects(store.acquireLease('order', 'one', 1, AT), { code: 'store.failed' });
    await assert.rejects(store.certificate('crt_a'), { code: 'store.failed' });
  });
}

async function pagesOf(store: Store, kind: string, size: number): Promise<(readonly StoredDocument[])[]> {
  const pages: (readonly StoredDocument[])[] = [];
  for await (const page of store.documentPages(kind, size)) pages.push(page);
  return pages;
}
