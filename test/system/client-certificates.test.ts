/** Client certificates as an operator sets them up: a file, a label, two workers, and clients that come and come again. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { testAuthority } from '../certs/certificate-authority.ts';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { runHello } from '../support/hello.ts';
import { freePorts } from '../support/pebble.ts';
import { startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until } from '../support/until.ts';

const HOSTNAME = 'vault.localhost';
const REQUEST = `GET / HTTP/1.1\r\nHost: ${HOSTNAME}\r\nConnection: close\r\n\r\n`;
/** Enough that both workers serve some of them. */
const MANY = 12;
/** The folder is read every ten seconds. */
const REREAD = { timeoutMs: 60_000, everyMs: 250 };

const partners = testAuthority('Partners CA');
const good = partners.issueClient();

let engine: TestEngine;
let tidegate: TidegateProcess;
let httpsPort = 0;

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
  await runHello(engine, { name: 'vault', labels: { 'tidegate.app': 'vault', 'tidegate.tls.client': 'partners' } });
  [httpsPort = 0] = await freePorts(1);
  tidegate = await startTidegate({
    docker: engine.socket,
    settings: { TIDEGATE_HTTPS: `127.0.0.1:${httpsPort}`, TIDEGATE_WORKERS: '2' },
  });
});
after(async () => {
  await tidegate?.close();
  await engine?.close();
});

interface Visit {
  /** Status, and the error if it is one. */
  readonly outcome: string;
  readonly isResumed: boolean;
  readonly session: Buffer | null;
}

function visit(options: ConnectionOptions = {}): Promise<Visit> {
  return new Promise((resolve, reject) => {
    const to = { host: '127.0.0.1', port: httpsPort, servername: HOSTNAME, rejectUnauthorized: false };
    const socket = connect({ ...to, ...options }, () => socket.write(REQUEST));
    let session: Buffer | null = null;
    let text = '';
    socket.on('session', (one: Buffer) => {
      session = one;
    });
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject).on('end', () => {
      const error = /^x-tidegate-error: (\S+)/im.exec(text)?.[1];
      const outcome = `${text.slice(9, 12)} ${error ?? ''}`.trim();
      resolve({ outcome, isResumed: socket.isSessionReused(), session });
    });
  });
}

/** What many clients one after another are answered, each answer once. */
async function outcomes(options: ConnectionOptions = {}): Promise<string[]> {
  const seen = new Set<string>();
  for (let i = 0; i < MANY; i++) seen.add((await visit(options)).outcome);
  return [...seen];
}

async function route(): Promise<{ answer: string; why: string[] }> {
  return await tidegate.adminJson(`/v1/routes/resolve?url=https://${HOSTNAME}/`);
}

test('while the authority is not there nobody is let in, and the route says why', async () => {
  assert.deepEqual(await outcomes(good), ['503 client_ca_missing']);
  const { answer, why } = await route();
  assert.equal(answer, 'refuse');
  assert.match(why.join(' '), /put partners\.pem into TIDEGATE_CLIENT_CAS/);
});

test('once it is, clients with its certificates are let in, and no others', async () => {
  const folder = path.join(tidegate.data, 'client-cas');
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'partners.pem'), partners.certificate);
  await until(async () => (await outcomes(good)).join() === '200', { ...REREAD, what: 'both workers to let it in' });
  assert.deepEqual(await outcomes(), ['403 client_certificate_required']);
  assert.deepEqual(await outcomes(testAuthority().issueClient()), ['403 client_certificate_invalid']);
  await until(async () => (await route()).answer === 'serve', { ...REREAD, what: 'the route to say so' });
  assert.equal((await tidegate.ask(HOSTNAME)).status, 308);
});

test('a session is resumed on every worker with the certificate it was made with, or without', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    for (const [options, expected] of [
      [good, '200'],
      [{}, '403 client_certificate_required'],
    ] as const) {
      const { session } = await visit({ ...options, maxVersion });
      assert.ok(session !== null);
      for (let i = 0; i < MANY; i++) {
        const again = await visit({ maxVersion, session });
        assert.deepEqual([again.isResumed, again.outcome], [true, expected], maxVersion);
      }
    }
  }
});

test('a file that cannot be used is told once, and what was there before stays in force', async () => {
  writeFileSync(path.join(tidegate.data, 'client-cas', 'partners.pem'), 'half a fi');
  const rejections = async (): Promise<{ cause: string }[]> => {
    const query = '/v1/events?type=certificate.ca_rejected';
    return (await tidegate.adminJson<{ items: { type: string; cause: string }[] }>(query)).items.filter(
      ({ type }) => type === 'certificate.ca_rejected',
    );
  };
  await until(async () => (await rejections()).length > 0, { ...REREAD, what: 'the event' });
  assert.deepEqual(await outcomes(good), ['200']);
  assert.deepEqual(
    (await rejections()).map(({ cause }) => cause),
    ['it holds no certificate (PEM)'],
  );
});
