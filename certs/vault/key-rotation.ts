/**
 * Seals everything anew with the key in force: keys of certificates, and sealed values wherever they stand in documents.
 * It may be ended at any moment and begun again: what is done is done, and old keys open the rest.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { isTidegateError, messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Store, StoredDocument } from '#store/store';
import { SEALED_PREFIX, type SealedBox } from './sealed-box.ts';

const PAGE = 200;

export interface RotationTools {
  readonly store: Pick<Store, 'certificates' | 'documentKinds' | 'documents' | 'putDocument'>;
  readonly box: SealedBox;
  readonly log: Log;
  /** Seals the key of one certificate anew. */
  readonly resealCertificate: (id: string) => Promise<void>;
}

/** What could not be decrypted is logged and left as it is. */
export async function resealAll(tools: RotationTools): Promise<void> {
  await resealCertificates(tools);
  // What was changed by somebody else in between is looked at again.
  while (!(await resealDocuments(tools)));
}

async function resealCertificates({ store, box, log, resealCertificate }: RotationTools): Promise<void> {
  let after: string | null = null;
  for (;;) {
    const rows: Awaited<ReturnType<Store['certificates']>> = await store.certificates({ after, limit: PAGE });
    for (const { id, sealedKey } of rows) {
      try {
        if (!box.isCurrent(sealedKey)) await resealCertificate(id);
      } catch (error) {
        complain(log, `certificate ${id}`, error);
      }
      after = id;
    }
    if (rows.length < PAGE) return;
    await breathe();
  }
}

/** False: some have been changed meanwhile. */
async function resealDocuments({ store, box, log }: RotationTools): Promise<boolean> {
  let isWhole = true;
  for (const kind of await store.documentKinds()) {
    for (const document of await store.documents(kind)) {
      const body = resealedBody(document, (value) => resealedText(value, box, log, `${kind} ${document.id}`));
      if (body === document.body) continue;
      try {
        await store.putDocument(kind, document.id, body, document.version);
      } catch (error) {
        if (!isTidegateError(error, 'store.conflict')) throw error;
        isWhole = false;
      }
    }
    await breathe();
  }
  return isWhole;
}

/** The same object when nothing in it is sealed with another key. */
function resealedBody({ body }: StoredDocument, reseal: (text: string) => string): unknown {
  const before = JSON.stringify(body);
  if (!before.includes(SEALED_PREFIX)) return body;
  const after = JSON.stringify(body, (_, value: unknown) => (typeof value === 'string' ? reseal(value) : value));
  return after === before ? body : (JSON.parse(after) as unknown);
}

function resealedText(text: string, box: SealedBox, log: Log, where: string): string {
  if (!text.startsWith(SEALED_PREFIX)) return text;
  try {
    const sealed = Buffer.from(text, 'base64');
    if (box.isCurrent(sealed)) return text;
    return Buffer.from(box.reseal(sealed)).toString(/[-_]/.test(text) || !/[=+/]/.test(text) ? 'base64url' : 'base64');
  } catch (error) {
    complain(log, where, error);
    return text;
  }
}

function complain(log: Log, where: string, error: unknown): void {
  log.error('a sealed value cannot be sealed anew', { where, error: messageOf(error) });
}
