/**
 * The TLS listener of a rig: on sockets, on handles and in the slow lane, with certificates of a test authority.
 */
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { ClientAuthority, ClientAuthoritySource } from '#certs/client-authority';
import { ContextCache } from '#certs/context-cache';
import type { CertificateMaterial } from '#certs/material';
import { silentLog } from '#core/log';
import { type TestAuthority, testAuthority } from '#test/certs/certificate-authority';
import { LANES, type Lane, Rig, type RigOptions } from './rig.ts';

const TEST_TIMEOUT_MS = 120_000;

/** Authorities of clients that a test puts in force and takes away. */
export class ClientAuthorityBook implements ClientAuthoritySource {
  readonly #byName = new Map<string, ClientAuthority>();

  put(name: string, ...certificates: readonly string[]): void {
    const digest = createHash('sha256').update(certificates.join('')).digest('hex');
    this.#byName.set(name, { name, certificates, digest });
  }

  drop(name: string): void {
    this.#byName.delete(name);
  }

  find(name: string): ClientAuthority | null {
    return this.#byName.get(name) ?? null;
  }
}

export class TlsRig extends Rig {
  readonly authority: TestAuthority;
  readonly clientAuthorities: ClientAuthorityBook;
  tlsPort = 0;
  readonly #sockets: TLSSocket[] = [];
  readonly #make: () => TlsRig;

  constructor(options: RigOptions, authority: TestAuthority, make: () => TlsRig) {
    const clientAuthorities = new ClientAuthorityBook();
    super({ ...options, clientAuthorities });
    this.clientAuthorities = clientAuthorities;
    this.authority = authority;
    this.#make = make;
  }

  /** Another gateway with the same certificates and ticket keys, as a further worker has them. It ends with this one. */
  async twin(): Promise<TlsRig> {
    const twin = this.owns(this.#make());
    await twin.start();
    return twin;
  }

  override async start(): Promise<void> {
    await super.start();
    this.tlsPort = (await this.gateway.listenTls({ host: '127.0.0.1', port: 0 })).port;
  }

  /** A client that has finished its handshake. */
  async secure(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = this.dial(options);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('closed within the handshake')));
    });
    return socket;
  }

  dial(options: ConnectionOptions = {}): TLSSocket {
    const { certificate } = this.authority;
    const socket = connect({
      port: this.tlsPort,
      host: '127.0.0.1',
      servername: 'app.test',
      ca: certificate,
      ...options,
    });
    socket.on('error', () => {});
    this.#sockets.push(socket);
    return socket;
  }

  /** What the handshake with these options ends with: a protocol, or the code of an error. */
  async handshake(options: ConnectionOptions = {}): Promise<string> {
    try {
      const socket = await this.secure(options);
      const outcome = `${socket.getProtocol()} ${socket.alpnProtocol || '-'}`;
      socket.destroy();
      return outcome;
    } catch (error) {
      return String((error as NodeJS.ErrnoException).code ?? error);
    }
  }

  override async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await super.close();
  }
}

/** Sends a request and reads until the other side ends. */
export async function talk(socket: TLSSocket, octets: string): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.write(octets, 'latin1');
  await new Promise<void>((resolve) => {
    socket.once('end', resolve);
    socket.once('close', () => resolve());
  });
  return text;
}

/** Certificates by the names they are for; one can be held back until it is `released`. */
export interface TlsOptions extends Omit<RigOptions, 'lane' | 'certificates'> {
  readonly names?: readonly string[];
  readonly wait?: (hostname: string) => Promise<void> | null;
}

/** Registers a test on every lane, with a TLS listener beside the plain one. */
export function onEveryTlsLane(name: string, options: TlsOptions, run: (rig: TlsRig) => Promise<void>): void {
  for (const lane of LANES) {
    test(`${name} (${lane} lane)`, { timeout: TEST_TIMEOUT_MS }, async () => {
      const rig = tlsRigOf(lane, options);
      await rig.start();
      try {
        await run(rig);
      } finally {
        await rig.close();
      }
    });
  }
}

function tlsRigOf(lane: Lane, options: TlsOptions): TlsRig {
  const authority = testAuthority();
  const { names = ['app.test'], wait, ...rest } = options;
  const all = names.map((one) => authority.issue([one]));
  const find = (hostname: string): CertificateMaterial | null | Promise<CertificateMaterial | null> => {
    const found = all.find(({ names: covered }) => covered.some((one) => matches(one, hostname))) ?? null;
    const held = wait?.(hostname) ?? null;
    return held === null ? found : held.then(() => found);
  };
  const ticketKeys = randomBytes(48);
  const make = (): TlsRig => {
    const certificates = new ContextCache({ sources: [{ find }], wall: Date.now, log: silentLog, ticketKeys });
    return new TlsRig({ ...rest, lane, certificates }, authority, make);
  };
  return make();
}

function matches(pattern: string, hostname: string): boolean {
  return (
    pattern === hostname || (pattern.startsWith('*.') && pattern.slice(1) === hostname.slice(hostname.indexOf('.')))
  );
}
