/**
 * HTTP/2 sessions to upstreams with `proto=h2c`: one for each activation of a replica, shared by all its requests. A
 * session counts as open once the upstream has shown that it speaks HTTP/2.
 */
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import type { Log } from '#core/log';
import type { Endpoint } from '#core/set';
import type { Upstream } from '#router/upstream';
import { Deadline, type Deadlines } from '../deadlines.ts';
import { ResponseHead } from '../http1/response-head.ts';
import type { DialFailure } from './dial.ts';
import { H2cCall } from './h2c-call.ts';
import type { CallOrder, CallTaker } from './upstream-client.ts';

/** A session without streams is closed after this time. */
const IDLE_MS = 30_000;

interface Link {
  readonly session: ClientHttp2Session;
  readonly idle: Deadline;
  readonly upstream: Upstream;
  /** Who waits for it to open; null: it is open. */
  waiting: CallTaker[] | null;
  streams: number;
  used: boolean;
}

export interface H2cSessionsOptions {
  readonly deadlines: Deadlines;
  readonly log: Log;
}

export class H2cSessions {
  readonly #options: H2cSessionsOptions;
  readonly #links = new Map<Endpoint, Link>();
  readonly #scratch = new ResponseHead();

  constructor(options: H2cSessionsOptions) {
    this.#options = options;
  }

  /** Sessions that are open and serve nothing now. */
  get idleCount(): number {
    let count = 0;
    for (const link of this.#links.values()) if (link.streams === 0) count++;
    return count;
  }

  open(order: CallOrder, taker: CallTaker): void {
    const link = this.#links.get(order.endpoint);
    if (link === undefined || link.session.closed || link.session.destroyed) this.#dial(order, taker);
    else if (link.waiting !== null) link.waiting.push(taker);
    else if (order.choice === 'kept') taker.onCall(this.#call(link, true));
    else {
      // As for a kept connection: whether the upstream has closed it shows after one whole poll phase.
      setImmediate(() =>
        setImmediate(() => {
          if (link.session.closed || link.session.destroyed) this.#dial(order, taker);
          else taker.onCall(this.#call(link, order.choice === 'guarded'));
        }),
      );
    }
  }

  /** Lets the session to an upstream that has left finish what it serves. */
  drop(upstream: Upstream): void {
    for (const endpoint of upstream.endpoints) {
      this.#links.get(endpoint)?.session.close();
      this.#links.delete(endpoint);
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.session.destroy();
    this.#links.clear();
  }

  #dial(order: CallOrder, taker: CallTaker): void {
    const { endpoint, upstream, policy } = order;
    const { deadlines, log } = this.#options;
    // A socket of our own: a session that is still connecting cannot be given up in any other way.
    const { dialHost, dialPort } = endpoint;
    const socket = connectSocket({ host: dialHost, port: dialPort, noDelay: true, autoSelectFamily: false });
    const session = connect('http://upstream', { createConnection: () => socket });
    const idle = new Deadline(() => session.close());
    const link: Link = { session, idle, upstream, waiting: [taker], streams: 0, used: false };
    this.#links.set(endpoint, link);
    let spoke = false;
    let failure: DialFailure | null = null;
    const deadline = new Deadline(() => {
      failure = 'timeout';
      socket.destroy();
    });
    deadlines.start(deadline, policy.timeout.connectMs);
    session.on('connect', () => {
      spoke = true;
    });
    session.once('remoteSettings', () => {
      deadlines.stop(deadline);
      this.#onOpen(link);
    });
    session.on('error', (error) => log.debug('an HTTP/2 session failed', { replica: upstream.name, error }));
    session.on('close', () => {
      deadlines.stop(deadline);
      deadlines.stop(idle);
      if (this.#links.get(endpoint) === link) this.#links.delete(endpoint);
      // Connected, and then no HTTP/2: something else listens there.
      this.#onLost(link, failure ?? (spoke ? 'protocol' : 'refused'));
    });
  }

  #onOpen(link: Link): void {
    const waiting = link.waiting ?? [];
    link.waiting = null;
    for (const taker of waiting) taker.onCall(this.#call(link, false));
  }

  #onLost(link: Link, failure: DialFailure): void {
    const waiting = link.waiting ?? [];
    link.waiting = null;
    for (const taker of waiting) taker.onUnreachable(failure);
  }

  #call(link: Link, isKept: boolean): H2cCall {
    const { deadlines, log } = this.#options;
    const replica = link.upstream.name;
    const kept = isKept && link.used;
    link.used = true;
    link.streams++;
    deadlines.stop(link.idle);
    return new H2cCall({
      session: link.session,
      isKept: kept,
      scratch: this.#scratch,
      onFault: (fault) => log.warn('a replica answered with invalid HTTP', { replica, fault }),
      onOver: () => {
        link.streams--;
        if (link.streams === 0 && !link.session.closed) deadlines.start(link.idle, IDLE_MS);
      },
    });
  }
}
