/**
 * The opening of a connection from a trusted proxy, which may say who the client is before anything else. Both signatures
 * can begin neither a request nor a ClientHello, so the header may as well be missing.
 */
import type { Log } from '#core/log';
import type { Arrival, OpeningReader } from '../arrival.ts';
import type { DoorTally } from '../door-counts.ts';
import type { Wire } from '../transport/wire.ts';
import { ProxyHeader } from './proxy-header.ts';

export interface ProxyOpeningOptions {
  /** Of the proxy. */
  readonly address: string;
  readonly log: Log;
  readonly tally: DoorTally;
  /**
   * Takes the connection, with what follows the header put back.
   * @param address of the client; the proxy's own if that is all there is
   */
  readonly onKnown: (wire: Wire, address: string) => void;
}

export class ProxyOpening implements OpeningReader {
  readonly #options: ProxyOpeningOptions;
  #started = false;

  constructor(options: ProxyOpeningOptions) {
    this.#options = options;
  }

  onOpening(arrival: Arrival, b: Buffer, start: number, end: number): boolean {
    const outcome = scratch.read(b, start, end);
    this.#started = true;
    if (outcome === 'incomplete') return true;
    if (outcome === 'fault') this.#refuse(arrival, 'the PROXY header is malformed');
    else {
      const rest = scratch.end < end ? Buffer.from(b.subarray(scratch.end, end)) : null;
      arrival.leave();
      arrival.wire.detach(rest);
      this.#options.onKnown(arrival.wire, scratch.address ?? this.#options.address);
    }
    return false;
  }

  /** A connection that was opened ahead and never used is no fault. */
  onGivenUp(arrival: Arrival): void {
    if (this.#started) this.#refuse(arrival, 'the PROXY header is incomplete');
  }

  #refuse(arrival: Arrival, problem: string): void {
    this.#options.tally.proxyFaults++;
    this.#options.log.warn('a trusted proxy was turned away', { proxy: this.#options.address, problem });
    arrival.destroy();
  }
}

/** Read within one call. */
const scratch = new ProxyHeader();
