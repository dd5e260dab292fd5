/**
 * A gateway's view of the vault in a process of its own. Each line on stdin is a hostname to find or `forget <name>`; the
 * answer on stdout is the names of the certificate found, `none`, or `forgotten`.
 */
import { createInterface } from 'node:readline';
import { SealedBox } from '#certs/vault/sealed-box';
import { VaultReader } from '#certs/vault/vault-reader';
import { jsonLog } from '#core/log';
import { CertificateReader } from '#store/certificate-reader';
import { keyFileIn } from './vault-ground.ts';

const [, , directory = ''] = process.argv;
const log = jsonLog({ level: 'info', write: (line) => void process.stderr.write(line), wall: Date.now });
const box = SealedBox.open({ file: keyFileIn(directory) });
const reader = new VaultReader({ rows: new CertificateReader(directory), box, wall: Date.now, log });
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [word = '', name] = line.split(' ');
  let answer = 'forgotten';
  if (name === undefined) answer = reader.find(word)?.names.join(',') ?? 'none';
  else reader.forget(name === 'all' ? null : [name]);
  process.stdout.write(`${answer}\n`);
}
reader.close();
