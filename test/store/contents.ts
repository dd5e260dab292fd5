/** All that a store holds, as values that can be compared: leases, versions and pictures are left out, as they are of one store. */
import { EVENTS_KEPT, type Store } from '#store/store';

export async function contentsOf(store: Store): Promise<unknown> {
  const byId = <T>(map: ReadonlyMap<string, T>) => Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  const kinds = await store.documentKinds();
  const documents = await Promise.all(
    kinds.map(async (kind) => (await store.documents(kind)).map(({ id, body }) => ({ kind, id, body }))),
  );
  const certificates = await store.certificates({ after: null, limit: 1e6 });
  return {
    scales: byId(await store.scales()),
    sleeping: byId(await store.sleeping()),
    events: await store.lastEvents(EVENTS_KEPT),
    tokens: (await store.tokens()).map((one) => ({ ...one, sha256: Buffer.from(one.sha256).toString('hex') })),
    // Beyond U+FFFF the two stores order names differently.
    documents: documents.flat().sort((a, b) => (order(a) < order(b) ? -1 : 1)),
    certificates: certificates.map((row) => ({ ...row, sealedKey: Buffer.from(row.sealedKey).toString('hex') })),
  };
}

function order({ kind, id }: { readonly kind: string; readonly id: string }): string {
  return JSON.stringify([kind, id]);
}

/** Something of each sort, more than a page of some. */
export async function fill(store: Store, { certificates = 3 } = {}): Promise<void> {
  const { certificate, event } = await import('./store-contract.ts');
  await store.putScale('default/shop/web', { min: 0, max: null, replicas: 3, by: 'op_a', at: 5 });
  await store.putSleeping('local/abc', { tier: 'frozen', direct: true, at: 6 });
  await store.putPicture('*', { sets: [], at: 1 });
  await store.appendEvents(Array.from({ length: 450 }, (_, n) => event(n)));
  await store.putToken({ id: 'op_a', kind: 'op', sha256: new Uint8Array(32).fill(0xfe), createdAt: 7 });
  const documents = Array.from({ length: 450 }, (_, n) => ({
    ...{
      kind: n % 3 === 0 ? 'domain' : 'app',
      id: `id-${n}`,
      body: { n, text: 'ü "\n\u0000\ud800', nested: [null, 1.5] },
    },
  }));
  await store.changeDocuments(documents);
  for (let n = 0; n < certificates; n++) {
    await store.putCertificate(
      certificate(`crt_${n}`, [`a${n}.test`, `*.a${n}.test`], { tenant: n === 0 ? null : 'blue' }),
    );
  }
}
