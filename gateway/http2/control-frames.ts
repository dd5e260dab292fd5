/**
 * Frames that carry no message: what the client asks of the connection itself, answered where an answer is due.
 */
import { FLAG, FRAME, H2_ERROR, type H2Error } from './frame.ts';
import type { FrameReader } from './frame-reader.ts';
import type { Sender } from './sender.ts';
import type { PeerSettings } from './settings.ts';
import type { Streams } from './streams.ts';

/** Asked with a PING whether the client has read that it should leave. */
const GOODBYE = Buffer.from('tidegate', 'latin1');
const PING_BYTES = 8;
const GO_AWAY_MIN_BYTES = 8;
const WORD_BYTES = 4;
const WORD_MASK = 0x7fffffff;

export interface ControlOwner {
  readonly sender: Sender;
  /** The client has read the goodbye. */
  onGoodbyeRead(): void;
  /** The client will open nothing more. */
  onGoAway(): void;
}

export class ControlFrames {
  readonly #owner: ControlOwner;
  readonly #streams: Streams;
  readonly #settings: PeerSettings;

  constructor(owner: ControlOwner, streams: Streams, settings: PeerSettings) {
    this.#owner = owner;
    this.#streams = streams;
    this.#settings = settings;
  }

  /** Asks the client for a sign that it has read what was written so far. */
  sayGoodbye(): void {
    this.#owner.sender.writer.ping(0, GOODBYE, 0);
  }

  /** Takes the payload of a frame, `b[start, end)`. Returns what the connection has to be left for, if anything. */
  onFrame(frame: FrameReader, b: Buffer, start: number, end: number): H2Error {
    switch (frame.type) {
      case FRAME.settings:
        return this.#onSettings(frame, b, start, end);
      case FRAME.ping:
        return this.#onPing(frame, b, start);
      case FRAME.windowUpdate:
        if (frame.length !== WORD_BYTES) return H2_ERROR.frameSize;
        return this.#onWindowUpdate(frame.streamId, b.readUInt32BE(start) & WORD_MASK);
      case FRAME.reset:
      case FRAME.priority:
        return this.#streams.onStreamControl(frame, b, start);
      case FRAME.goAway:
        if (frame.length < GO_AWAY_MIN_BYTES) return H2_ERROR.frameSize;
        this.#owner.onGoAway();
        return H2_ERROR.none;
      default:
        // For others to understand (RFC 9113 5.5).
        return H2_ERROR.none;
    }
  }

  #onSettings(frame: FrameReader, b: Buffer, start: number, end: number): H2Error {
    if ((frame.flags & FLAG.ack) !== 0) return end > start ? H2_ERROR.frameSize : H2_ERROR.none;
    const settings = this.#settings;
    const before = settings.initialWindowBytes;
    const fault = settings.read(b, start, end);
    if (fault !== H2_ERROR.none) return fault;
    const { heads, writer } = this.#owner.sender;
    heads.allowTable(settings.headerTableBytes);
    writer.settingsAck();
    return this.#streams.moveWindows(settings.initialWindowBytes - before) ? H2_ERROR.none : H2_ERROR.flowControl;
  }

  #onPing(frame: FrameReader, b: Buffer, start: number): H2Error {
    if (frame.length !== PING_BYTES) return H2_ERROR.frameSize;
    if ((frame.flags & FLAG.ack) === 0) this.#owner.sender.writer.ping(FLAG.ack, b, start);
    else if (b.compare(GOODBYE, 0, PING_BYTES, start, start + PING_BYTES) === 0) this.#owner.onGoodbyeRead();
    return H2_ERROR.none;
  }

  #onWindowUpdate(streamId: number, bytes: number): H2Error {
    if (streamId > 0) return this.#streams.onWindowUpdate(streamId, bytes);
    if (bytes === 0) return H2_ERROR.protocol;
    return this.#owner.sender.open(bytes) ? H2_ERROR.none : H2_ERROR.flowControl;
  }
}
