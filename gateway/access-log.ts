/**
 * Access log: one JSON object a line and request, written when the answer has ended. Costs nothing when there is none.
 */
import type { SetKey } from '#core/set';
import type { GatewayErrorCode } from './error-answer.ts';

export interface AccessLogOptions {
  /** Takes one complete line, newline included. */
  readonly write: (line: string) => void;
  /** Share of requests that is written, 0 to 1. Server errors are always written. */
  readonly sample: number;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

export interface AccessRecord {
  readonly id: string;
  readonly client: string;
  readonly method: string;
  readonly hostname: string;
  /** Without query: queries carry secrets. */
  readonly path: string;
  /** 0: the client was gone before there was one. */
  readonly status: number;
  readonly ms: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly set: SetKey | null;
  /** Name of the replica that answered. */
  readonly replica: string | null;
  readonly tries: number;
  readonly wakeMs: number | null;
  readonly error: GatewayErrorCode | null;
  /** The answer was cut: by the client, or because the upstream broke off. */
  readonly cut: boolean;
}

export class AccessLog {
  readonly #options: AccessLogOptions;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  record(record: AccessRecord): void {
    const { sample, random, wall, write } = this.#options;
    if (record.status < 500 && sample < 1 && random() >= sample) return;
    const ms = Math.round(record.ms * 1000) / 1000;
    write(`${JSON.stringify({ at: new Date(wall()).toISOString(), ...record, ms })}\n`);
  }
}
