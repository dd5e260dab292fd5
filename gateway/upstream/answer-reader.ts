/**
 * Reads one answer after the other out of an upstream's octets. It says exactly once how each ended: whole, or invalid;
 * that the octets ran out before is known to the connection.
 */
import { isWorthScanning } from '../http1/arrival.ts';
import { ChunkedBody } from '../http1/chunked.ts';
import { FRAMING } from '../http1/framing.ts';
import { type Asked, RESPONSE_LIMITS_BYTES, type ResponseHead } from '../http1/response-head.ts';

const NO_TRAILERS: readonly string[] = [];
/** More informational answers before one answer than anyone means. */
const INFORMED_MAX = 64;

/** Hears what is read. May stop the reader from within any call. */
export interface AnswerSink {
  /** A 1xx other than 101. The head holds during the call only. */
  onInformational(head: ResponseHead): void;
  /**
   * The head holds during the call only.
   * @param rest after a 101: what follows it already; null otherwise
   */
  onHead(head: ResponseHead, rest: Buffer | null): void;
  /**
   * A part of the body, without framing.
   * @param owned the octets stay as they are; otherwise they hold during the call only
   */
  onBody(chunk: Buffer, owned: boolean): void;
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
  /** Informational answers to this request so far. */
  #informed = 0;
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
    this.#informed = 0;
  }

  stop(): void {
    this.#phase = 'idle';
    this.#partial = null;
  }

  /**
   * Reads `b[start, end)`, which follows what was read before.
   * @param owned the octets stay as they are; otherwise they hold during the call only
   */
  read(b: Buffer, start: number, end: number, owned: boolean): void {
    const partial = this.#partial;
    if (partial === null) {
      this.#readAll(b, start, end, owned);
      return;
    }
    const bytes = Buffer.concat([partial, b.subarray(start, end)]);
    const arrived = { start: 0, seen: partial.length, end: bytes.length };
    // A head that cannot have become complete is not looked at.
    const worth = isWorthScanning(bytes, arrived, RESPONSE_LIMITS_BYTES);
    this.#partial = worth ? null : bytes;
    if (worth) this.#readAll(bytes, 0, bytes.length, true);
  }

  #readAll(b: Buffer, start: number, end: number, owned: boolean): void {
    let at = start;
    while (at < end && this.#phase !== 'idle') {
      at = this.#phase === 'head' ? this.#readHead(b, at, end) : this.#readBody(b, at, end, owned);
    }
  }

  /** Returns where to read on. */
  #readHead(b: Buffer, at: number, end: number): number {
    const head = this.#head;
    const outcome = head.scan(b, at, end, this.#asked);
    if (outcome === 'incomplete') {
      this.#partial = Buffer.from(b.subarray(at, end));
      return end;
    }
    if (outcome === 'malformed') return this.#refuse(head.fault, end);
    const { end: after, framing } = head;
    if (head.informational) {
      if (++this.#informed > INFORMED_MAX) return this.#refuse('informed-too-often', end);
      this.#sink.onInformational(head);
      return after;
    }
    if (head.switched) {
      this.stop();
      this.#sink.onHead(head, after < end ? Buffer.from(b.subarray(after, end)) : null);
      return end;
    }
    this.#phase = 'body';
    this.#framing = framing;
    this.#bytesLeft = head.contentLength;
    this.#sink.onHead(head, null);
    if (framing === FRAMING.none) return this.#complete(after, end, NO_TRAILERS);
    if (framing === FRAMING.chunked) {
      this.#chunks ??= new ChunkedBody();
      this.#chunks.start('payload');
    }
    return after;
  }

  #readBody(b: Buffer, at: number, end: number, owned: boolean): number {
    if (this.#framing === FRAMING.chunked) return this.#readChunks(b, at, end, owned);
    const to = this.#framing === FRAMING.length ? Math.min(end, at + this.#bytesLeft) : end;
    this.#bytesLeft -= to - at;
    this.#sink.onBody(at === 0 && to === b.length ? b : b.subarray(at, to), owned);
    const ended = this.#framing === FRAMING.length && this.#bytesLeft === 0;
    return ended ? this.#complete(to, end, NO_TRAILERS) : to;
  }

  #readChunks(b: Buffer, start: number, end: number, owned: boolean): number {
    const chunks = this.#chunks;
    let at = start;
    while (chunks !== null && this.#phase === 'body') {
      at = chunks.scan(b, at, end);
      if (chunks.partEnd > chunks.partStart) this.#sink.onBody(b.subarray(chunks.partStart, chunks.partEnd), owned);
      if (chunks.event === 'fault') return this.#refuse(chunks.fault, end);
      if (chunks.event === 'done') return this.#complete(at, end, chunks.trailers);
      if (chunks.event === 'more') return at;
    }
    return end;
  }

  #complete(at: number, end: number, trailers: readonly string[]): number {
    if (this.#phase === 'idle') return end;
    this.stop();
    this.#sink.onWhole(trailers, at < end);
    return end;
  }

  #refuse(fault: string, end: number): number {
    if (this.#phase === 'idle') return end;
    this.stop();
    this.#sink.onFault(fault);
    return end;
  }
}
