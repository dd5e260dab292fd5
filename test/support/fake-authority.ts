/**
 * A certificate authority that does what a real one does seldom: says that it has had enough, is gone for a day, advises to
 * renew. It believes every signature and validates nothing: how orders are made is tested against a real one.
 */
import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signCertificate } from '#certs/x509';

const DAY_MS = 86_400_000;

export interface FakeFault {
  readonly status: number;
  readonly type: string;
  readonly detail: string;
  /** Seconds, or a date. */
  readonly retryAfter?: string;
}

/** What is asked for: the first segment of the path. */
export type FakeResource =
  | 'dir'
  | 'nonce'
  | 'account'
  | 'new-order'
  | 'order'
  | 'authz'
  | 'finalize'
  | 'cert'
  | 'ari'
  | 'revoke';

interface FakeOrder {
  readonly names: readonly string[];
  isAuthorized: boolean;
  chain: string | null;
}

export interface FakeAuthorityOptions {
  /** Unix ms. */
  readonly wall: () => number;
  readonly validityMs?: number;
}

export class FakeAuthority implements AsyncDisposable {
  /** Its root, PEM. */
  readonly root: string;
  /** Everything that was asked for, in order. */
  readonly asked: FakeResource[] = [];
  /** What new orders said they replace; null: nothing. */
  readonly replaced: (string | null)[] = [];
  /** Connections are cut instead of answered. */
  isDown = false;
  /** Said instead of what would be said. */
  fault: (resource: FakeResource) => FakeFault | null = () => null;
  /** What it finds when it comes to validate; null: all is well. */
  verdict: Pick<FakeFault, 'type' | 'detail'> | null = null;
  /** Advice on renewals; null: the directory does not have it. */
  advice: { readonly start: number; readonly end: number; readonly retryAfterS: number } | null = null;
  readonly #options: Required<FakeAuthorityOptions>;
  readonly #server: Server;
  readonly #key: { publicKey: KeyObject; privateKey: KeyObject };
  readonly #orders: FakeOrder[] = [];

  private constructor(options: FakeAuthorityOptions) {
    this.#options = { validityMs: 90 * DAY_MS, ...options };
    this.#key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    this.root = this.#sign(['Fake CA'], this.#key.publicKey, true);
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: FakeAuthorityOptions): Promise<FakeAuthority> {
    const made = new FakeAuthority(options);
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get directory(): string {
    return `${this.#origin}/dir`;
  }

  get orderCount(): number {
    return this.#orders.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  get #origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isDown) {
      request.socket.destroy();
      return;
    }
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    const [, resource = '', id = ''] = (request.url ?? '').split('/') as [string, FakeResource?, string?];
    this.asked.push(resource as FakeResource);
    const fault = this.fault(resource as FakeResource);
    const headers = { 'replay-nonce': randomBytes(8).toString('base64url') };
    if (fault !== null) {
      const { status, type, detail, retryAfter } = fault;
      const more = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
      response.writeHead(status, { ...headers, ...more, 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail }));
      return;
    }
    const answer = this.#answer(resource as FakeResource, Number(id), body);
    response.writeHead(answer.status ?? 200, { ...headers, 'content-type': 'application/json', ...answer.headers });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {}));
  }

  #answer(resource: FakeResource, id: number, body: string): FakeAnswer {
    const origin = this.#origin;
    switch (resource) {
      case 'dir':
        return {
          body: {
            newNonce: `${origin}/nonce`,
            newAccount: `${origin}/account`,
            newOrder: `${origin}/new-order`,
            revokeCert: `${origin}/revoke`,
            keyChange: `${origin}/key`,
            ...(this.advice === null ? {} : { renewalInfo: `${origin}/ari` }),
          },
        };
      case 'account':
        return { status: 201, headers: { location: `${origin}/account/1` }, body: { status: 'valid' } };
      case 'new-order': {
        const { identifiers, replaces } = payloadOf(body) as { identifiers: { value: string }[]; replaces?: string };
        this.replaced.push(replaces ?? null);
        this.#orders.push({ names: identifiers.map(({ value }) => value), isAuthorized: false, chain: null });
        const order = this.#orders.length - 1;
        return { status: 201, headers: { location: `${origin}/order/${order}` }, body: this.#orderBody(order) };
      }
      case 'order':
        return { body: this.#orderBody(id) };
      case 'authz': {
        const order = this.#orders[id];
        // The challenge has the same address: asking for it with a payload is saying that the answer is there.
        if (order !== undefined && payloadOf(body) !== null) order.isAuthorized = true;
        return { body: this.#authorizationBody(id) };
      }
      case 'finalize': {
        const order = this.#orders[id];
        const { csr } = payloadOf(body) as { csr: string };
        const key = createPublicKey({ key: publicKeyOf(Buffer.from(csr, 'base64url')), type: 'spki', format: 'der' });
        if (order !== undefined) order.chain = this.#sign(order.names, key, false);
        return { body: this.#orderBody(id) };
      }
      case 'cert':
        return {
          headers: { 'content-type': 'application/pem-certificate-chain' },
          body: this.#orders[id]?.chain ?? '',
        };
      case 'ari': {
        const { advice } = this;
        if (advice === null) return { status: 404 };
        return {
          headers: { 'retry-after': String(advice.retryAfterS) },
          body: { suggestedWindow: { start: dateOf(advice.start), end: dateOf(advice.end) } },
        };
      }
      default:
        return { body: {} };
    }
  }

  #orderBody(id: number): unknown {
    const order = this.#orders[id];
    const isAuthorized = order?.isAuthorized === true;
    return {
      status: order?.chain == null ? (isAuthorized ? 'ready' : 'pending') : 'valid',
      identifiers: order?.names.map((value) => ({ type: 'dns', value })),
      authorizations: [`${this.#origin}/authz/${id}`],
      finalize: `${this.#origin}/finalize/${id}`,
      ...(order?.chain == null ? {} : { certificate: `${this.#origin}/cert/${id}` }),
    };
  }

  #authorizationBody(id: number): unknown {
    const order = this.#orders[id];
    const { verdict } = this;
    const judged = verdict === null ? 'valid' : 'invalid';
    const status = order?.isAuthorized === true ? judged : 'pending';
    const error =
      status === 'invalid' ? { ...verdict, type: `urn:ietf:params:acme:error:${verdict?.type}` } : undefined;
    const challenge = { type: 'http-01', url: `${this.#origin}/authz/${id}`, status, token: `token-${id}`, error };
    return { status, identifier: { type: 'dns', value: order?.names[0] }, challenges: [challenge] };
  }

  #sign(names: readonly string[], publicKey: KeyObject, isAuthority: boolean): string {
    const { wall, validityMs } = this.#options;
    return signCertificate({
      subject: names[0] ?? '',
      issuer: 'Fake CA',
      names,
      publicKey,
      issuerKey: this.#key.privateKey,
      issuerPublicKey: this.#key.publicKey,
      isAuthority,
      notBeforeMs: wall() - 60_000,
      notAfterMs: wall() + (isAuthority ? 20 * validityMs : validityMs),
      serial: randomBytes(16),
    });
  }
}

interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Null: it only asks. */
function payloadOf(jws: string): unknown {
  const { payload = '' } = (jws === '' ? {} : JSON.parse(jws)) as { payload?: string };
  return payload === '' ? null : JSON.parse(Buffer.from(payload, 'base64url').toString());
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** SubjectPublicKeyInfo of a certification request (RFC 2986): the third field of the first one. */
function publicKeyOf(csr: Buffer): Buffer {
  let at = content(csr, content(csr, 0).from).from;
  for (let i = 0; i < 2; i++) at = content(csr, at).to;
  return csr.subarray(at, content(csr, at).to);
}

/** Where the content of the DER element at this place is. */
function content(der: Buffer, at: number): { readonly from: number; readonly to: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { from: at + 2, to: at + 2 + first };
  const octets = first & 0x7f;
  const from = at + 2 + octets;
  return { from, to: from + der.readUIntBE(at + 2, octets) };
}
