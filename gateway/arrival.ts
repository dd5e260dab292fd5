/**
 * A connection of which it is not known yet whose it is or what it speaks: gathers its first octets within a deadline and
 * a bound, until they can be told apart. Nobody serves it meanwhile, and it costs little.
 */
import { Deadline, type Deadlines } from './deadlines.ts';
import type { Wire, WireOwner } from './transport/wire.ts';

/** Where arrivals are while they last. */
export interface ArrivalHome {
  readonly deadlines: Deadlines;
  readonly timeoutMs: number;
  onArriving(arrival: Arrival): void;
  /** It is known now, or gone. */
  onArrived(arrival: Arrival): void;
}

/** What an opening looks at. Called with everything that was sent so far. */
export interface OpeningReader {
  /**
   * Returns true when the connection goes on waiting for more. Before it returns false it has called `arrival.leave` or
   * one of its ends.
   */
  onOpening(arrival: Arrival, b: Buffer, start: number, end: number): boolean;
  /** The other side took too long or ended, or the connection closed, before it was known. It is closed anyway. */
  onGivenUp(arrival: Arrival): void;
}

/** How long a client that was told something may take to read it. */
const LINGER_MS = 2000;

type Phase = 'reading' | 'waiting' | 'ending' | 'left';

export class Arrival implements WireOwner {
  readonly wire: Wire;
  readonly #home: ArrivalHome;
  readonly #reader: OpeningReader;
  readonly #deadline = new Deadline(() => this.#giveUp());
  #held: Buffer | null = null;
  #phase: Phase = 'reading';

  constructor(home: ArrivalHome, wire: Wire, reader: OpeningReader) {
    this.#home = home;
    this.wire = wire;
    this.#reader = reader;
    home.onArriving(this);
    home.deadlines.start(this.#deadline, home.timeoutMs);
    wire.start(this);
  }

  /** Still a connection that somebody waits on. */
  get isOpen(): boolean {
    return this.#phase === 'reading' || this.#phase === 'waiting';
  }

  /** What was read and waits. */
  get held(): Buffer | null {
    return this.#held;
  }

  onOctets(b: Buffer, start: number, end: number): void {
    if (this.#phase === 'waiting') {
      const rest = b.subarray(start, end);
      this.#held = this.#held === null ? Buffer.from(rest) : Buffer.concat([this.#held, rest]);
      return;
    }
    if (this.#phase !== 'reading') return;
    const held = this.#held;
    const all = held === null ? b : Buffer.concat([held, b.subarray(start, end)]);
    const [from, to] = held === null ? [start, end] : [0, all.length];
    this.#held = null;
    if (this.#reader.onOpening(this, all, from, to)) this.#held = Buffer.from(all.subarray(from, to));
  }

  /** Something has to be found out first: keeps what was read until `resume`, and reads no more. */
  wait(b: Buffer, start: number, end: number): void {
    this.#phase = 'waiting';
    this.#held = Buffer.from(b.subarray(start, end));
    this.wire.pause();
  }

  /** Lets go of the connection for somebody who knows what to do with it. */
  leave(): void {
    this.#stop();
  }

  /** Says a last thing and closes. */
  turnAway(words: string, octets: Buffer | null): void {
    this.#phase = 'ending';
    this.#held = null;
    this.wire.write(words, octets, '');
    this.wire.end();
    this.wire.resume();
    this.#home.deadlines.start(this.#deadline, LINGER_MS);
  }

  destroy(): void {
    if (this.isOpen) this.#phase = 'ending';
    this.wire.destroy();
  }

  onDrain(): void {}

  onEnd(): void {
    this.#giveUp();
  }

  onClosed(): void {
    this.#giveUp();
    this.#stop();
  }

  #giveUp(): void {
    if (this.isOpen) {
      this.#phase = 'ending';
      this.#reader.onGivenUp(this);
    }
    this.wire.destroy();
  }

  #stop(): void {
    if (this.#phase === 'left') return;
    this.#phase = 'left';
    this.#held = null;
    this.#home.deadlines.stop(this.#deadline);
    this.#home.onArrived(this);
  }
}
