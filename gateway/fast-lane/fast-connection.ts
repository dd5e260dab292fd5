/**
 * One client connection in the fast lane: cuts requests out of its octets, serves them one after the other however many
 * were sent ahead (RFC 9112 9.3.2), and ends so that the last answer arrives.
 *
 *   head ──request──▶ serving ──answered──▶ head
 *     │                  │ last answer
 *     └──fault, close────┴──▶ leaving ──▶ gone
 */
import { Deadline } from '../deadlines.ts';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { Peer } from '../exchange.ts';
import type { Wire, WireOwner } from '../transport/wire.ts';
import type { ConnectionHome } from './connection-home.ts';
import { type ExchangeSeat, FastExchange, writeOwn } from './fast-exchange.ts';
import { HeadArrival } from './head-arrival.ts';
import type { LaneClock, Turn } from './lane-clock.ts';
import { type BodySink, RequestBody } from './request-body.ts';

/** Longer than load balancers and browsers keep a connection, so that they are the ones who close it. */
const KEEP_ALIVE_MS = 65_000;
/** How long a client that still sends may take to read its answer. */
const LINGER_MS = 5000;
/** What is read ahead of its turn; no head is longer. */
const HELD_MAX_BYTES = 16_384;

type Phase = 'head' | 'serving' | 'leaving' | 'gone';

export class FastConnection implements WireOwner, ExchangeSeat, BodySink, Turn {
  readonly wire: Wire;
  readonly peer: Peer;
  readonly clock: LaneClock;
  readonly #home: ConnectionHome;
  readonly #exchange: FastExchange;
  readonly #arrival = new HeadArrival();
  readonly #body = new RequestBody(this);
  readonly #deadline = new Deadline(() => this.#onExpired());
  #phase: Phase = 'head';
  /** Octets whose turn has not come. */
  #held: Buffer | null = null;
  /** The time for a head runs. */
  #headStarted = true;
  #taking = false;
  #paused = false;
  /** The other side takes no more for now. */
  #full = false;
  #discards = false;
  isFlowing = false;
  isDraining = false;

  constructor(home: ConnectionHome, wire: Wire, peer: Peer) {
    this.#home = home;
    this.wire = wire;
    this.peer = peer;
    this.clock = home.clock;
    this.#exchange = new FastExchange(this);
    // A connection that was opened ahead and never used ends like a head that does not come.
    home.deadlines.start(this.#deadline, home.headTimeoutMs);
    wire.start(this);
  }

  get bodyBytesLeft(): number {
    return this.#body.bytesLeft;
  }

  // ---- octets in

  onOctets(b: Buffer, start: number, end: number): void {
    if (this.#phase === 'leaving') return;
    const held = this.#held;
    if (held === null) this.#take(b, start, end, this.wire.ownsReads);
    else {
      this.#held = null;
      const all = Buffer.concat([held, b.subarray(start, end)]);
      this.#take(all, 0, all.length, true);
    }
  }

  /** Takes what there is as far as its turn has come, and holds the rest. */
  #take(b: Buffer, start: number, end: number, owned: boolean): void {
    let at = start;
    this.#taking = true;
    while (at < end) {
      const from = at;
      if (this.#phase === 'head') at = this.#readHead(b, at, end);
      else if (this.#phase === 'serving' && this.isFlowing && !this.#body.isWhole)
        at = this.#body.read(b, at, end, owned);
      if (at === from) break;
    }
    this.#taking = false;
    if (at < end && (this.#phase === 'head' || this.#phase === 'serving')) this.#hold(b, at, end);
    else {
      if (this.#phase !== 'gone') this.#resume();
      if (this.#phase === 'head' && this.isDraining) this.#leave();
    }
  }

  #hold(b: Buffer, at: number, end: number): void {
    this.#held = Buffer.from(b.subarray(at, end));
    const hasRoom = end - at < HELD_MAX_BYTES && !this.#full;
    if (hasRoom) this.#resume();
    else if (!this.#paused) this.wire.pause();
    this.#paused = !hasRoom;
  }

  #resume(): void {
    if (this.#paused) this.wire.resume();
    this.#paused = false;
  }

  /** Gives held octets their turn. */
  #takeHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held === null) this.#resume();
    else this.#take(held, 0, held.length, true);
  }

  // ---- heads

  /** Returns where to read on; the same place when it has to wait. */
  #readHead(b: Buffer, at: number, end: number): number {
    // Who does not take answers gets no further ones.
    if (this.#full) return at;
    const { path, scratch, deadlines, headTimeoutMs } = this.#home;
    const outcome = this.#arrival.read(scratch, b, at, end);
    if (outcome === 'h2') {
      this.#held = Buffer.from(b.subarray(at, end));
      this.#home.onHttp2(this, this.#letGo());
      return end;
    }
    if (outcome === 'incomplete') {
      if (!this.#headStarted) deadlines.start(this.#deadline, headTimeoutMs);
      this.#headStarted = true;
      return at;
    }
    this.#phase = 'serving';
    deadlines.suspend(this.#deadline);
    const sound = outcome === 'complete';
    this.#exchange.begin(scratch, sound);
    if (!sound) {
      this.isDraining = true;
      path.refuse(this.#exchange, scratch);
      return end;
    }
    const after = scratch.end;
    this.isFlowing = false;
    this.#discards = false;
    this.#body.start(scratch);
    // Whatever follows an upgrade that was declined may have been meant for the other protocol.
    if (scratch.websocket) this.isDraining = true;
    path.serve(this.#exchange, scratch);
    return after;
  }

  /** The wire without this owner; what was not taken comes out of it first. */
  #letGo(): Wire {
    const { wire } = this;
    this.#phase = 'gone';
    this.#home.deadlines.stop(this.#deadline);
    wire.detach(this.#held);
    this.#held = null;
    return wire;
  }

  // ---- the body of the request

  readBody(): void {
    if (this.#phase !== 'serving' || this.isFlowing) return;
    this.isFlowing = true;
    if (!this.#taking) this.#takeHeld();
  }

  pauseBody(): void {
    if (!this.#discards) this.isFlowing = false;
  }

  onPart(part: Buffer): void {
    if (!this.#discards) this.#exchange.handler?.onBody(part);
  }

  onWhole(trailers: readonly string[]): void {
    if (this.#discards) this.#next();
    else this.#exchange.handler?.onBodyEnd(trailers);
  }

  onFault(): void {
    this.isFlowing = false;
    this.isDraining = true;
    if (this.#discards) this.#leave();
    else this.#exchange.handler?.onBodyFault();
  }

  // ---- answers and their order

  write(before: string, octets: Buffer | null, after: string, owned = true): boolean {
    const ready = this.wire.write(before, octets, after, owned);
    if (!ready) this.#full = true;
    return ready;
  }

  onAnswered(closes: boolean): void {
    if (this.#phase !== 'serving') return;
    if (closes) this.#leave(this.#exchange.isLast && this.#held === null && !this.#taking);
    else if (this.#body.isWhole) this.#next();
    else {
      this.#discards = true;
      this.isFlowing = true;
      this.#home.deadlines.start(this.#deadline, LINGER_MS);
      if (!this.#taking) this.clock.atTurnEnd(this);
    }
  }

  #next(): void {
    if (this.isDraining && this.#held === null && !this.#taking) {
      this.#leave();
      return;
    }
    this.#phase = 'head';
    this.#headStarted = false;
    this.#home.deadlines.start(this.#deadline, KEEP_ALIVE_MS);
    // The answer that has just ended is not over for its handler before this call returns.
    if (this.#held !== null && !this.#taking) this.clock.atTurnEnd(this);
  }

  onTurnEnd(): void {
    if (this.#phase === 'head' || this.#phase === 'serving') this.#takeHeld();
  }

  onDrain(): void {
    this.#full = false;
    if (!this.#exchange.isOver) this.#exchange.handler?.onDrain();
    if (this.#phase === 'head') this.#takeHeld();
  }

  // ---- ends

  onEnd(): void {
    if (this.#phase === 'head') {
      if (this.#held === null) this.#leave();
      else this.#say('bad_request');
    } else if (this.#phase === 'serving') {
      if (this.#exchange.isOver) this.#leave();
      else if (!this.#body.isWhole) this.onFault();
      // A client that has ended has gone: nothing else tells of those that left while they waited.
      else this.wire.destroy();
    }
  }

  onClosed(): void {
    if (this.#phase === 'gone') return;
    const wasServed = this.#phase === 'serving' && !this.#exchange.isOver;
    this.#phase = 'gone';
    this.#held = null;
    this.#home.deadlines.stop(this.#deadline);
    this.#exchange.stop();
    if (wasServed) this.#exchange.handler?.onAbort();
    this.#home.onGone(this);
  }

  takeWire(): Wire {
    this.wire.onGone = () => this.#home.onGone(this);
    return this.#letGo();
  }

  /** Takes no further request; closes at once when none is under way. */
  drain(): void {
    this.isDraining = true;
    if (this.#phase !== 'head' || this.#held !== null) return;
    if (this.wire.hasUnsent) this.#leave();
    else this.wire.destroy();
  }

  destroy(): void {
    this.wire.destroy();
  }

  #onExpired(): void {
    if (this.#phase === 'head' && this.#held !== null) this.#say('request_timeout');
    else this.wire.destroy();
  }

  /** Writes a last answer and closes. */
  #say(code: GatewayErrorCode): void {
    const answer = this.#home.path.refuseUnread(this.peer, code);
    writeOwn(this, answer, { date: this.clock.dateLine, connection: 'close', bodiless: false });
    this.#leave();
  }

  /** Ends the connection and, unless nothing can come, reads on: closing could destroy the answer on its way. */
  #leave(last = false): void {
    this.#phase = 'leaving';
    this.#held = null;
    this.isFlowing = false;
    this.wire.end(last);
    this.#resume();
    this.#home.deadlines.start(this.#deadline, LINGER_MS);
  }
}
