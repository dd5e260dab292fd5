/**
 * Where connections come in: finds out whose they are and what they speak, and hands each to the lane that serves it. A
 * trusted proxy is asked for the client first; a client of the TLS listener is asked for the name it came for.
 */
import type { CertificateSource } from '#certs/certificate-source';
import type { ClientAuthority } from '#certs/client-authority';
import type { Log } from '#core/log';
import { plainAddress, type TrustedProxies } from '#core/trusted-proxies';
import { Arrival, type ArrivalHome } from './arrival.ts';
import type { Deadlines } from './deadlines.ts';
import { type DoorCounts, newTally } from './door-counts.ts';
import type { Peer } from './exchange.ts';
import { ProxyOpening } from './proxy-protocol/proxy-opening.ts';
import type { RequestPath } from './request-path/request-path.ts';
import { ClientHello } from './tls/client-hello.ts';
import type { Encrypt } from './tls/secure-wire.ts';
import { type Client, type TlsDoor, TlsOpening } from './tls/tls-opening.ts';
import type { Wire } from './transport/wire.ts';

export interface DoorsOptions {
  readonly deadlines: Deadlines;
  readonly log: Log;
  readonly trustedProxies: TrustedProxies;
  readonly path: RequestPath;
  /** Ms since the epoch. */
  readonly wall: () => number;
  /** As {@link TlsDoor.authorityFor}. */
  readonly authorityFor: (hostname: string) => ClientAuthority | null;
  /** From the opening of a connection to the end of what it opens with. */
  readonly timeoutMs: number;
  /** Takes a connection that speaks HTTP/1.1, or HTTP/2 with prior knowledge. */
  readonly serve: (wire: Wire, peer: Peer) => void;
  /** Takes a connection that has agreed on HTTP/2; null: it is not offered. */
  readonly serveH2: ((wire: Wire, peer: Peer) => void) | null;
}

export class Doors implements ArrivalHome {
  readonly deadlines: Deadlines;
  readonly timeoutMs: number;
  readonly #options: DoorsOptions;
  readonly #tally = newTally();
  readonly #arrivals = new Set<Arrival>();
  /** Connections that go through as they come. */
  readonly #passed = new Set<Wire>();
  #tls: TlsDoor | null = null;
  #closed = false;
  /** Called whenever the last connection has left or closed. */
  onEmpty: (() => void) | null = null;

  constructor(options: DoorsOptions) {
    this.#options = options;
    this.deadlines = options.deadlines;
    this.timeoutMs = options.timeoutMs;
  }

  /** Connections that no lane has taken yet, and those that none will. */
  get connectionCount(): number {
    return this.#arrivals.size + this.#passed.size;
  }

  get counts(): DoorCounts {
    return this.#tally;
  }

  /** Says how TLS is spoken. To be called before the first `acceptTls`. */
  openTls(certificates: CertificateSource, encrypt: Encrypt): void {
    const { log, serve, serveH2, path, authorityFor, wall } = this.#options;
    this.#tls = {
      certificates,
      encrypt,
      log,
      tally: this.#tally,
      hello: new ClientHello(),
      hasH2: serveH2 !== null,
      authorityFor,
      wall,
      serve: (wire, peer, protocol) => (protocol === 'h2' && serveH2 !== null ? serveH2 : serve)(wire, peer),
      passThrough: (arrival, { client, hostname, octets }) => {
        const route = path.passesThrough(hostname);
        if (route === null) return false;
        const { wire } = arrival;
        this.#tally.passthroughs++;
        this.#passed.add(wire);
        arrival.leave();
        wire.onGone = () => this.#onPassed(wire);
        path.passThrough(route, { wire, client: client.address, hostname, octets: Buffer.from(octets) });
        return true;
      },
    };
  }

  accept(wire: Wire): void {
    this.#meet(wire, (one, client) => this.#options.serve(one, { ...client, secure: false }));
  }

  acceptTls(wire: Wire): void {
    const door = this.#tls;
    if (door === null) wire.destroy();
    else this.#meet(wire, (one, client) => void new Arrival(this, one, new TlsOpening(door, client)));
  }

  /** Takes nothing new: what has not said what it wants is closed. */
  drain(): void {
    this.#closed = true;
    for (const arrival of this.#arrivals) arrival.destroy();
  }

  /** Closes everything at once. */
  destroy(): void {
    this.drain();
    for (const wire of this.#passed) wire.destroy();
  }

  onArriving(arrival: Arrival): void {
    this.#arrivals.add(arrival);
  }

  onArrived(arrival: Arrival): void {
    this.#arrivals.delete(arrival);
    if (this.connectionCount === 0) this.onEmpty?.();
  }

  /** Finds out who the client is. */
  #meet(wire: Wire, then: (wire: Wire, client: Client) => void): void {
    const { trustedProxies, log } = this.#options;
    const remote = wire.remoteAddress;
    if (remote === undefined || this.#closed) {
      wire.destroy();
      return;
    }
    const address = plainAddress(remote);
    if (!trustedProxies.has(address)) {
      then(wire, { address, trusted: false });
      return;
    }
    const onKnown = (one: Wire, client: string): void => {
      then(one, { address: client, trusted: trustedProxies.has(client) });
    };
    new Arrival(this, wire, new ProxyOpening({ address, log, tally: this.#tally, onKnown }));
  }

  #onPassed(wire: Wire): void {
    this.#passed.delete(wire);
    if (this.connectionCount === 0) this.onEmpty?.();
  }
}
