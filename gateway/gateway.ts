/**
 * The gateway: listens, gives connections to the lane that serves them, and stops without breaking what is in flight.
 *
 *   starting ──listen──▶ serving ──close──▶ draining ──▶ stopped
 */
import { createServer, type Server } from 'node:net';
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import type { ListenAddress } from '#core/settings';
import type { Admitter } from '#router/admission';
import type { RouteTable } from '#router/route-table';
import type { AccessLog } from './access-log.ts';
import { Deadlines } from './deadlines.ts';
import { FastLane } from './fast-lane/fast-lane.ts';
import type { SetCounts } from './metrics.ts';
import { RequestPath } from './request-path/request-path.ts';
import { SlowLane } from './slow-lane/slow-lane.ts';
import { chooseTransport, type TransportChoice } from './transport/choose-transport.ts';
import type { Transport } from './transport/wire.ts';
import type { TrustedProxies } from './trusted-proxies.ts';

/** Connections the kernel holds until they are accepted; it may cap this. */
const BACKLOG = 4096;

export const GATEWAY_STATES = ['starting', 'serving', 'draining', 'stopped'] as const;
export type GatewayState = (typeof GATEWAY_STATES)[number];

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
  /** Port that redirects to HTTPS name; null: the usual one. */
  readonly httpsPort: number | null;
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
  /** Per set; the last one (`key` null) is for what belongs to none. */
  readonly sets: readonly SetCounts[];
}

export class Gateway {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #path: RequestPath;
  readonly #slow: SlowLane;
  /** Null: the slow lane takes every connection. */
  readonly #fast: FastLane | null;
  readonly #log: Log;
  readonly #choice: TransportChoice;
  #transport: Promise<Transport> | null = null;
  readonly #servers: Server[] = [];
  #state: GatewayState = 'starting';

  constructor(options: GatewayOptions) {
    const { clock, log, trustedProxies, headTimeoutMs } = options;
    const deadlines = new Deadlines(clock);
    this.#clock = clock;
    this.#deadlines = deadlines;
    this.#path = new RequestPath({ ...options, deadlines });
    const timeout = headTimeoutMs === undefined ? {} : { headTimeoutMs };
    const slow = new SlowLane({ path: this.#path, trustedProxies, deadlines, ...timeout });
    this.#slow = slow;
    this.#fast =
      options.lane === 'slow'
        ? null
        : new FastLane({
            path: this.#path,
            trustedProxies,
            clock,
            deadlines,
            onOther: (socket, secure) => slow.accept(socket, secure),
            ...timeout,
          });
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
    const server = await this.#createServer();
    await bind(server, address);
    this.#servers.push(server);
    if (this.#state === 'starting') this.#state = 'serving';
    const bound = server.address();
    return { host: address.host, port: bound !== null && typeof bound === 'object' ? bound.port : address.port };
  }

  collect(): GatewayCounts {
    return {
      connections: this.#connectionCount,
      kept: this.#path.keptCount,
      inFlight: this.#path.inFlight,
      sets: this.#path.collect(),
    };
  }

  /** Stops accepting, lets what is in flight end within `graceMs`, then closes the rest. Resolves when all is closed. */
  async close(options: { readonly graceMs: number }): Promise<void> {
    if (this.#state === 'draining' || this.#state === 'stopped') return;
    this.#state = 'draining';
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    this.#fast?.drain();
    this.#slow.drain();
    await this.#quiet(options.graceMs);
    this.#fast?.destroy();
    this.#slow.destroy();
    this.#path.close();
    await Promise.all(closed);
    this.#deadlines.close();
    this.#state = 'stopped';
  }

  get #connectionCount(): number {
    return this.#slow.connectionCount + (this.#fast?.connectionCount ?? 0);
  }

  async #createServer(): Promise<Server> {
    const fast = this.#fast;
    if (fast === null) {
      return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#slow.accept(socket, false));
    }
    this.#transport ??= chooseTransport(this.#choice, this.#log);
    const transport = await this.#transport;
    this.#path.useTransport(transport);
    return transport.createServer((wire) => fast.accept(wire, false));
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
      this.#slow.onEmpty = onEmpty;
      if (this.#fast !== null) this.#fast.onEmpty = onEmpty;
    });
  }
}

function bind(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, address)));
    server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, () => resolve());
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
