/**
 * The process that is killed in the middle of a change of keys: opens the vault in the directory it is given, changes to
 * the key it is given and, once it has sealed so many certificates anew, says `here` and stands still.
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { CertificateVault } from '#certs/vault/certificate-vault';
import { SealedBox } from '#certs/vault/sealed-box';
import { silentLog } from '#core/log';
import { openSqliteStore } from '#store/sqlite-store';
import { keyFileIn } from './vault-ground.ts';

const STDOUT = 1;
const [, , directory = '', key = '', count = '0'] = process.argv;

const store = await openSqliteStore(directory);
const put = store.putCertificate.bind(store);
let resealed = 0;
store.putCertificate = async (row, lease) => {
  if (resealed++ === Number(count)) {
    writeSync(STDOUT, 'here\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  await put(row, lease);
};
const box = SealedBox.open({ file: keyFileIn(directory) });
const vault = new CertificateVault({ store, box, wall: Date.now, random: randomBytes, log: silentLog });
await vault.rotateKey(Buffer.from(key, 'hex'));
