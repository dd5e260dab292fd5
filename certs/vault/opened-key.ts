/** The key of a certificate as readers open it: one that cannot be opened is passed over, and told. */
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { CertificateRow } from '#store/store';
import { sealContext } from './kept-certificate.ts';
import type { SealedBox } from './sealed-box.ts';

/** PEM; null: it cannot be decrypted, and an older certificate may still do. */
export function openedKey({ id, sealedKey }: CertificateRow, box: SealedBox, log: Log): string | null {
  try {
    return box.unseal(sealedKey, sealContext(id)).toString();
  } catch (error) {
    log.error('the key of a certificate cannot be decrypted', { id, error: messageOf(error) });
    return null;
  }
}
