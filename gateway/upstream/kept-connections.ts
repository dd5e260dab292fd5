/**
 * Connections to upstreams between two requests. One is handed out only while its activation of the replica lives: what
 * was kept from before a sleep or a restart is never used again.
 */
import type { Clock } from '#core/clock';
import type { Endpoint } from '#core/set';
import type { Upstream } from '#router/upstream';
import type { Deadlines } from '../deadlines.ts';
import type { H1Connection } from './h1-connection.ts';

const KEPT_MAX_PER_ENDPOINT = 1024;

export class KeptConnections {
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  /** By endpoint, which belongs to one Upstream; the one used last comes last. */
  readonly #free = new Map<Endpoint, H1Connection[]>();
  #closed = false;

  constructor(clock: Clock, deadlines: Deadlines) {
    this.#clock = clock;
    this.#deadlines = deadlines;
  }

  get size(): number {
    let size = 0;
    for (const connections of this.#free.values()) size += connections.length;
    return size;
  }

  /** Keeps a connection, or closes it where it must not or need not be kept. */
  put(connection: H1Connection): void {
    const { upstream, endpoint } = connection;
    // An upstream that is going away waits for its connections to close.
    if (this.#closed || upstream.removed || upstream.draining || connection.keptMs <= 0) {
      connection.destroy();
      return;
    }
    let connections = this.#free.get(endpoint);
    if (connections === undefined) {
      connections = [];
      this.#free.set(endpoint, connections);
    }
    connection.freeSince = this.#clock.now();
    connections.push(connection);
    this.#deadlines.start(connection.keptDeadline, connection.keptMs);
    if (connections.length > KEPT_MAX_PER_ENDPOINT) connections.shift()?.destroy();
  }

  /**
   * Takes the connection used last, or null.
   * @param servername as in the TLS handshake; null: not encrypted
   * @param idleMaxMs longest time since its last request
   */
  take(endpoint: Endpoint, servername: string | null, idleMaxMs: number): H1Connection | null {
    const connections = this.#free.get(endpoint);
    if (connections === undefined) return null;
    const oldest = idleMaxMs === Number.POSITIVE_INFINITY ? 0 : this.#clock.now() - idleMaxMs;
    for (let i = connections.length - 1; i >= 0; i--) {
      const connection = connections[i];
      if (connection === undefined || connection.freeSince < oldest) return null;
      if (connection.isFree && connection.servername !== servername) continue;
      if (i === connections.length - 1) connections.pop();
      else connections.splice(i, 1);
      this.#deadlines.suspend(connection.keptDeadline);
      if (connection.isFree) return connection;
    }
    return null;
  }

  /** Forgets a connection that has closed. */
  forget(connection: H1Connection): void {
    this.#deadlines.stop(connection.keptDeadline);
    const connections = this.#free.get(connection.endpoint);
    const place = connections?.indexOf(connection) ?? -1;
    if (place >= 0) connections?.splice(place, 1);
    if (connections?.length === 0) this.#free.delete(connection.endpoint);
  }

  /** Closes what is kept to an upstream that has left. */
  drop(upstream: Upstream): void {
    for (const endpoint of upstream.endpoints) {
      for (const connection of this.#free.get(endpoint) ?? []) connection.destroy();
      this.#free.delete(endpoint);
    }
  }

  /** Closes everything; nothing is kept from now on. */
  close(): void {
    this.#closed = true;
    for (const connections of this.#free.values()) for (const connection of connections) connection.destroy();
    this.#free.clear();
  }
}
