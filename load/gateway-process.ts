/**
 * The gateway as a process of its own for the side-by-side benchmark: the real route table, pools and request path, with
 * upstreams that are always there instead of containers. Counters run as in Tidegate; nothing is switched off.
 * With a certificate the port speaks TLS, with a state directory it shows the certificates that are kept in it.
 * With `--live-heap` SIGUSR2 has it collect all garbage and append the octets that are left to that file.
 *
 *     node load/gateway-process.ts --port=8080 --routes=10000 --upstream=9000 --upstream=9001 [--cert=FILE --key=FILE | --vault=FOLDER] [--workers=2] [--access-log] [--lane=slow] [--transport=net] [--live-heap=FILE]
 */
import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { CertificateSource } from '#certs/certificate-source';
import { ContextCache, contextsFor } from '#certs/context-cache';
import { TICKET_KEY_BYTES } from '#certs/ticket-keys';
import { SealedBox } from '#certs/vault/sealed-box';
import { VaultReader } from '#certs/vault/vault-reader';
import { systemClock } from '#core/clock';
import { jsonLog } from '#core/log';
import { TrustedProxies } from '#core/trusted-proxies';
import { AccessLog } from '#gateway/access-log';
import { Gateway } from '#gateway/gateway';
import { CertificateReader } from '#store/certificate-reader';
import { fixedTable, neverAsleep } from './fixed-table.ts';
import { DOMAIN } from './proxies/candidate.ts';

const GRACE_MS = 1000;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    routes: { type: 'string', default: '1' },
    upstream: { type: 'string', multiple: true, default: [] },
    workers: { type: 'string', default: '1' },
    cert: { type: 'string' },
    key: { type: 'string' },
    vault: { type: 'string' },
    'access-log': { type: 'boolean', default: false },
    lane: { type: 'string', default: 'fast' },
    transport: { type: 'string', default: 'auto' },
    'live-heap': { type: 'string' },
  },
});

if (cluster.isPrimary && Number(values.workers) > 1) supervise(Number(values.workers));
else await serve();
if (values['live-heap'] !== undefined) tellLiveHeap(values['live-heap']);

function tellLiveHeap(file: string): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  process.on('SIGUSR2', () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    appendFileSync(file, `${heapUsed + external}\n`);
  });
}

/** Workers that share a listening socket, as those of Tidegate do. */
function supervise(workers: number): void {
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  for (let i = 0; i < workers; i++) cluster.fork();
  process.once('SIGTERM', () => process.exit(0)); // they end with it
}

async function serve(): Promise<void> {
  const write = (text: string): boolean => process.stdout.write(text);
  const accessLog = values['access-log']
    ? new AccessLog({ write, sample: 1, wall: systemClock.wall, random: Math.random })
    : null;
  const certificates = values.vault === undefined ? given() : kept(values.vault);
  const gateway = new Gateway({
    table: fixedTable(Number(values.routes), values.upstream.map(Number)),
    admitter: neverAsleep(),
    clock: systemClock,
    log: jsonLog({ level: 'info', write, wall: systemClock.wall }),
    random: Math.random,
    trustedProxies: new TrustedProxies([]),
    accessLog,
    httpsPort: null,
    ...(certificates === null ? {} : { certificates }),
    lane: values.lane === 'slow' ? 'slow' : 'fast',
    transport: values.transport === 'net' || values.transport === 'handle' ? values.transport : 'auto',
  });
  const address = { host: '127.0.0.1', port: Number(values.port) };
  await (certificates === null ? gateway.listen(address) : gateway.listenTls(address));
  process.stdout.on('drain', () => accessLog?.ready());
  process.once('SIGTERM', () => {
    void gateway.close({ graceMs: GRACE_MS }).then(() => {
      accessLog?.flush();
      process.exit(0);
    });
  });
}

function given(): CertificateSource | null {
  return values.cert === undefined || values.key === undefined ? null : oneCertificate(values.cert, values.key);
}

/** As workers of Tidegate show them. */
function kept(directory: string): CertificateSource {
  const { wall } = systemClock;
  const log = jsonLog({ level: 'info', write: (text) => process.stdout.write(text), wall });
  const box = SealedBox.open({ file: path.join(directory, 'encryption.key') });
  const reader = new VaultReader({ rows: new CertificateReader(directory), box, wall, log });
  const ticketKeys = randomBytes(TICKET_KEY_BYTES);
  return new ContextCache({ sources: [reader], wall, log, ticketKeys, contextsMax: contextsFor(totalmem()) });
}

/** The same for every hostname it covers: all that are routed. */
function oneCertificate(certFile: string, keyFile: string): CertificateSource {
  const context = createSecureContext({
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    minVersion: 'TLSv1.2',
  });
  const covers = (hostname: string): boolean => hostname.endsWith(DOMAIN);
  const served = { context, covers };
  return { contextFor: (hostname) => (covers(hostname) ? served : null) };
}
