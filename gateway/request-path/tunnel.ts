/**
 * What is left of a request after 101: two wires joined octet by octet. Each side's end and abort reach the other, and
 * when both are closed nothing is left.
 */
import { Deadline, type Deadlines } from '../deadlines.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';

export interface TunnelOptions {
  readonly client: Wire;
  readonly upstream: Wire;
  readonly deadlines: Deadlines;
  /** Longest silence of both sides. */
  readonly idleMs: number;
  /** Both sides are closed. */
  readonly onClosed: (bytesIn: number, bytesOut: number) => void;
}

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #deadline = new Deadline(() => this.destroy());
  readonly #client: TunnelEnd;
  readonly #upstream: TunnelEnd;
  #open = 2;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { client, upstream, deadlines, idleMs } = options;
    this.#client = new TunnelEnd(this, client, upstream);
    this.#upstream = new TunnelEnd(this, upstream, client);
    deadlines.start(this.#deadline, idleMs);
    for (const end of [this.#client, this.#upstream]) {
      // One that closed before it came here has nobody else to tell.
      if (end.wire.isOpen) end.wire.start(end);
      else this.onClosed(end);
    }
  }

  /** @internal Something moved. */
  touch(): void {
    this.#options.deadlines.touch(this.#deadline);
  }

  /** @internal */
  onClosed(end: TunnelEnd): void {
    const { deadlines, onClosed } = this.#options;
    this.#open--;
    if (this.#open === 0) {
      deadlines.stop(this.#deadline);
      onClosed(this.#client.bytes, this.#upstream.bytes);
      return;
    }
    // After a clean close the other side has been ended and closes when its last octets have left; this one is gone.
    if (!this.#client.hasEnded || !this.#upstream.hasEnded) end.other.destroy();
  }

  destroy(): void {
    this.#options.client.destroy();
    this.#options.upstream.destroy();
  }
}

/** One side: what it says goes to the other. */
class TunnelEnd implements WireOwner {
  readonly wire: Wire;
  readonly other: Wire;
  readonly #tunnel: Tunnel;
  /** It has said all it will say; it may still listen. */
  hasEnded = false;
  bytes = 0;

  constructor(tunnel: Tunnel, wire: Wire, other: Wire) {
    this.#tunnel = tunnel;
    this.wire = wire;
    this.other = other;
  }

  onOctets(b: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    this.#tunnel.touch();
    if (!this.other.pass(b, start, end, this.wire.ownsReads)) this.wire.pause();
  }

  onDrain(): void {
    this.other.resume();
  }

  onEnd(): void {
    this.hasEnded = true;
    this.other.end();
  }

  onClosed(): void {
    this.#tunnel.onClosed(this);
  }
}
