/**
 * What the connections of a lane share besides their sockets: the Date line of this second, and the end of this turn of
 * the event loop.
 */
import type { Clock } from '#core/clock';

const SECOND_MS = 1000;

/** Something that waits for the end of the turn. */
export interface Turn {
  onTurnEnd(): void;
}

export class LaneClock {
  readonly #clock: Clock;
  #dateLine = '';
  #dateUntil = Number.NEGATIVE_INFINITY;
  #waiting: Turn[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `Date: …` with its CRLF (RFC 9110 6.6.1). */
  get dateLine(): string {
    const now = this.#clock.now();
    if (now >= this.#dateUntil) {
      const wall = this.#clock.wall();
      this.#dateLine = `Date: ${new Date(wall).toUTCString()}\r\n`;
      this.#dateUntil = now + SECOND_MS - (wall % SECOND_MS);
    }
    return this.#dateLine;
  }

  /** Calls back when everything that could be read in this turn has been read: one immediate for all of them. */
  atTurnEnd(turn: Turn): void {
    if (this.#waiting.push(turn) === 1) setImmediate(this.#endTurn);
  }

  readonly #endTurn = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const turn of waiting) turn.onTurnEnd();
  };
}
