/**
 * Ids of what happens one after the other (events, audit records), each greater than the one before: also within one millisecond and when the wall clock was set back
 * (the monotonic form of the ULID specification).
 */
import type { Clock } from '#core/clock';
import { newId } from '#core/id';

const TIME_DIGITS = 10;
/** Crockford base 32. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

interface EventIdsOptions {
  readonly clock: Pick<Clock, 'wall'>;
  /** Fills `size` bytes. */
  readonly random: (size: number) => Uint8Array;
  /** `evt` when left out. */
  readonly prefix?: string;
}

export class EventIds {
  readonly #options: EventIdsOptions;
  #lastMs: number;
  #chance: Uint8Array = new Uint8Array();

  /** @param newest the last id that was given out before, or null */
  constructor(options: EventIdsOptions, newest: string | null) {
    this.#options = options;
    // One later than that id says: whatever the chance in it was, the next is greater.
    this.#lastMs = newest === null ? -1 : timeOf(newest) + 1;
  }

  next(): string {
    const { clock, prefix = 'evt' } = this.#options;
    const now = clock.wall();
    if (now > this.#lastMs || this.#chance.length === 0 || !increment(this.#chance)) {
      this.#lastMs = Math.max(now, this.#lastMs + (this.#chance.length === 0 ? 0 : 1));
      return newId(prefix, this.#lastMs, (size) => {
        this.#chance = Uint8Array.from(this.#options.random(size));
        return this.#chance;
      });
    }
    return newId(prefix, this.#lastMs, () => this.#chance);
  }
}

/** Adds one to a big-endian number in place; false when it was the greatest. */
function increment(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 1; i >= 0; i--) {
    const byte = bytes[i] ?? 0;
    bytes[i] = (byte + 1) & 0xff;
    if (byte !== 0xff) return true;
  }
  return false;
}

/** Ms since the epoch in an id of ours; 0 when it is none. */
function timeOf(id: string): number {
  let ms = 0;
  const begin = id.indexOf('_') + 1;
  for (const digit of id.slice(begin, begin + TIME_DIGITS)) {
    ms = ms * 32 + Math.max(0, DIGITS.indexOf(digit));
  }
  return ms;
}
