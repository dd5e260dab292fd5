/** What the lanes on wires have in common: their open connections, told to drain or to end together. */

/** A connection, as far as its lane ends it. */
interface LaneConnection {
  /** Takes nothing new; ends when what is in flight has been answered. */
  drain(): void;
  destroy(): void;
}

export abstract class Lane<C extends LaneConnection> {
  protected readonly connections = new Set<C>();
  #draining = false;
  /** Called whenever the last connection has closed. */
  onEmpty: (() => void) | null = null;

  /** Connections that are open. */
  get connectionCount(): number {
    return this.connections.size;
  }

  /** No connection is taken any more. */
  protected get isDraining(): boolean {
    return this.#draining;
  }

  /** Takes nothing new: idle connections are closed, the others when what is in flight has been answered. */
  drain(): void {
    this.#draining = true;
    for (const connection of this.connections) connection.drain();
  }

  /** Closes everything at once. */
  destroy(): void {
    this.#draining = true;
    for (const connection of this.connections) connection.destroy();
  }

  onGone(connection: C): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onEmpty?.();
  }
}
