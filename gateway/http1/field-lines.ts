/**
 * The one walk over field lines (RFC 9112 5), shared by requests, responses and trailers: it finds each line's name and
 * value, refuses every octet that does not belong, and recognises the names this layer acts on. What it lets pass has one
 * reading: `name ":" OWS value OWS CRLF`.
 */
import type { Latin1Buffer } from '../latin1-buffer.ts';
import { NAME, recognise } from './field-names.ts';
import { COLON, CR, FIELD_VALUE, FOLD, LF, SP, TAB, TOKEN } from './octets.ts';

export type FieldFault =
  | 'field-name'
  | 'field-name-empty'
  | 'field-name-spaced'
  | 'field-value'
  | 'field-folded'
  | 'bare-cr'
  | 'bare-lf'
  | 'too-many-fields';

/** What becomes of a line when the head is written again. */
export const FATE = {
  /** Copied as it stands. */
  keep: 0,
  /** Kept, but written anew as `name: value`, because its white space is not exactly one space. */
  respace: 1,
  drop: 2,
  /** A claim about the client: stays only if the peer is trusted. */
  hearsay: 3,
  /** `Expect: 100-continue`: stays only if the upstream is to answer it. */
  expect: 4,
} as const;

/** The octets ran out before the empty line. */
export const RAN_OUT = 0;
export const REFUSED = -1;

/**
 * The lines of one head, as offsets into what was walked. Reused from head to head; nothing is allocated by a walk.
 * `nameAt[count]` is where the empty line starts, so line k ends at `nameAt[k + 1]`.
 */
export class FieldLines {
  count = 0;
  fault: FieldFault = 'field-name';
  readonly nameAt: Int32Array;
  readonly nameEnd: Int32Array;
  readonly valueAt: Int32Array;
  readonly valueEnd: Int32Array;
  /** Id of the recognised name (`NAME`, perhaps with `TWIN`). */
  readonly name: Uint8Array;
  readonly fate: Uint8Array;
  /** What `hold` kept. */
  text = '';
  /** Offset of the first octet of `text` in what was walked: `text` is indexed by an offset minus this. */
  base = 0;
  readonly #capacity: number;
  readonly #mendColons: boolean;

  /**
   * `mendColons`: white space before a colon is removed instead of refused, which RFC 9112 5.1 demands of a proxy for
   * responses. Lines this layer acts on are refused even then: whoever else read them may have read no such field.
   */
  constructor(capacity: number, mendColons = false) {
    this.#capacity = capacity;
    this.#mendColons = mendColons;
    this.nameAt = new Int32Array(capacity + 1);
    this.nameEnd = new Int32Array(capacity);
    this.valueAt = new Int32Array(capacity);
    this.valueEnd = new Int32Array(capacity);
    this.name = new Uint8Array(capacity);
    this.fate = new Uint8Array(capacity);
  }

  /** Walks from the first line's first octet. Returns the offset after the empty line, RAN_OUT, or REFUSED (see `fault`). */
  walk(b: Uint8Array, start: number, end: number): number {
    const { nameAt, nameEnd, valueAt, valueEnd } = this;
    let i = start;
    let n = 0;
    for (;;) {
      if (i >= end) return RAN_OUT;
      if (b[i] === CR) {
        if (i + 1 >= end) return RAN_OUT;
        if (b[i + 1] !== LF) return this.#refuse('bare-cr');
        nameAt[n] = i;
        this.count = n;
        return i + 2;
      }
      if (n === this.#capacity) return this.#refuse('too-many-fields');
      const from = i;
      while (i < end && TOKEN[b[i] as number] === 1) i++;
      if (i >= end) return RAN_OUT;
      const nameTo = i;
      if (b[i] !== COLON) {
        i = this.#afterBadName(b, from, i, end);
        if (i <= 0) return i;
      }
      if (nameTo === from) return this.#refuse('field-name-empty');
      const mended = i !== nameTo;
      i++;
      while (i < end && (b[i] === SP || b[i] === TAB)) i++;
      const value = i;
      while (i < end && FIELD_VALUE[b[i] as number] === 1) i++;
      if (i >= end) return RAN_OUT;
      if (b[i] !== CR) return this.#refuse(b[i] === LF ? 'bare-lf' : 'field-value');
      if (i + 1 >= end) return RAN_OUT;
      if (b[i + 1] !== LF) return this.#refuse('bare-cr');
      let valueTo = i;
      while (valueTo > value && (b[valueTo - 1] === SP || b[valueTo - 1] === TAB)) valueTo--;
      const name = recognise(b, from, nameTo);
      if (mended && name !== NAME.other) return this.#refuse('field-name-spaced');
      nameAt[n] = from;
      nameEnd[n] = nameTo;
      valueAt[n] = value;
      valueEnd[n] = valueTo;
      this.name[n] = name;
      this.fate[n] = value - nameTo === 2 && b[nameTo + 1] === SP && valueTo === i ? FATE.keep : FATE.respace;
      n++;
      i += 2;
    }
  }

  /** Keeps the octets of the head as text, from `begin` to `end` (before the empty line); names and values come from it. */
  hold(b: Buffer, begin: number, end: number): void {
    this.base = begin;
    this.text = (b as Latin1Buffer).latin1Slice(begin, end);
  }

  /** The name of line k as sent. */
  nameText(k: number): string {
    return this.text.slice((this.nameAt[k] as number) - this.base, (this.nameEnd[k] as number) - this.base);
  }

  /** The value of line k without white space around it. */
  valueText(k: number): string {
    return this.text.slice((this.valueAt[k] as number) - this.base, (this.valueEnd[k] as number) - this.base);
  }

  /** All values of a field (name in lower case), joined as the list they are (RFC 9110 5.3); undefined if absent. */
  field(name: string): string | undefined {
    let value: string | undefined;
    for (let k = 0; k < this.count; k++) {
      const at = (this.nameAt[k] as number) - this.base;
      if ((this.nameEnd[k] as number) - this.base - at !== name.length || !sameName(this.text, at, name)) continue;
      value =
        value === undefined ? this.valueText(k) : `${value}${name === 'cookie' ? '; ' : ', '}${this.valueText(k)}`;
    }
    return value;
  }

  /** Drops every line whose lower-case name is in `names`. */
  drop(names: readonly string[]): void {
    for (let k = 0; k < this.count; k++) {
      if (names.includes(this.nameText(k).toLowerCase())) this.fate[k] = FATE.drop;
    }
  }

  /** A name ended by something other than its colon: the offset of the colon if that can be mended, else the outcome. */
  #afterBadName(b: Uint8Array, from: number, at: number, end: number): number {
    const octet = b[at];
    if (octet !== SP && octet !== TAB) return this.#refuse(octet === LF ? 'bare-lf' : 'field-name');
    if (at === from) return this.#refuse('field-folded');
    if (!this.#mendColons) return this.#refuse('field-name-spaced');
    let i = at;
    while (i < end && (b[i] === SP || b[i] === TAB)) i++;
    if (i >= end) return RAN_OUT;
    return b[i] === COLON ? i : this.#refuse('field-name');
  }

  #refuse(fault: FieldFault): number {
    this.fault = fault;
    return REFUSED;
  }
}

function sameName(text: string, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const code = text.charCodeAt(at + i);
    // FOLD would take "_" for "-"; a look-up by name wants the name itself.
    if (code !== name.charCodeAt(i) && (code === 95 || FOLD[code] !== name.charCodeAt(i))) return false;
  }
  return true;
}
