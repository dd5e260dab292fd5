/** A certificate for benchmarks: ECDSA on P-256, signed by itself, the same for every candidate. Made by openssl. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const DAYS = 30;

const run = promisify(execFile);

export interface Certificate {
  /** PEM files. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Both in one. */
  readonly bothFile: string;
}

/** @param hostname its subject, and with a wildcard before it if `*.` stands there */
export async function makeCertificate(folder: string, hostnames: readonly string[]): Promise<Certificate> {
  const [certFile, keyFile, bothFile] = ['cert.pem', 'key.pem', 'both.pem'].map((file) => path.join(folder, file)) as [
    string,
    string,
    string,
  ];
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-sha256'],
    ...['-keyout', keyFile, '-out', certFile, '-days', String(DAYS), '-subj', `/CN=${hostnames[0] ?? 'localhost'}`],
    ...['-addext', `subjectAltName=${hostnames.map((hostname) => `DNS:${hostname}`).join(',')}`],
  ]);
  writeFileSync(bothFile, readFileSync(certFile, 'utf8') + readFileSync(keyFile, 'utf8'), { mode: 0o600 });
  return { certFile, keyFile, bothFile };
}
