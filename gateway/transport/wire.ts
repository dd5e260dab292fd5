/**
 * The seam between a lane and the octets of one connection. Two implementations behave alike: one on Node's public
 * socket, one on the handle beneath it.
 */
import type { Server, Socket } from 'node:net';

/** Whoever reads from a wire. Nothing is called from within a call to the wire, and nothing after `onClosed`. */
export interface WireOwner {
  /** `b[start, end)` arrived. Unless the wire `ownsReads`, the octets hold during the call only. */
  onOctets(b: Buffer, start: number, end: number): void;
  /** What `write` returned false for has left. */
  onDrain(): void;
  /** The other side will send no more. */
  onEnd(): void;
  /** The connection is closed, for whatever reason. Comes once, unless the wire was detached or surrendered. */
  onClosed(): void;
}

/** One open connection. Reads from the moment it is given an owner. */
export interface Wire {
  /** Octets handed over stay as they are: they need no copy to be kept. */
  readonly ownsReads: boolean;
  /** Undefined when the connection has closed already. */
  readonly remoteAddress: string | undefined;
  /** Neither closed nor surrendered. */
  readonly isOpen: boolean;
  /** Something that was written has not left yet. */
  readonly hasUnsent: boolean;
  /** Told after its owner, whoever that is by then, that the connection is closed. */
  onGone: (() => void) | null;
  start(owner: WireOwner): void;
  pause(): void;
  resume(): void;
  /**
   * Writes text (latin1), octets and text again as one.
   * @param owned the octets stay as they are, which is so if not given; otherwise they hold during the call only
   * @returns false when enough waits to leave: go on after `onDrain`
   */
  write(before: string, octets: Buffer | null, after: string, owned?: boolean): boolean;
  /**
   * Writes `b[start, end)`, as it came from another wire.
   * @param owned as for `write`
   * @returns as `write`
   */
  pass(b: Buffer, start: number, end: number, owned: boolean): boolean;
  /**
   * Sends what was written and then the end; goes on reading, and closes when the other side has ended too.
   * @param last nothing more is to come from the other side: it may close as soon as everything has left
   */
  end(last?: boolean): void;
  /** Closes at once. */
  destroy(): void;
  /** Closes at once with a reset. */
  reset(): void;
  /** Takes it from its owner, paused: whoever gets it starts it anew, and hears `early` first. */
  detach(early: Buffer | null): void;
  /** Gives the connection away as a socket, paused, with `early` to come out of it first. */
  surrender(early: Buffer | null): Socket;
}

/** Hears one of the two, never before `connect` returns. */
export interface ConnectTaker {
  onConnected(wire: Wire): void;
  onRefused(error: Error): void;
}

/** A way to get wires: out of a server, and to one. */
export interface Transport {
  readonly kind: TransportKind;
  /** A server, not listening yet, whose connections come as wires. */
  createServer(onWire: (wire: Wire) => void): Server;
  /**
   * Opens a connection.
   * @param host address or name
   * @returns gives the attempt up; the taker hears nothing more
   */
  connect(host: string, port: number, taker: ConnectTaker): () => void;
}

export const TRANSPORT_KINDS = ['net', 'handle'] as const;
export type TransportKind = (typeof TRANSPORT_KINDS)[number];

/** More than this waits to leave: the writer is told to wait. */
export const UNSENT_MAX_BYTES = 65_536;
/** Up to this size copying octets behind their head costs less than handing the kernel a list. */
export const GATHER_MAX_BYTES = 8192;
