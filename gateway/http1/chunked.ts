/**
 * The chunked coding (RFC 9112 7.1), read incrementally: sizes, extensions, line ends and trailers are checked octet by
 * octet, in either direction. Two ways out: `wire` hands over what can be forwarded as it stands (extensions taken out and
 * trailers written anew, so that no octet goes on that readers cut differently), `payload` hands over the content alone.
 */
import { ChunkExtension } from './chunk-extension.ts';
import { FieldLines, RAN_OUT, REFUSED } from './field-lines.ts';
import { CR, HEX, LF } from './octets.ts';
import { keepTrailers, TRAILERS_MAX, TRAILERS_MAX_BYTES, writeTrailers } from './trailers.ts';

/** A size with more digits overflows somebody's integer, whatever its value. */
const SIZE_MAX_DIGITS = 15;
/** All extensions of one body together; RFC 9112 7.1.1 asks for a limit, and nobody uses them. */
export const EXTENSIONS_MAX_BYTES = 4_096;

export type ChunkedFault =
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-line-end'
  | 'chunk-data-end'
  | 'extensions-too-large'
  | 'trailers-too-large'
  | 'trailer-invalid'
  | 'trailer-forbidden';

/** `more`: needs further octets. `part`: hand over the part, then go on. `done`, `fault`: over. */
export type ChunkedEvent = 'more' | 'part' | 'done' | 'fault';
export type ChunkedOutput = 'wire' | 'payload';

const STATE = {
  size: 0,
  sizeLf: 1,
  extension: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  last: 6,
  lastLf: 7,
  trailers: 8,
  over: 9,
} as const;
type State = (typeof STATE)[keyof typeof STATE];

/** No octets to hand over since the start of the call. */
const NOTHING = -1;

/** One chunked body at a time; `start` makes it ready for the next. */
export class ChunkedBody {
  event: ChunkedEvent = 'more';
  fault: ChunkedFault = 'chunk-size';
  /** After each `scan`: the octets to hand over are `b[partStart, partEnd)`; often empty. */
  partStart = 0;
  partEnd = 0;
  /** After `done`: the trailers that may go on, name, value, … */
  trailers: readonly string[] = [];
  /** After `done` in `wire` output: text to send after the last part; '' if that held the end already. */
  tail = '';
  #output: ChunkedOutput = 'wire';
  #state: State = STATE.size;
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #section: Buffer | null = null;
  #sectionBytes = 0;
  #lines: FieldLines | null = null;
  readonly #extension = new ChunkExtension();

  /** Begins a body. */
  start(output: ChunkedOutput): void {
    this.event = 'more';
    this.trailers = [];
    this.tail = '';
    this.#output = output;
    this.#state = STATE.size;
    this.#left = 0;
    this.#digits = 0;
    this.#extensionBytes = 0;
    this.#sectionBytes = 0;
  }

  /**
   * Reads from `b[start, end)` and returns the offset it got to. Loop while `event` is `part`, each time from that offset;
   * after `done` what remains belongs to the next message.
   */
  scan(b: Buffer, start: number, end: number): number {
    if (this.#state === STATE.over) return this.#hand(NOTHING, start, this.event);
    const wire = this.#output === 'wire';
    let from = wire && this.#state !== STATE.extension && this.#state !== STATE.trailers ? start : NOTHING;
    let i = start;
    while (i < end) {
      const octet = b[i] as number;
      switch (this.#state) {
        case STATE.data: {
          const bytes = Math.min(this.#left, end - i);
          this.#left -= bytes;
          if (this.#left === 0) this.#state = STATE.dataCr;
          if (!wire) return this.#hand(i, i + bytes, 'part');
          i += bytes;
          continue;
        }
        case STATE.size:
          if (HEX[octet] !== 0) {
            if (!this.#addDigit(octet)) return this.#refuse(from, i, 'chunk-size');
          } else if (this.#digits === 0) return this.#refuse(from, i, 'chunk-size');
          else if (octet === CR) this.#state = STATE.sizeLf;
          else {
            if (this.#extension.start(octet) === 'refused') return this.#refuse(from, i, 'chunk-size');
            if (++this.#extensionBytes > EXTENSIONS_MAX_BYTES) return this.#refuse(from, i, 'extensions-too-large');
            this.#state = STATE.extension;
            if (from !== NOTHING && from < i) return this.#skip(from, i);
            from = NOTHING;
          }
          break;
        case STATE.extension: {
          const step = this.#extension.step(octet);
          if (step === 'refused') return this.#refuse(from, i, 'chunk-extension');
          if (++this.#extensionBytes > EXTENSIONS_MAX_BYTES) return this.#refuse(from, i, 'extensions-too-large');
          if (step === 'ended') {
            this.#state = STATE.sizeLf;
            if (wire) from = i;
          }
          break;
        }
        case STATE.sizeLf:
          if (octet !== LF) return this.#refuse(from, i, 'chunk-line-end');
          this.#digits = 0;
          this.#state = this.#left === 0 ? STATE.last : STATE.data;
          break;
        case STATE.dataCr:
          if (octet !== CR) return this.#refuse(from, i, 'chunk-data-end');
          this.#state = STATE.dataLf;
          break;
        case STATE.dataLf:
          if (octet !== LF) return this.#refuse(from, i, 'chunk-data-end');
          this.#state = STATE.size;
          break;
        case STATE.last:
          if (octet === CR) this.#state = STATE.lastLf;
          else {
            this.#state = STATE.trailers;
            if (from !== NOTHING && from < i) return this.#hand(from, i, 'part');
            from = NOTHING;
            continue;
          }
          break;
        case STATE.lastLf:
          if (octet !== LF) return this.#refuse(from, i, 'chunk-line-end');
          this.#state = STATE.over;
          this.#hand(from, i + 1, 'done');
          return i + 1;
        default: {
          const outcome = this.#addTrailerOctet(octet);
          if (outcome !== 'more') return this.#endTrailers(i + 1, outcome);
        }
      }
      i++;
    }
    return this.#hand(from, i, 'more');
  }

  #addDigit(octet: number): boolean {
    if (++this.#digits > SIZE_MAX_DIGITS) return false;
    this.#left = this.#left * 16 + ((HEX[octet] as number) - 1);
    return this.#left <= Number.MAX_SAFE_INTEGER;
  }

  /** Collects the trailer section; it is walked when a line ends, so at most once per line. */
  #addTrailerOctet(octet: number): 'more' | 'done' | ChunkedFault {
    this.#section ??= Buffer.allocUnsafeSlow(TRAILERS_MAX_BYTES);
    this.#lines ??= new FieldLines(TRAILERS_MAX);
    if (this.#sectionBytes === TRAILERS_MAX_BYTES) return 'trailers-too-large';
    this.#section[this.#sectionBytes++] = octet;
    if (octet !== LF) return 'more';
    const lines = this.#lines;
    const end = lines.walk(this.#section, 0, this.#sectionBytes);
    if (end === RAN_OUT) return 'more';
    if (end === REFUSED) return lines.fault === 'too-many-fields' ? 'trailers-too-large' : 'trailer-invalid';
    lines.hold(this.#section, 0, end - 2);
    const kept = keepTrailers(lines);
    if (kept === null) return 'trailer-forbidden';
    this.trailers = kept;
    if (this.#output === 'wire') this.tail = `${writeTrailers(kept)}\r\n`;
    return 'done';
  }

  #endTrailers(at: number, outcome: 'done' | ChunkedFault): number {
    if (outcome !== 'done') return this.#refuse(NOTHING, at, outcome);
    this.#state = STATE.over;
    return this.#hand(NOTHING, at, 'done');
  }

  #skip(from: number, at: number): number {
    this.#hand(from, at, 'part');
    return at + 1;
  }

  #refuse(from: number, at: number, fault: ChunkedFault): number {
    this.#state = STATE.over;
    this.fault = fault;
    return this.#hand(from, at, 'fault');
  }

  /** Sets the part to `b[from, to)` and returns `to`. */
  #hand(from: number, to: number, event: ChunkedEvent): number {
    this.partStart = from === NOTHING ? to : from;
    this.partEnd = to;
    this.event = event;
    return to;
  }
}

/** The line before a chunk of `bytes` octets, which CRLF follows; for bodies that become chunked here. */
export function chunkLine(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** What ends a chunked body: the last chunk and its trailers. */
export function lastChunk(trailers: readonly string[]): string {
  return `0\r\n${writeTrailers(trailers)}\r\n`;
}
