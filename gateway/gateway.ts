/**
 * The gateway: listens, gives connections to the lane that serves them, and stops without breaking what is in flight.
 *
 *   starting ──listen──▶ serving ──close──▶ draining ──▶ stopped
 */
import type { Server, Socket } from 'node:net';
import type { CertificateSource } from '#certs/certificate-source';
import { askedAuthority, type ClientAuthoritySource } from '#certs/client-authority';
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import type { ListenAddress } from '#core/settings';
import type { TrustedProxies } from '#core/trusted-proxies';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import type { AccessLog } from './access-log.ts';
import { ChallengeAnswers } from './challenge-answers.ts';
import { Deadlines } from './deadlines.ts';
import type { DoorCounts } from './door-counts.ts';
import { Doors } from './doors.ts';
import type { Peer } from './exchange.ts';
import { FastLane } from './fast-lane/fast-lane.ts';
import { Http2Lane } from './http2/http2-lane.ts';
import type { SetCounts } from './metrics.ts';
import { RequestPath } from './request-path/request-path.ts';
import type { RevisionCounts } from './revision-metrics.ts';
import { SlowLane } from './slow-lane/slow-lane.ts';
import { handleTls } from './tls/handle-tls.ts';
import { encryptNet } from './tls/net-tls.ts';
import { chooseTransport, type TransportChoice } from './transport/choose-transport.ts';
import { netTransport } from './transport/net-wire.ts';
import type { Transport, Wire } from './transport/wire.ts';
import { TurnClock } from './turn-clock.ts';

/** Connections the kernel holds until they are accepted; it may cap this. */
const BACKLOG = 4096;
/** From the opening of a connection to the end of a head. */
const HEAD_TIMEOUT_MS = 10_000;

export const GATEWAY_STATES = ['starting', 'serving', 'draining', 'stopped'] as const;
export type GatewayState = (typeof GATEWAY_STATES)[number];

const NO_AUTHORITIES: ClientAuthoritySource = { find: () => null };

export interface GatewayOptions {
  readonly table: RouteTable;
  readonly admitter: Admitter;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
  readonly trustedProxies: TrustedProxies;
  /** Null: no access log. */
  readonly accessLog: AccessLog | null;
  /** Told of every token that is taken from a rate bucket; not given: no other process serves. */
  readonly onTaken?: (pool: Pool, key: string) => void;
  /** Port that redirects to HTTPS name; null: the usual one. */
  readonly httpsPort: number | null;
  /** What `listenTls` serves; it cannot be called without. */
  readonly certificates?: CertificateSource;
  /** Authorities of client certificates; not given: there are none. */
  readonly clientAuthorities?: ClientAuthoritySource;
  /** Longest time from the start of a request's head to its end; 10 s if not given. */
  readonly headTimeoutMs?: number;
  /** Who reads the wire: the gateway itself (`fast`, the default) or Node's own HTTP stack. */
  readonly lane?: 'fast' | 'slow';
  /** What the fast lane's connections are made of; `auto` if not given. */
  readonly transport?: TransportChoice;
}

export interface GatewayCounts {
  /** Open client connections. */
  readonly connections: number;
  /** Connections kept to upstreams between requests. */
  readonly kept: number;
  /** Requests and tunnels in flight. */
  readonly inFlight: number;
  /** What came before there was a request. */
  readonly doors: DoorCounts;
  /** Per set; the last one (`key` null) is for what belongs to none. */
  readonly sets: readonly SetCounts[];
  /** Per revision, where replicas have one. */
  readonly revisions: readonly RevisionCounts[];
}

export class Gateway {
  /** What certificate authorities are answered. */
  readonly challenges = new ChallengeAnswers();
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #path: RequestPath;
  readonly #slow: SlowLane;
  /** Null: the slow lane takes every connection. */
  readonly #fast: FastLane | null;
  readonly #http2: Http2Lane;
  readonly #doors: Doors;
  readonly #certificates: CertificateSource | null;
  readonly #log: Log;
  readonly #choice: TransportChoice;
  #transport: Promise<Transport> | null = null;
  readonly #servers: Server[] = [];
  #state: GatewayState = 'starting';

  constructor(options: GatewayOptions) {
    const { log, trustedProxies, headTimeoutMs, table, clientAuthorities = NO_AUTHORITIES } = options;
    const clock = new TurnClock(options.clock);
    const deadlines = new Deadlines(clock);
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#path = new RequestPath({ ...options, clientAuthorities, clock, deadlines, challenges: this.challenges });
    const timeout = headTimeoutMs === undefined ? {} : { headTimeoutMs };
    const slow = new SlowLane({ path: this.#path, deadlines, ...timeout });
    this.#slow = slow;
    const http2 = new Http2Lane({ path: this.#path, clock, deadlines, random: options.random, ...timeout });
    this.#http2 = http2;
    this.#fast =
      options.lane === 'slow'
        ? null
        : new FastLane({
            path: this.#path,
            clock,
            deadlines,
            onHttp2: (wire, peer) => http2.accept(wire, peer),
            ...timeout,
          });
    this.#doors = new Doors({
      deadlines,
      log,
      trustedProxies,
      path: this.#path,
      wall: () => clock.wall(),
      authorityFor: (hostname) => askedAuthority(table.routesOf(hostname), clientAuthorities),
      timeoutMs: headTimeoutMs ?? HEAD_TIMEOUT_MS,
      serve: (wire, peer) => this.#serve(wire, peer),
      // The slow lane alone speaks HTTP/1 alone.
      serveH2: options.lane === 'slow' ? null : (wire, peer) => http2.accept(wire, peer),
    });
    const { certificates = null } = options;
    this.#certificates =
      certificates === null
        ? null
        : {
            contextFor: (hostname) => certificates.contextFor(hostname),
            challengeFor: (hostname) => this.challenges.challengeFor(hostname),
          };
    this.#log = log;
    this.#choice = options.transport ?? 'auto';
  }

  get state(): GatewayState {
    return this.#state;
  }

  /**
   * Listens for plain HTTP. May be called for several addresses.
   * @returns the address that was bound: port 0 has become a real one
   * @throws TidegateError `listener.in_use`, `listener.denied`
   */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const transport = await this.#chooseTransport();
    return await this.#bind(
      transport.createServer((wire) => this.#doors.accept(wire)),
      address,
    );
  }

  /**
   * Listens for TLS. May be called for several addresses.
   * @returns as `listen`
   * @throws as `listen`
   */
  async listenTls(address: ListenAddress): Promise<ListenAddress> {
    if (this.#certificates === null) throw new Error('a TLS listener needs certificates');
    const transport = await this.#chooseTransport();
    this.#doors.openTls(this.#certificates, transport.kind === 'handle' ? handleTls() : encryptNet);
    return await this.#bind(
      transport.createServer((wire) => this.#doors.acceptTls(wire)),
      address,
    );
  }

  async #bind(server: Server, address: ListenAddress): Promise<ListenAddress> {
    await bind(server, address);
    this.#servers.push(server);
    if (this.#state === 'starting') this.#state = 'serving';
    const bound = server.address();
    return { host: address.host, port: bound !== null && typeof bound === 'object' ? bound.port : address.port };
  }

  /** Other processes gave so many tokens of a rate bucket away. */
  charge(pool: Pool, key: string, tokens: number): void {
    this.#path.charge(pool, key, tokens);
  }

  collect(): GatewayCounts {
    return {
      connections: this.#connectionCount,
      kept: this.#path.keptCount,
      inFlight: this.#path.inFlight,
      doors: this.#doors.counts,
      sets: this.#path.collect(),
      revisions: this.#path.collectRevisions(),
    };
  }

  /**
   * Stops accepting, lets what is in flight end within `graceMs`, then closes the rest. Resolves when all is closed.
   * `lingerMs`: clients whose connections are open may so long still send a request, which is the last one on them.
   */
  async close(options: { readonly graceMs: number; readonly lingerMs?: number }): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    this.#state = 'draining';
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#fast?.retire();
    if (options.lingerMs !== undefined && options.lingerMs > 0) await this.#quiet(options.lingerMs);
    this.#doors.drain();
    this.#fast?.drain();
    this.#http2.drain();
    this.#slow.drain();
    await this.#quiet(options.graceMs);
    this.#doors.destroy();
    this.#fast?.destroy();
    this.#http2.destroy();
    this.#slow.destroy();
    this.#path.close();
    await Promise.all(closed);
    this.#deadlines.close();
    this.#state = 'stopped';
  }

  get #connectionCount(): number {
    const lanes = this.#slow.connectionCount + this.#http2.connectionCount + (this.#fast?.connectionCount ?? 0);
    return this.#doors.connectionCount + lanes;
  }

  #serve(wire: Wire, peer: Peer): void {
    if (this.#fast !== null) {
      this.#fast.accept(wire, peer);
      return;
    }
    const socket: Socket = wire.surrender(null);
    this.#slow.accept(socket, peer);
    socket.resume();
  }

  async #chooseTransport(): Promise<Transport> {
    // The slow lane is on sockets.
    if (this.#fast === null) return netTransport;
    this.#transport ??= chooseTransport(this.#choice, this.#log);
    const transport = await this.#transport;
    this.#path.useTransport(transport);
    return transport;
  }

  /** Resolves when all clients have their answers and are gone, after `graceMs` at the latest. */
  #quiet(graceMs: number): Promise<void> {
    if (this.#connectionCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(graceMs, resolve);
      const onEmpty = (): void => {
        if (this.#connectionCount > 0) return;
        timer.cancel();
        resolve();
      };
      this.#doors.onEmpty = onEmpty;
      this.#slow.onEmpty = onEmpty;
      this.#http2.onEmpty = onEmpty;
      if (this.#fast !== null) this.#fast.onEmpty = onEmpty;
    });
  }
}

function bind(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, address)));
    const { host, port, fd } = address;
    if (fd === undefined) server.listen({ host, port, backlog: BACKLOG }, () => resolve());
    else server.listen({ fd }, BACKLOG, () => resolve());
  });
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): Error {
  const where = `${address.host}:${address.port}`;
  if (error.code === 'EADDRINUSE') {
    return new TidegateError('listener.in_use', `${where} is taken by another process`, { cause: error });
  }
  if (error.code === 'EACCES') {
    return new TidegateError('listener.denied', `this user may not listen on ${where}`, { cause: error });
  }
  return error;
}
