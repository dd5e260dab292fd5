/**
 * A header block that comes in pieces: HEADERS and CONTINUATION, with nothing between them (RFC 9113 4.3). How long it may
 * get, and in how many pieces it may come, is bounded, whatever it decodes to (CVE-2024-27316).
 */

/** Of a compressed block; one frame of full size. */
export const BLOCK_MAX_BYTES = 16_384;
const PIECES_MAX = 8;

export class BlockArrival {
  /** Stream of the block that is not complete; 0: there is none. */
  streamId = 0;
  endsStream = false;
  #pieces: Buffer[] = [];
  #bytes = 0;

  start(streamId: number, endsStream: boolean): void {
    this.streamId = streamId;
    this.endsStream = endsStream;
  }

  /** Keeps a copy of a piece. False: the block is too long, or in too many pieces. */
  add(b: Buffer, start: number, end: number): boolean {
    this.#bytes += end - start;
    if (this.#bytes > BLOCK_MAX_BYTES) return false;
    return this.#pieces.push(Buffer.from(b.subarray(start, end))) <= PIECES_MAX;
  }

  /** Ends the block and returns it. */
  take(): Buffer {
    const block = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    this.streamId = 0;
    return block;
  }
}
