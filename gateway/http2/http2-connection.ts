/**
 * One client connection over HTTP/2 (RFC 9113): frames in, streams served side by side, and an end that loses no answer.
 *
 *   preface ──▶ settings ──▶ open ──drain, fault, idle──▶ leaving ──▶ gone
 */
import { Deadline } from '../deadlines.ts';
import type { Peer } from '../exchange.ts';
import type { LaneClock } from '../fast-lane/lane-clock.ts';
import type { RequestPath } from '../request-path/request-path.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import { Allowance, CONTROLS } from './allowance.ts';
import type { ConnectionHome } from './connection-home.ts';
import { ControlFrames, type ControlOwner } from './control-frames.ts';
import { FLAG, FRAME, H2_ERROR, type H2Error, INITIAL_WINDOW_BYTES, PREFACE, STREAM_ID_MAX } from './frame.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { ReceiveWindow } from './receive-window.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { CONNECTION_WINDOW_BYTES, OWN_SETTINGS, PeerSettings } from './settings.ts';
import { Streams, type StreamsOwner } from './streams.ts';

/** Longer than load balancers and browsers keep a connection, so that they are the ones who close it. */
const KEEP_ALIVE_MS = 65_000;
/** How long a client may take to read its last answer. */
const LINGER_MS = 5000;
/** How long requests may be on their way after the client was told to send no more. */
const GOODBYE_MS = 1000;

type Phase = 'preface' | 'settings' | 'open' | 'leaving' | 'gone';

export class Http2Connection implements WireOwner, FrameSink, SenderOwner, StreamsOwner, ControlOwner {
  readonly peer: Peer;
  readonly path: RequestPath;
  readonly clock: LaneClock;
  readonly sender: Sender;
  readonly #home: ConnectionHome;
  readonly #wire: Wire;
  readonly #reader = new FrameReader(this);
  readonly #streams: Streams;
  readonly #control: ControlFrames;
  readonly #window = new ReceiveWindow(CONNECTION_WINDOW_BYTES);
  readonly #controls: Allowance;
  /** Until the client has opened; while nothing is in flight; while it leaves. */
  readonly #deadline = new Deadline(() => this.#onExpired());
  /** While a header block is on its way. */
  readonly #blockDeadline = new Deadline(() => this.#leave(H2_ERROR.enhanceYourCalm));
  readonly #goodbye = new Deadline(() => this.onGoodbyeRead());
  #phase: Phase = 'preface';
  #prefaceBytes = 0;
  /** Octets whose turn has not come: the client does not read. */
  #held: Buffer | null = null;
  #stopped = false;
  /** The client was told the last stream that is served. */
  #saidLast = false;
  isDraining = false;

  constructor(home: ConnectionHome, wire: Wire, peer: Peer) {
    this.#home = home;
    this.#wire = wire;
    this.peer = peer;
    this.path = home.path;
    this.clock = home.clock;
    this.#controls = new Allowance(CONTROLS, home.now);
    this.sender = new Sender(wire, home.clock, home.batches, this);
    const settings = new PeerSettings();
    this.#streams = new Streams(this, home, settings);
    this.#control = new ControlFrames(this, this.#streams, settings);
  }

  start(): void {
    this.#home.deadlines.start(this.#deadline, this.#home.headTimeoutMs);
    this.sender.writer.settings(OWN_SETTINGS);
    this.sender.writer.windowUpdate(0, CONNECTION_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
    this.#wire.start(this);
  }

  get date(): string {
    return this.#home.date;
  }

  get isStopped(): boolean {
    return this.#stopped || this.#isLeaving;
  }

  onOctets(b: Buffer, start: number, end: number): void {
    if (this.#isLeaving) return;
    if (this.#held !== null) {
      this.#held = Buffer.concat([this.#held, b.subarray(start, end)]);
      return;
    }
    const from = this.#phase === 'preface' ? this.#readPreface(b, start, end) : start;
    const to = this.#reader.read(b, from, end);
    if (this.#isLeaving) return;
    if (to < end) this.#held = Buffer.from(b.subarray(to, end));
    const isWaiting = this.#reader.isWithin || this.#streams.isWithinBlock;
    if (!isWaiting) this.#home.deadlines.stop(this.#blockDeadline);
    else if (!this.#blockDeadline.isRunning) {
      this.#home.deadlines.start(this.#blockDeadline, this.#home.headTimeoutMs);
    }
  }

  #readPreface(b: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end && this.#prefaceBytes < PREFACE.length) {
      if (b[at] !== PREFACE[this.#prefaceBytes]) {
        this.#leave(H2_ERROR.protocol);
        return end;
      }
      at++;
      this.#prefaceBytes++;
    }
    if (this.#prefaceBytes === PREFACE.length) this.#phase = 'settings';
    return at;
  }

  /** Stops or goes on with reading, as the sender wants it. */
  onReading(stopped: boolean): void {
    this.#stopped = stopped;
    if (stopped) {
      this.#wire.pause();
      return;
    }
    const held = this.#held;
    this.#held = null;
    if (held !== null) this.onOctets(held, 0, held.length);
    if (!this.#stopped) this.#wire.resume();
  }

  onProgress(): void {
    if (this.#streams.busyCount === 0) this.#home.deadlines.touch(this.#deadline);
  }

  onDrain(): void {
    this.sender.onDrain();
  }

  // ---- frames

  onFrameStart(): void {
    const { type, flags, streamId, length } = this.#reader;
    if (this.#phase === 'settings') {
      if (type !== FRAME.settings || (flags & FLAG.ack) !== 0) {
        this.#leave(H2_ERROR.protocol);
        return;
      }
      this.#phase = 'open';
    }
    if (this.#isLeaving) return;
    const fault = this.#streams.admits(type, streamId);
    if (fault !== H2_ERROR.none) this.#leave(fault);
    else if (type !== FRAME.data) return;
    else if (!this.#window.arrive(length)) this.#leave(H2_ERROR.flowControl);
    else this.onFrameFault(this.#streams.onDataStart(this.#reader));
  }

  onData(b: Buffer, start: number, end: number): void {
    if (this.#isLeaving) return;
    const part = b.subarray(start, end);
    this.#streams.onData(this.#wire.ownsReads ? part : Buffer.from(part));
  }

  onDataEnd(paddingBytes: number): void {
    if (this.#isLeaving) return;
    const { flags, length } = this.#reader;
    const isEnd = (flags & FLAG.endStream) !== 0;
    // A frame without a message in it costs as much as one with.
    if (length === paddingBytes && !isEnd) this.#spend();
    else if (length > paddingBytes) this.#controls.earn(1);
    if (!this.#isLeaving) this.#streams.onDataEnd(paddingBytes, isEnd);
  }

  onFrame(b: Buffer, start: number, end: number): void {
    if (this.#isLeaving) return;
    const { type } = this.#reader;
    if (type === FRAME.headers) this.onFrameFault(this.#streams.onHeaders(this.#reader, b, start, end));
    else if (type === FRAME.continuation) this.onFrameFault(this.#streams.onContinuation(this.#reader, b, start, end));
    else {
      // What was sent to the client may be answered by a frame or two.
      this.#controls.earn(this.sender.takeWorthyFrames() * 2);
      this.#spend();
      if (!this.#isLeaving) this.onFrameFault(this.#control.onFrame(this.#reader, b, start, end));
    }
  }

  /** Leaves for what makes the connection useless. */
  onFrameFault(fault: H2Error): void {
    if (fault !== H2_ERROR.none) this.#leave(fault);
  }

  #spend(): void {
    if (!this.#controls.spend()) this.#leave(H2_ERROR.enhanceYourCalm);
  }

  onTaken(bytes: number): void {
    const room = this.#window.take(bytes);
    if (room > 0 && !this.#isLeaving) this.sender.writer.windowUpdate(0, room);
  }

  reset(streamId: number, code: H2Error): void {
    this.#streams.noteReset(streamId);
    if (!this.#isLeaving) this.sender.writer.reset(streamId, code);
  }

  onStreamSettled(): void {
    if (this.#streams.settle() > 0 || this.#isLeaving) return;
    this.#home.deadlines.start(this.#deadline, KEEP_ALIVE_MS);
  }

  /** A request has begun. */
  onBusy(): void {
    this.#home.deadlines.stop(this.#deadline);
  }

  onStreamClosed(stream: { readonly id: number }): void {
    this.#streams.forget(stream.id);
    this.#finishIfDone(this.#saidLast);
  }

  // ---- ends

  get #isLeaving(): boolean {
    return this.#phase === 'leaving' || this.#phase === 'gone';
  }

  /** Tells the client to open nothing more, and a round trip later which request was the last (RFC 9113 6.8). */
  drain(): void {
    if (this.isDraining || this.#isLeaving) return;
    this.isDraining = true;
    this.sender.writer.goAway(STREAM_ID_MAX, H2_ERROR.none);
    this.#control.sayGoodbye();
    this.#home.deadlines.start(this.#goodbye, GOODBYE_MS);
  }

  onGoAway(): void {
    this.#finishIfDone(true);
  }

  onGoodbyeRead(): void {
    if (!this.isDraining || this.#saidLast || this.#isLeaving) return;
    this.#saidLast = true;
    this.#home.deadlines.stop(this.#goodbye);
    this.#streams.takesNone = true;
    this.sender.writer.goAway(this.#streams.lastId, H2_ERROR.none);
    this.#finishIfDone(true);
  }

  #finishIfDone(isLast: boolean): void {
    if (isLast && this.#streams.isEmpty && !this.#isLeaving) this.#end();
  }

  /** Ends the connection for a fault of the client's, or for its silence. */
  #leave(code: H2Error): void {
    if (this.#isLeaving) return;
    if (code !== H2_ERROR.none) this.path.refuseUnread(this.peer, 'bad_request');
    this.sender.writer.goAway(this.#streams.lastId, code);
    this.#end();
    this.#streams.abandon();
  }

  #end(): void {
    this.#phase = 'leaving';
    this.#held = null;
    this.#stopDeadlines();
    this.sender.writer.flush();
    this.#wire.end();
    this.#wire.resume();
    this.#home.deadlines.start(this.#deadline, LINGER_MS);
  }

  /** A client that has ended has gone: nothing else tells of those that left while they waited. */
  onEnd(): void {
    if (this.#isLeaving) return;
    if (this.#streams.isEmpty) this.#end();
    else this.#wire.destroy();
  }

  onClosed(): void {
    if (this.#phase === 'gone') return;
    this.#phase = 'gone';
    this.#held = null;
    this.#stopDeadlines();
    this.#streams.abandon();
    this.#home.onGone(this);
  }

  destroy(): void {
    this.#wire.destroy();
  }

  #onExpired(): void {
    if (this.#phase === 'open' && this.#streams.isEmpty) this.#leave(H2_ERROR.none);
    else this.#wire.destroy();
  }

  #stopDeadlines(): void {
    const { deadlines } = this.#home;
    for (const deadline of [this.#deadline, this.#blockDeadline, this.#goodbye]) deadlines.stop(deadline);
  }
}
