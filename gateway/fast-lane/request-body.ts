/**
 * Cuts the body of one request out of the octets of its connection, and says how it ended: whole, or at fault.
 */
import { ChunkedBody } from '../http1/chunked.ts';
import { FRAMING, type Framing } from '../http1/framing.ts';
import type { RequestHead } from '../http1/request-head.ts';

const NO_TRAILERS: readonly string[] = [];

/** Hears of the body. May stop the flow from within any call. */
export interface BodySink {
  /** More may be handed over now. */
  readonly isFlowing: boolean;
  onPart(part: Buffer): void;
  onWhole(trailers: readonly string[]): void;
  onFault(): void;
}

/** One body at a time; `start` makes it ready for the next. */
export class RequestBody {
  readonly #sink: BodySink;
  #framing: Framing = FRAMING.none;
  #bytesLeft = 0;
  #chunks: ChunkedBody | null = null;
  /** Nothing of it is to come. */
  isWhole = true;

  constructor(sink: BodySink) {
    this.#sink = sink;
  }

  /** Bytes that are still to come; infinite when that is not known. */
  get bytesLeft(): number {
    if (this.isWhole) return 0;
    return this.#framing === FRAMING.chunked ? Number.POSITIVE_INFINITY : this.#bytesLeft;
  }

  start(head: RequestHead): void {
    this.#framing = head.framing;
    this.isWhole = head.framing === FRAMING.none;
    this.#bytesLeft = head.contentLength;
    if (head.framing !== FRAMING.chunked) return;
    this.#chunks ??= new ChunkedBody();
    this.#chunks.start('payload');
  }

  /**
   * Reads from `b[at, end)` for as long as the sink lets it flow.
   * @param owned the octets stay as they are; otherwise what is handed over is copied
   * @returns where it stopped
   */
  read(b: Buffer, at: number, end: number, owned: boolean): number {
    if (this.#framing === FRAMING.chunked) return this.#readChunks(b, at, end, owned);
    const to = Math.min(end, at + this.#bytesLeft);
    this.#bytesLeft -= to - at;
    this.isWhole = this.#bytesLeft === 0;
    const { isWhole } = this;
    this.#sink.onPart(cut(b, at, to, owned));
    if (isWhole) this.#sink.onWhole(NO_TRAILERS);
    return to;
  }

  #readChunks(b: Buffer, start: number, end: number, owned: boolean): number {
    const sink = this.#sink;
    const chunks = this.#chunks;
    let at = start;
    while (chunks !== null && sink.isFlowing) {
      at = chunks.scan(b, at, end);
      const { event, trailers } = chunks;
      if (event === 'done' || event === 'fault') this.isWhole = event === 'done';
      if (chunks.partEnd > chunks.partStart) sink.onPart(cut(b, chunks.partStart, chunks.partEnd, owned));
      if (event === 'done') sink.onWhole(trailers);
      if (event === 'fault') sink.onFault();
      if (event !== 'part') break;
    }
    return at;
  }
}

function cut(b: Buffer, start: number, end: number, owned: boolean): Buffer {
  const part = b.subarray(start, end);
  return owned ? part : Buffer.from(part);
}
