/** That an import into a store is under way: written before the first change, gone after the last. */
import { TidegateError } from '#core/errors';
import type { Store } from './store.ts';

export const MARKER = { kind: 'import', id: 'state' } as const;

/** @throws TidegateError `store.half_imported` */
export async function refuseHalfImport(store: Pick<Store, 'document'>): Promise<void> {
  const marker = await store.document(MARKER.kind, MARKER.id);
  if (marker === null) return;
  throw new TidegateError('store.half_imported', 'an import into this store was broken off before its end', {
    detail: { marker: marker.body },
  });
}
