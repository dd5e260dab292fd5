/**
 * The part of the self-test that is about encryption on handles: two handshakes, one of them resumed, with everything a
 * lane does to such a wire, and with a client that is asked for a certificate. Runs in the child process of the self-test.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { AddressInfo, Server } from 'node:net';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { signCertificate } from '#certs/x509';
import { handleTransport } from '../transport/handle-transport.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import { ClientProof } from './client-proof.ts';
import { handleTls } from './handle-tls.ts';
import { protocolList } from './secure-wire.ts';

const HOUR_MS = 3_600_000;
const HOSTNAME = 'trial.test';

/** Returns `asked answered ended` when all went as it should, or how far it went. */
export async function tryTls(largeBytes: number): Promise<string> {
  const { cert, key } = ownCertificate();
  const context = createSecureContext({ cert, key, ca: cert, sessionIdContext: HOSTNAME });
  const encrypt = handleTls();
  let asked = '';
  const server = handleTransport().createServer((wire) => {
    const first = new FirstOctets((octets) => {
      const proof = new ClientProof({ name: HOSTNAME, certificates: [cert], digest: '' }, () => {});
      const terms = { context, protocols: protocolList('http/1.1'), early: octets, proof, onFault: () => {} };
      const secure = encrypt(wire, terms);
      secure.start(
        new Answerer(secure, largeBytes, (text) => {
          asked += proof.standing(Date.now()) === 'verified' ? text : 'not proved';
        }),
      );
    });
    wire.start(first);
  });
  const port = await listen(server);
  let session: Buffer | null = null;
  for (const round of ['full', 'resumed'] as const) {
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      servername: HOSTNAME,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      ...{ cert, key },
      ...(session === null ? {} : { session }),
    });
    socket.on('session', (one: Buffer) => {
      session = one;
    });
    const bytes = await answerOn(socket);
    if (bytes !== largeBytes + 'first'.length + 'last'.length) return `${asked} and ${bytes} octets came back`;
    if (round === 'resumed' && !socket.isSessionReused()) return `${asked} and not resumed`;
  }
  server.close();
  return asked === 'asked'.repeat(2) ? 'asked answered ended' : asked;
}

async function answerOn(socket: TLSSocket): Promise<number> {
  let bytes = 0;
  socket.on('data', (octets: Buffer) => {
    bytes += octets.length;
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () => socket.write('asked'));
    socket.once('end', resolve);
  });
  socket.end();
  return bytes;
}

/** Hands the first octets of a connection over. */
class FirstOctets implements WireOwner {
  readonly #take: (octets: Buffer) => void;

  constructor(take: (octets: Buffer) => void) {
    this.#take = take;
  }

  onOctets(b: Buffer, start: number, end: number): void {
    this.#take(b.subarray(start, end));
  }
  onDrain(): void {}
  onEnd(): void {}
  onClosed(): void {}
}

/** Pauses, goes on, answers with more than leaves at once, and ends when that has left. */
class Answerer implements WireOwner {
  readonly #wire: Wire;
  readonly #bytes: number;
  readonly #hear: (text: string) => void;

  constructor(wire: Wire, bytes: number, hear: (text: string) => void) {
    this.#wire = wire;
    this.#bytes = bytes;
    this.#hear = hear;
  }

  onOctets(b: Buffer, start: number, end: number): void {
    this.#hear(b.toString('latin1', start, end));
    this.#wire.pause();
    this.#wire.resume();
    this.#wire.write('first', null, '');
    this.#wire.write('', Buffer.alloc(this.#bytes), 'last');
  }
  onDrain(): void {
    this.#wire.end();
  }
  onEnd(): void {
    this.#wire.destroy();
  }
  onClosed(): void {}
}

/** Trusted by itself. */
function ownCertificate(): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const now = Date.now();
  const cert = signCertificate({
    subject: HOSTNAME,
    issuer: HOSTNAME,
    names: [HOSTNAME],
    publicKey,
    issuerKey: privateKey,
    issuerPublicKey: publicKey,
    isAuthority: false,
    usage: 'client',
    notBeforeMs: now - HOUR_MS,
    notAfterMs: now + HOUR_MS,
    serial: randomBytes(16),
  });
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return (server.address() as AddressInfo).port;
}
