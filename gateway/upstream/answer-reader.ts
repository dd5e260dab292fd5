/**
 * Reads one answer after the other out of an upstream's octets. It says exactly once how each ended: whole, or invalid;
 * that the octets ran out before is known to the connection.
 */
import { isWorthScanning } from '../http1/arrival.ts';
import { ChunkedBody } from '../http1/chunked.ts';
import { FRAMING } from '../http1/framing.ts';
import { type Asked, RESPONSE_LIMITS_BYTES, type ResponseHead } from '../http1/response-head.ts';

const NO_TRAILERS: readonly string[] = [];

/** Hears what is read. May stop the reader from within any call. */
export interface AnswerSink {
  /** A 1xx other than 101. The head holds during the call only. */
  onInformational(head: ResponseHead): void;
  /**
   * The head holds during the call only.
   * @param rest after a 101: what follows it already; null otherwise
   */
  onHead(head: ResponseHead, rest: Buffer | null): void;
  /** A part of the body, without framing. The octets may be kept. */
  onBody(chunk: Buffer): void;
  /** @param surplus more followed than was asked for */
  onWhole(trailers: readonly string[], surplus: boolean): void;
  onFault(fault: string): void;
}

type Phase = 'idle' | 'head' | 'body';

export class AnswerReader {
  readonly #sink: AnswerSink;
  readonly #head: ResponseHead;
  #phase: Phase = 'idle';
  #asked: Asked = { isHead: false, websocket: false };
  /** Octets of a head that is not complete yet. */
  #partial: Buffer | null = null;
  #framing: ResponseHead['framing'] = FRAMING.none;
  #bytesLeft = 0;
  #chunks: ChunkedBody | null = null;

  /** @param scratch may be shared by all readers: a head is read within one call */
  constructor(scratch: ResponseHead, sink: AnswerSink) {
    this.#head = scratch;
    this.#sink = sink;
  }

  /** Whether an answer is awaited or being read. */
  get isReading(): boolean {
    return this.#phase !== 'idle';
  }

  /** Whether the end of the stream is the end of the answer. */
  get endsByClose(): boolean {
    return this.#phase === 'body' && this.#framing === FRAMING.close;
  }

  /** Makes ready for the answer to a request. */
  start(asked: Asked): void {
    this.#asked = asked;
    this.#phase = 'head';
    this.#partial = null;
  }

  stop(): void {
    this.#phase = 'idle';
    this.#partial = null;
  }

  read(chunk: Buffer): void {
    const bytes = this.#joined(chunk);
    let at = 0;
    while (bytes !== null && at < bytes.length && this.#phase !== 'idle') {
      at = this.#phase === 'head' ? this.#readHead(bytes, at) : this.#readBody(bytes, at);
    }
  }

  /** What is to be scanned now, or null when a head cannot have become complete. */
  #joined(chunk: Buffer): Buffer | null {
    const partial = this.#partial;
    if (partial === null) return chunk;
    const bytes = Buffer.concat([partial, chunk]);
    const arrived = { start: 0, seen: partial.length, end: bytes.length };
    this.#partial = isWorthScanning(bytes, arrived, RESPONSE_LIMITS_BYTES) ? null : bytes;
    return this.#partial === null ? bytes : null;
  }

  /** Returns where to read on. */
  #readHead(bytes: Buffer, at: number): number {
    const head = this.#head;
    const outcome = head.scan(bytes, at, bytes.length, this.#asked);
    if (outcome === 'incomplete') {
      this.#partial = at === 0 ? bytes : bytes.subarray(at);
      return bytes.length;
    }
    if (outcome === 'malformed') return this.#refuse(head.fault, bytes);
    const { end, framing } = head;
    if (head.informational) {
      this.#sink.onInformational(head);
      return end;
    }
    if (head.switched) {
      this.stop();
      this.#sink.onHead(head, end < bytes.length ? bytes.subarray(end) : null);
      return bytes.length;
    }
    this.#phase = 'body';
    this.#framing = framing;
    this.#bytesLeft = head.contentLength;
    this.#sink.onHead(head, null);
    if (framing === FRAMING.none) return this.#complete(bytes, end, NO_TRAILERS);
    if (framing === FRAMING.chunked) {
      this.#chunks ??= new ChunkedBody();
      this.#chunks.start('payload');
    }
    return end;
  }

  #readBody(bytes: Buffer, at: number): number {
    if (this.#framing === FRAMING.chunked) return this.#readChunks(bytes, at);
    const end = this.#framing === FRAMING.length ? Math.min(bytes.length, at + this.#bytesLeft) : bytes.length;
    this.#bytesLeft -= end - at;
    this.#sink.onBody(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    const ended = this.#framing === FRAMING.length && this.#bytesLeft === 0;
    return ended ? this.#complete(bytes, end, NO_TRAILERS) : end;
  }

  #readChunks(bytes: Buffer, start: number): number {
    const chunks = this.#chunks;
    let at = start;
    while (chunks !== null && this.#phase === 'body') {
      at = chunks.scan(bytes, at, bytes.length);
      if (chunks.partEnd > chunks.partStart) this.#sink.onBody(bytes.subarray(chunks.partStart, chunks.partEnd));
      if (chunks.event === 'fault') return this.#refuse(chunks.fault, bytes);
      if (chunks.event === 'done') return this.#complete(bytes, at, chunks.trailers);
      if (chunks.event === 'more') return at;
    }
    return bytes.length;
  }

  #complete(bytes: Buffer, at: number, trailers: readonly string[]): number {
    if (this.#phase === 'idle') return bytes.length;
    this.stop();
    this.#sink.onWhole(trailers, at < bytes.length);
    return bytes.length;
  }

  #refuse(fault: string, bytes: Buffer): number {
    if (this.#phase === 'idle') return bytes.length;
    this.stop();
    this.#sink.onFault(fault);
    return bytes.length;
  }
}
