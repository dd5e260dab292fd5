/**
 * Access log: one JSON object a line and request, written when the answer has ended. Lines are put together by hand and
 * leave in one write for all that ended in the same turn, so that the log costs little and nothing waits for it. What its
 * reader is too slow for is dropped and counted, never kept.
 */
import type { SetKey } from '#core/set';
import type { GatewayErrorCode } from './error-answer.ts';

export interface AccessLogOptions {
  /** Takes complete lines, newlines included. Returns false when it takes no more until `ready` is called. */
  readonly write: (lines: string) => boolean;
  /** Share of requests that is written, 0 to 1. Server errors are always written. */
  readonly sample: number;
  /** Milliseconds since the epoch. */
  readonly wall: () => number;
  /** 0 ≤ n < 1. */
  readonly random: () => number;
}

/** What is known of a request when its answer has ended. */
export interface AccessRecord {
  readonly id: string;
  readonly client: string;
  readonly method: string;
  readonly hostname: string;
  /** Without query: queries carry secrets. */
  readonly path: string;
  /** 0: the client was gone before there was one. */
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly set: SetKey | null;
  /** Name of the replica that answered. */
  readonly replica: string | null;
  readonly tries: number;
  readonly wakeMs: number | null;
  readonly error: GatewayErrorCode | null;
  /** SHA-256 of the certificate the client proved itself by; null: by none. */
  readonly certificate: string | null;
}

/** Lines that wait for the end of the turn are written at once from here on. */
const GATHERED_MAX_CHARS = 65_536;
/** Characters that a JSON text has to escape, and those beyond latin1. */
const UNPLAIN = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/;

export class AccessLog {
  readonly #options: AccessLogOptions;
  #lines = '';
  #scheduled = false;
  #blocked = false;
  #stampOf = -1;
  #stamp = '';
  /** Lines that were dropped because their reader was too slow. */
  dropped = 0;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** @param cut the answer was cut: by the client, or because the upstream broke off */
  record(record: AccessRecord, ms: number, cut: boolean): void {
    const { sample, random } = this.#options;
    if (record.status < 500 && sample < 1 && random() >= sample) return;
    if (this.#blocked) {
      this.dropped++;
      return;
    }
    this.#lines += this.#lineOf(record, ms, cut);
    if (this.#lines.length > GATHERED_MAX_CHARS) this.#flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#flush);
    }
  }

  /** Whoever said that it takes no more takes lines again. */
  ready(): void {
    this.#blocked = false;
  }

  /** Writes what has gathered. */
  flush(): void {
    this.#flush();
  }

  #lineOf(record: AccessRecord, ms: number, cut: boolean): string {
    const { id, client, method, hostname, path, status, bytesIn, bytesOut, set, replica, tries, wakeMs, error } =
      record;
    // In lines of those alone that have one.
    const proved = record.certificate === null ? '' : `,"certificate":"${record.certificate}"`;
    const times = `"ms":${rounded(ms)},"wakeMs":${wakeMs === null ? 'null' : rounded(wakeMs)}`;
    const asked = `"method":${text(method)},"hostname":${text(hostname)},"path":${text(path)}`;
    const answered = `"status":${status},"bytesIn":${bytesIn},"bytesOut":${bytesOut},"tries":${tries},"cut":${cut}`;
    const by = `"set":${text(set)},"replica":${text(replica)},"error":${text(error)}`;
    return `{"at":"${this.#now()}","id":${text(id)},"client":"${client}",${asked},${answered},${times},${by}${proved}}\n`;
  }

  /** Now as RFC 3339, put together once a millisecond at most. */
  #now(): string {
    const wall = this.#options.wall();
    if (wall !== this.#stampOf) {
      this.#stampOf = wall;
      this.#stamp = new Date(wall).toISOString();
    }
    return this.#stamp;
  }

  readonly #flush = (): void => {
    const lines = this.#lines;
    this.#scheduled = false;
    this.#lines = '';
    if (lines !== '') this.#blocked = !this.#options.write(lines);
  };
}

function text(value: string | null): string {
  if (value === null) return 'null';
  return UNPLAIN.test(value) ? JSON.stringify(value) : `"${value}"`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
