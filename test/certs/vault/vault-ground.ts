/** A vault over a real store in a directory, and what reads it, as tests need them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { CertificateVault } from '#certs/vault/certificate-vault';
import { SealedBox } from '#certs/vault/sealed-box';
import { VaultReader } from '#certs/vault/vault-reader';
import { jsonLog, silentLog } from '#core/log';
import { CertificateReader } from '#store/certificate-reader';
import { openRedisStore } from '#store/redis-store';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';

export interface VaultGround extends AsyncDisposable {
  readonly store: Store;
  readonly box: SealedBox;
  readonly vault: CertificateVault;
  /** Log lines, of reader and vault. */
  readonly lines: string[];
  readonly reader: VaultReader;
}

export function keyFileIn(directory: string): string {
  return join(directory, 'encryption.key');
}

/** @param redis keeps rows there instead of in the directory, where the key is */
export async function vaultIn(
  directory: string,
  wall: () => number = Date.now,
  redis: string | null = null,
): Promise<VaultGround> {
  const store = redis === null ? await openSqliteStore(directory) : await openRedisStore(redis, silentLog);
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => void lines.push(line), wall });
  const box = SealedBox.open({ file: keyFileIn(directory) });
  const reader = new VaultReader({ rows: new CertificateReader(directory), box, wall, log });
  return {
    store,
    box,
    vault: new CertificateVault({ store, box, wall, random: randomBytes, log }),
    lines,
    reader,
    async [Symbol.asyncDispose]() {
      reader.close();
      await store.close();
    },
  };
}
