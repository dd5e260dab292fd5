/**
 * How much memory of this machine what nobody waits for may take. However many sets ask, it is read now and then; and what had
 * to be given back is not taken again soon: replicas that come and go cost more than they are worth.
 */
import type { Clock } from '#core/clock';
import type { HostPressure } from '#core/host-pressure';
import { roomBeside } from './memory-relief.ts';

/** What was read holds for that time. */
const READ_MS = 500;
/** Nobody takes more for that time after too much was taken. */
const REST_MS = 60_000;

export class MemoryRoom {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #pressure: () => HostPressure | null;
  #bytes: number | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #shortAt = Number.NEGATIVE_INFINITY;

  /** @param pressure reads it; null: it cannot be read */
  constructor(clock: Pick<Clock, 'now'>, pressure: () => HostPressure | null) {
    this.#clock = clock;
    this.#pressure = pressure;
  }

  /** Negative: so much has to be given back; null: not known. */
  get bytes(): number | null {
    const now = this.#clock.now();
    if (now - this.#readAt >= READ_MS) this.#read(now);
    return this.#bytes;
  }

  #read(now: number): void {
    const pressure = this.#pressure();
    const bytes = pressure === null ? null : roomBeside(pressure);
    if (bytes !== null && bytes < 0) this.#shortAt = now;
    const isResting = now - this.#shortAt < REST_MS;
    this.#bytes = bytes !== null && isResting ? Math.min(0, bytes) : bytes;
    this.#readAt = now;
  }
}
