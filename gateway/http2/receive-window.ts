/**
 * What one side may still send us (RFC 9113 5.2), on a connection or a stream. Octets count from their arrival until they
 * were taken, and room is given back in large pieces.
 */

export class ReceiveWindow {
  readonly #sizeBytes: number;
  /** What the other side may still send. */
  #leftBytes: number;
  /** Taken and not yet given back. */
  #takenBytes = 0;

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#leftBytes = sizeBytes;
  }

  /** Octets arrived. False: more than was allowed. */
  arrive(bytes: number): boolean {
    this.#leftBytes -= bytes;
    return this.#leftBytes >= 0;
  }

  /** Octets were taken. Returns what to announce by WINDOW_UPDATE, 0 while that is not worth a frame. */
  take(bytes: number): number {
    this.#takenBytes += bytes;
    if (this.#takenBytes * 2 < this.#sizeBytes) return 0;
    const room = this.#takenBytes;
    this.#takenBytes = 0;
    this.#leftBytes += room;
    return room;
  }
}
