/**
 * The streams of one connection (RFC 9113 5.1): which may be opened, which are open, and what a frame for one that is not
 * open any more means.
 */
import { readRawTrailers } from '../http1/field-list.ts';
import { Allowance, RESETS } from './allowance.ts';
import { BLOCK_MAX_BYTES, BlockArrival } from './block-arrival.ts';
import type { ConnectionHome } from './connection-home.ts';
import { FLAG, FRAME, H2_ERROR, type H2Error, PRIORITY_BYTES, WINDOW_MAX_BYTES } from './frame.ts';
import type { FrameReader } from './frame-reader.ts';
import { type BlockOutcome, HpackDecoder } from './hpack/decoder.ts';
import { openRequest } from './open-request.ts';
import { HEADER_LIST_MAX_BYTES, type PeerSettings, STREAMS_MAX } from './settings.ts';
import { Http2Stream } from './stream.ts';
import type { StreamHome } from './stream-home.ts';

/** Streams we have reset whose frames may still be on their way. */
const RESET_REMEMBERED = 256;
const WORD_BYTES = 4;
const NO_TRAILERS: readonly string[] = [];
/** What no trailer is called: pseudo-fields, capitals, fields of a connection (RFC 9113 8.1, 8.2). */
const NO_TRAILER = /^:|[A-Z]|^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/;

/** The connection, as far as its streams ask something of it. */
export interface StreamsOwner extends StreamHome {
  /** A request has begun while there was none. */
  onBusy(): void;
}

export class Streams {
  readonly #owner: StreamsOwner;
  readonly #home: ConnectionHome;
  readonly #settings: PeerSettings;
  readonly #open = new Map<number, Http2Stream>();
  readonly #decoder = new HpackDecoder({ listMaxBytes: HEADER_LIST_MAX_BYTES, blockMaxBytes: BLOCK_MAX_BYTES });
  readonly #block = new BlockArrival();
  readonly #resets: Allowance;
  readonly #resetByUs = new Set<number>();
  /** Of the DATA frame that is being read; null: its stream is not open. */
  #dataStream: Http2Stream | null = null;
  /** The last stream the client opened. */
  lastId = 0;
  /** Requests whose answer was not complete yet. */
  busyCount = 0;
  /** New streams are no longer served. */
  takesNone = false;

  constructor(owner: StreamsOwner, home: ConnectionHome, settings: PeerSettings) {
    this.#owner = owner;
    this.#home = home;
    this.#settings = settings;
    this.#resets = new Allowance(RESETS, home.now);
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** A header block is not complete. */
  get isWithinBlock(): boolean {
    return this.#block.streamId > 0;
  }

  // ---- what may come at all

  /** Whether a frame of this type may come for this stream now. */
  admits(type: number, streamId: number): H2Error {
    const block = this.#block.streamId;
    if (block > 0 && (type !== FRAME.continuation || streamId !== block)) return H2_ERROR.protocol;
    if (type === FRAME.continuation) return block > 0 ? H2_ERROR.none : H2_ERROR.protocol;
    if (type === FRAME.pushPromise) return H2_ERROR.protocol;
    if (type === FRAME.settings || type === FRAME.ping || type === FRAME.goAway) {
      return streamId === 0 ? H2_ERROR.none : H2_ERROR.protocol;
    }
    if (type > FRAME.continuation || type === FRAME.priority) {
      return type === FRAME.priority && streamId === 0 ? H2_ERROR.protocol : H2_ERROR.none;
    }
    if (streamId === 0) return type === FRAME.windowUpdate ? H2_ERROR.none : H2_ERROR.protocol;
    // A stream that was never opened takes nothing but its opening.
    const idle = streamId > this.lastId || (streamId & 1) === 0;
    if (type === FRAME.headers) return (streamId & 1) === 0 ? H2_ERROR.protocol : H2_ERROR.none;
    return idle ? H2_ERROR.protocol : H2_ERROR.none;
  }

  // ---- header blocks

  onHeaders(frame: FrameReader, b: Buffer, start: number, end: number): H2Error {
    const { flags, streamId } = frame;
    let from = start;
    let to = end;
    if ((flags & FLAG.padded) !== 0) {
      if (from >= to) return H2_ERROR.frameSize;
      to -= b[from++] as number;
    }
    const priorityAt = from;
    if ((flags & FLAG.priority) !== 0) from += PRIORITY_BYTES;
    if (from > to) return (flags & FLAG.padded) !== 0 ? H2_ERROR.protocol : H2_ERROR.frameSize;
    const dependsOnItself = from > priorityAt && (b.readUInt32BE(priorityAt) & 0x7fffffff) === streamId;
    const endsStream = (flags & FLAG.endStream) !== 0;
    if ((flags & FLAG.endHeaders) === 0) {
      this.#block.start(streamId, endsStream);
      return this.#block.add(b, from, to) ? H2_ERROR.none : H2_ERROR.enhanceYourCalm;
    }
    return this.#onBlock(streamId, { outcome: this.#decoder.decode(b, from, to), endsStream, dependsOnItself });
  }

  onContinuation(frame: FrameReader, b: Buffer, start: number, end: number): H2Error {
    const block = this.#block;
    const { streamId, endsStream } = block;
    if (!block.add(b, start, end)) return H2_ERROR.enhanceYourCalm;
    if ((frame.flags & FLAG.endHeaders) === 0) return H2_ERROR.none;
    const octets = block.take();
    const outcome = this.#decoder.decode(octets, 0, octets.length);
    return this.#onBlock(streamId, { outcome, endsStream, dependsOnItself: false });
  }

  #onBlock(streamId: number, block: Block): H2Error {
    const { outcome, endsStream } = block;
    if (outcome === 'malformed') return H2_ERROR.compression;
    const stream = this.#open.get(streamId);
    if (stream !== undefined) return this.#onTrailers(stream, block);
    if (streamId <= this.lastId) return this.#onClosedStream(streamId, H2_ERROR.streamClosed);
    // Opened after the client was told the last one: it will ask again elsewhere (RFC 9113 6.8).
    if (this.takesNone) return H2_ERROR.none;
    this.lastId = streamId;
    if (block.dependsOnItself) return this.#refuse(streamId, H2_ERROR.protocol);
    if (this.#open.size >= STREAMS_MAX) return this.#refuse(streamId, H2_ERROR.refusedStream);
    this.#serve(streamId, outcome, endsStream);
    return H2_ERROR.none;
  }

  #serve(id: number, outcome: BlockOutcome, endsStream: boolean): void {
    const stream = new Http2Stream({ id, home: this.#owner, sendWindow: this.#settings.initialWindowBytes });
    this.#open.set(id, stream);
    this.busyCount++;
    if (this.busyCount === 1) this.#owner.onBusy();
    openRequest(stream, this.#home, { fields: outcome === 'complete' ? this.#decoder.fields : null, endsStream });
  }

  #onTrailers(stream: Http2Stream, { outcome, endsStream }: Block): H2Error {
    if (stream.body.isEnded) return this.#onClosedStream(stream.id, H2_ERROR.streamClosed);
    const { fields } = this.#decoder;
    const trailers = outcome === 'complete' && endsStream ? trailersOf(fields) : null;
    if (trailers !== null) stream.body.end(trailers);
    else stream.onFault();
    return H2_ERROR.none;
  }

  // ---- DATA

  onDataStart(frame: FrameReader): H2Error {
    const { streamId, length } = frame;
    const stream = this.#open.get(streamId) ?? null;
    this.#dataStream = stream;
    if (stream === null || stream.body.isEnded) {
      this.#dataStream = null;
      this.#owner.onTaken(length);
      return this.#onClosedStream(streamId, H2_ERROR.none);
    }
    if (stream.body.arrive(length)) return H2_ERROR.none;
    this.#dataStream = null;
    this.#owner.onTaken(length);
    return this.#break(stream, H2_ERROR.flowControl);
  }

  onData(part: Buffer): void {
    this.#dataStream?.body.add(part);
  }

  onDataEnd(paddingBytes: number, endsStream: boolean): void {
    const body = this.#dataStream?.body;
    body?.skip(paddingBytes);
    if (endsStream && body?.isStopped === false) body.end(NO_TRAILERS);
    this.#dataStream = null;
  }

  // ---- the other frames of streams

  onStreamControl(frame: FrameReader, b: Buffer, start: number): H2Error {
    const { type, streamId, length } = frame;
    const stream = this.#open.get(streamId);
    if (type === FRAME.priority) {
      const fault = length !== PRIORITY_BYTES ? H2_ERROR.frameSize : H2_ERROR.protocol;
      if (length === PRIORITY_BYTES && (b.readUInt32BE(start) & 0x7fffffff) !== streamId) return H2_ERROR.none;
      return stream === undefined ? this.#refuse(streamId, fault) : this.#break(stream, fault);
    }
    if (length !== WORD_BYTES) return H2_ERROR.frameSize;
    if (stream === undefined) return H2_ERROR.none;
    // To ask for much and take it back costs the client nothing and the replicas a lot.
    if (stream.isUnanswered && !this.#resets.spend()) return H2_ERROR.enhanceYourCalm;
    stream.onGone();
    return H2_ERROR.none;
  }

  onWindowUpdate(streamId: number, bytes: number): H2Error {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return H2_ERROR.none;
    if (bytes === 0) return this.#break(stream, H2_ERROR.protocol);
    if (stream.sendWindow + bytes > WINDOW_MAX_BYTES) return this.#break(stream, H2_ERROR.flowControl);
    stream.sendWindow += bytes;
    this.#goOn(stream);
    this.#owner.sender.advance();
    return H2_ERROR.none;
  }

  /** The window that streams start with has changed (RFC 9113 6.9.2). False: one is now beyond what a window can be. */
  moveWindows(bytes: number): boolean {
    for (const stream of this.#open.values()) {
      stream.sendWindow += bytes;
      if (stream.sendWindow > WINDOW_MAX_BYTES) return false;
      this.#goOn(stream);
    }
    this.#owner.sender.advance();
    return true;
  }

  #goOn(stream: Http2Stream): void {
    if (stream.hasQueued) this.#owner.sender.enlist(stream);
  }

  // ---- faults and ends

  /** A frame for a stream that is over: late if we ended it, wrong if the client did. */
  #onClosedStream(streamId: number, code: H2Error): H2Error {
    if (this.#resetByUs.has(streamId)) return H2_ERROR.none;
    if (code !== H2_ERROR.none) return code;
    const stream = this.#open.get(streamId);
    return stream === undefined
      ? this.#refuse(streamId, H2_ERROR.streamClosed)
      : this.#break(stream, H2_ERROR.streamClosed);
  }

  /** Resets an open stream for what the client did to it. */
  #break(stream: Http2Stream, code: H2Error): H2Error {
    if (!this.#resets.spend()) return H2_ERROR.enhanceYourCalm;
    stream.onBroken(code);
    return H2_ERROR.none;
  }

  /** Resets a stream that is not open. */
  #refuse(streamId: number, code: H2Error): H2Error {
    if (!this.#resets.spend()) return H2_ERROR.enhanceYourCalm;
    this.#owner.reset(streamId, code);
    return H2_ERROR.none;
  }

  noteReset(streamId: number): void {
    const known = this.#resetByUs;
    known.add(streamId);
    if (known.size <= RESET_REMEMBERED) return;
    for (const oldest of known) {
      known.delete(oldest);
      break;
    }
  }

  forget(streamId: number): void {
    this.#open.delete(streamId);
  }

  /** A request needs nothing more but to be sent. Returns how many do. */
  settle(): number {
    this.busyCount--;
    return this.busyCount;
  }

  /** The client is gone. */
  abandon(): void {
    for (const stream of this.#open.values()) stream.onGone();
  }
}

interface Block {
  readonly outcome: BlockOutcome;
  readonly endsStream: boolean;
  readonly dependsOnItself: boolean;
}

/** The trailers that go on; null if they are malformed. */
function trailersOf(fields: readonly string[]): readonly string[] | null {
  for (let i = 0; i < fields.length; i += 2) if (NO_TRAILER.test(fields[i] as string)) return null;
  return readRawTrailers(fields);
}
