/**
 * Two streams in one, as the Engine sends stdout and stderr of a process without a terminal: frames of eight bytes of head
 * and their bytes (Engine API, "Attach to a container"). Pieces may break anywhere; nothing is held back but a head.
 */
import type { LogStream } from './log-lines.ts';

const HEAD_BYTES = 8;

export interface StdPiece {
  readonly stream: LogStream;
  readonly bytes: Buffer;
}

export class StdFrames {
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headFilled = 0;
  #left = 0;
  #stream: LogStream = 'stdout';

  push(piece: Buffer): StdPiece[] {
    const found: StdPiece[] = [];
    let at = 0;
    while (at < piece.length) {
      if (this.#left === 0) {
        const taken = piece.copy(this.#head, this.#headFilled, at, at + HEAD_BYTES - this.#headFilled);
        this.#headFilled += taken;
        at += taken;
        if (this.#headFilled < HEAD_BYTES) break;
        this.#headFilled = 0;
        this.#stream = this.#head[0] === 2 ? 'stderr' : 'stdout';
        this.#left = this.#head.readUInt32BE(4);
        continue;
      }
      const bytes = piece.subarray(at, at + this.#left);
      found.push({ stream: this.#stream, bytes });
      this.#left -= bytes.length;
      at += bytes.length;
    }
    return found;
  }
}
