/**
 * Gives the request path a connection to an upstream: a kept one where that is safe, a new one otherwise.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { Endpoint, SetPolicy } from '#core/set';
import type { Upstream } from '#router/upstream';
import type { Deadlines } from '../deadlines.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { netTransport } from '../transport/net-wire.ts';
import type { Transport } from '../transport/wire.ts';
import { type DialFailure, dial } from './dial.ts';
import { type ConnectionKeeper, H1Connection } from './h1-connection.ts';
import { H2cSessions } from './h2c-sessions.ts';
import { KeptConnections } from './kept-connections.ts';
import type { UpstreamCall } from './upstream-call.ts';

/** A request that cannot be repeated takes only connections the upstream has used within this time. */
const FRESH_MS = 1000;

/** `kept`: any connection. `guarded`: only one that is surely open. `new`: none that was used before. */
export type ConnectionChoice = 'kept' | 'guarded' | 'new';

export interface CallOrder {
  readonly upstream: Upstream;
  readonly endpoint: Endpoint;
  readonly policy: SetPolicy;
  /** Of the request; named in the TLS handshake. */
  readonly hostname: string;
  readonly choice: ConnectionChoice;
  /** The request asks for a WebSocket, which goes over HTTP/1.1 whatever the upstream speaks besides. */
  readonly websocket: boolean;
}

/** Hears one of the two, perhaps before `open` returns. */
export interface CallTaker {
  onCall(call: UpstreamCall): void;
  onUnreachable(failure: DialFailure): void;
}

export interface UpstreamClientOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly log: Log;
}

export class UpstreamClient implements ConnectionKeeper {
  readonly #kept: KeptConnections;
  readonly #h2c: H2cSessions;
  readonly #deadlines: Deadlines;
  readonly #log: Log;
  readonly #scratch = new ResponseHead();
  /** What plain connections are made of. */
  transport: Transport = netTransport;

  constructor(options: UpstreamClientOptions) {
    this.#kept = new KeptConnections(options.clock, options.deadlines);
    this.#deadlines = options.deadlines;
    this.#log = options.log;
    this.#h2c = new H2cSessions({ deadlines: options.deadlines, log: options.log });
  }

  /** Connections kept between requests. */
  get keptCount(): number {
    return this.#kept.size + this.#h2c.idleCount;
  }

  open(order: CallOrder, taker: CallTaker): void {
    if (order.policy.proto === 'h2c' && !order.websocket) this.#h2c.open(order, taker);
    else this.#openH1(order, taker);
  }

  #openH1(order: CallOrder, taker: CallTaker): void {
    const connection = order.choice === 'new' ? null : this.#take(order);
    if (connection === null) this.#dial(order, taker);
    else if (order.choice === 'kept') taker.onCall(connection);
    else {
      // The upstream may have closed it already. One whole poll phase lets that be seen: the first immediate ends the
      // phase that runs now, the second comes after the next one.
      setImmediate(() =>
        setImmediate(() => {
          if (connection.isFree) taker.onCall(connection);
          else this.#openH1(order, taker);
        }),
      );
    }
  }

  /** Closes what is kept to an upstream that has left its pool. */
  drop(upstream: Upstream): void {
    this.#kept.drop(upstream);
    this.#h2c.drop(upstream);
  }

  /** Takes a connection back that was opened and not used. */
  giveBack(call: UpstreamCall): void {
    if (call instanceof H1Connection && call.isFree) this.#kept.put(call);
    else call.cancel();
  }

  close(): void {
    this.#kept.close();
    this.#h2c.close();
  }

  onFree(connection: H1Connection): void {
    this.#kept.put(connection);
  }

  onClosed(connection: H1Connection): void {
    this.#kept.forget(connection);
  }

  onProtocolFault(connection: H1Connection, fault: string): void {
    this.#log.warn('a replica answered with invalid HTTP', { replica: connection.upstream.name, fault });
  }

  #take(order: CallOrder): H1Connection | null {
    const idleMaxMs = order.choice === 'guarded' ? FRESH_MS : Number.POSITIVE_INFINITY;
    return this.#kept.take(order.endpoint, servernameOf(order), idleMaxMs);
  }

  #dial(order: CallOrder, taker: CallTaker): void {
    const { upstream, endpoint } = order;
    const servername = servernameOf(order);
    dial({
      endpoint,
      servername,
      timeoutMs: order.policy.timeout.connectMs,
      deadlines: this.#deadlines,
      transport: this.transport,
      onConnected: (wire) => {
        const scratch = this.#scratch;
        taker.onCall(new H1Connection({ wire, upstream, endpoint, servername, keeper: this, scratch }));
      },
      onFailed: (failure, error) => {
        this.#log.debug('a replica could not be reached', { replica: upstream.name, failure, error });
        taker.onUnreachable(failure);
      },
    });
  }
}

function servernameOf(order: CallOrder): string | null {
  return order.policy.proto === 'https' ? order.hostname : null;
}
