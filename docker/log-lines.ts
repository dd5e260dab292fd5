/**
 * The bytes of an Engine's log answer as lines: frames of eight bytes of head (Engine API, "Attach to a container"), or
 * raw text for a container with a terminal, each line behind its timestamp. Pieces may break anywhere; no line costs more
 * memory than LINE_BYTES_MAX, whatever the container writes.
 */

/** What is longer is cut, and marked. The Engine itself hands longer lines on in parts of this size. */
export const LINE_BYTES_MAX = 16_384;
const HEAD_BYTES = 8;
/** `2026-11-28T12:00:00.123456789Z `: no timestamp is longer. */
const STAMP_BYTES_MAX = 40;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?/;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export const LOG_STREAMS = ['stdout', 'stderr'] as const;
export type LogStream = (typeof LOG_STREAMS)[number];

export interface EngineLogLine {
  readonly stream: LogStream;
  /** RFC 3339 in UTC with nine digits behind the point: such texts sort by time. */
  readonly at: string;
  readonly text: string;
  /** It was longer. */
  readonly cut: boolean;
}

export class LogLineReader {
  readonly #tty: boolean;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headFilled = 0;
  /** Bytes of the present frame that have not come yet. */
  #frameLeft = 0;
  #frameStream: LogStream = 'stdout';
  readonly #open: Record<LogStream, OpenLine> = { stdout: new OpenLine(), stderr: new OpenLine() };

  /** @param tty the container has a terminal: there are no frames */
  constructor(tty: boolean) {
    this.#tty = tty;
  }

  /** The lines that the piece completes. */
  push(piece: Buffer): EngineLogLine[] {
    const lines: EngineLogLine[] = [];
    if (this.#tty) {
      this.#take('stdout', piece, lines);
      return lines;
    }
    let at = 0;
    while (at < piece.length) {
      if (this.#frameLeft === 0) {
        at += this.#readHead(piece, at);
        continue;
      }
      const end = Math.min(piece.length, at + this.#frameLeft);
      this.#take(this.#frameStream, piece.subarray(at, end), lines);
      this.#frameLeft -= end - at;
      at = end;
    }
    return lines;
  }

  /** What was written without a line end before the container ended. */
  end(): EngineLogLine[] {
    return LOG_STREAMS.flatMap((stream) => this.#open[stream].finish(stream) ?? []);
  }

  #readHead(piece: Buffer, at: number): number {
    const taken = piece.copy(this.#head, this.#headFilled, at, at + HEAD_BYTES - this.#headFilled);
    this.#headFilled += taken;
    if (this.#headFilled === HEAD_BYTES) {
      this.#headFilled = 0;
      this.#frameStream = this.#head[0] === 2 ? 'stderr' : 'stdout';
      this.#frameLeft = this.#head.readUInt32BE(4);
      // Each frame is one message of the Engine, with a timestamp of its own also where it goes on with a line.
      this.#open[this.#frameStream].beginPart();
    }
    return taken;
  }

  #take(stream: LogStream, bytes: Buffer, lines: EngineLogLine[]): void {
    const open = this.#open[stream];
    let at = 0;
    while (at < bytes.length) {
      const end = bytes.indexOf(LINE_FEED, at);
      open.add(bytes.subarray(at, end < 0 ? bytes.length : end));
      if (end < 0) return;
      const line = open.finish(stream);
      if (line !== null) lines.push(line);
      at = end + 1;
    }
  }
}

/** A line whose end has not come yet. */
class OpenLine {
  #parts: Buffer[] = [];
  #length = 0;
  #at: string | null = null;
  #cut = false;
  /** The beginning of a part until its timestamp is whole; null: the timestamp is behind us. */
  #stamp: Buffer | null = Buffer.alloc(0);

  beginPart(): void {
    this.#stamp = Buffer.alloc(0);
  }

  add(bytes: Buffer): void {
    if (this.#stamp === null) {
      this.#keep(bytes);
      return;
    }
    const wanted = STAMP_BYTES_MAX - this.#stamp.length;
    this.#stamp = Buffer.concat([this.#stamp, bytes.subarray(0, wanted)]);
    if (this.#stamp.includes(' ') || this.#stamp.length >= STAMP_BYTES_MAX) this.#readStamp();
    if (bytes.length > wanted) this.#keep(bytes.subarray(wanted));
  }

  /** Null: there was nothing, not even a timestamp. */
  finish(stream: LogStream): EngineLogLine | null {
    if (this.#stamp !== null) this.#readStamp();
    const at = this.#at;
    const bytes = Buffer.concat(this.#parts);
    const line: EngineLogLine | null =
      at === null ? null : { stream, at, text: textOf(bytes, this.#cut), cut: this.#cut };
    this.#parts = [];
    this.#length = 0;
    this.#at = null;
    this.#cut = false;
    this.#stamp = Buffer.alloc(0);
    return line;
  }

  #readStamp(): void {
    const begin = this.#stamp ?? Buffer.alloc(0);
    this.#stamp = null;
    const match = STAMP.exec(begin.toString('latin1'));
    if (match === null) {
      this.#keep(begin);
      return;
    }
    this.#at ??= stampOf(match);
    this.#keep(begin.subarray(match[0].length));
  }

  #keep(bytes: Buffer): void {
    const room = LINE_BYTES_MAX - this.#length;
    if (bytes.length > room) this.#cut = true;
    const kept = Buffer.from(bytes.subarray(0, room));
    if (kept.length === 0) return;
    this.#parts.push(kept);
    this.#length += kept.length;
  }
}

function stampOf([, seconds = '', fraction = '', zone = 'Z']: RegExpExecArray): string {
  const utc = zone === 'Z' ? seconds : new Date(`${seconds}${zone}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.padEnd(9, '0')}Z`;
}

function textOf(bytes: Buffer, cut: boolean): string {
  const end = bytes.at(-1) === CARRIAGE_RETURN ? bytes.length - 1 : bytes.length;
  const text = bytes.toString('utf8', 0, end);
  // A character that the cut went through.
  return cut ? text.replace(/\ufffd+$/, '') : text;
}

/** Seconds since the epoch as the Engine reads them, to the nanosecond: `1764331200.123456789`. */
export function engineTime(at: string): string {
  const [seconds = '', fraction = ''] = at.replace(/Z$/, '').split('.');
  return `${Math.floor(Date.parse(`${seconds}Z`) / 1000)}.${fraction.padEnd(9, '0')}`;
}
