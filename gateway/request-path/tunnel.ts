/**
 * What is left of a request after 101: two streams joined octet by octet. Each side's end and abort reach the other, and
 * when both are closed nothing is left.
 */
import type { Duplex } from 'node:stream';
import { Deadline, type Deadlines } from '../deadlines.ts';

export interface TunnelOptions {
  readonly client: Duplex;
  readonly upstream: Duplex;
  readonly deadlines: Deadlines;
  /** Longest silence of both sides. */
  readonly idleMs: number;
  /** Both sides are closed. */
  readonly onClosed: (bytesIn: number, bytesOut: number) => void;
}

export class Tunnel {
  readonly #options: TunnelOptions;
  readonly #deadline = new Deadline(() => this.#destroy());
  #bytesIn = 0;
  #bytesOut = 0;
  #open = 2;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { client, upstream, deadlines, idleMs } = options;
    deadlines.start(this.#deadline, idleMs);
    this.#join(client, upstream, (bytes) => {
      this.#bytesIn += bytes;
    });
    this.#join(upstream, client, (bytes) => {
      this.#bytesOut += bytes;
    });
  }

  #join(from: Duplex, to: Duplex, count: (bytes: number) => void): void {
    from.on('data', (chunk: Buffer) => {
      count(chunk.length);
      this.#options.deadlines.touch(this.#deadline);
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    // A side that has said all it will say may still listen.
    from.on('end', () => to.end());
    from.on('error', () => {});
    if (from.closed) {
      this.#onClose(to);
      return;
    }
    from.on('close', () => this.#onClose(to));
    from.resume();
  }

  #onClose(other: Duplex): void {
    this.#open--;
    if (this.#open > 0) {
      // After a clean close the other side has been ended and closes when its last octets have left; this one is gone.
      if (!other.writableEnded || !other.readableEnded) other.destroy();
      return;
    }
    this.#options.deadlines.stop(this.#deadline);
    this.#options.onClosed(this.#bytesIn, this.#bytesOut);
  }

  #destroy(): void {
    this.#options.client.destroy();
    this.#options.upstream.destroy();
  }
}
