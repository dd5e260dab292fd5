/**
 * The HPACK encoder (RFC 7541). It remembers the last value of each name it was given: a field that is the same as last
 * time is one or two octets, and a name whose value never comes again stops taking room in the table. Strings are written
 * as they are: Huffman code would save a quarter of what is left and cost more than all the rest.
 */
import { ENTRY_OVERHEAD_BYTES, TABLE_MAX_BYTES } from './dynamic-table.ts';
import { STATIC_ENTRIES, staticIndexOf, staticStatus } from './static-table.ts';

/** Names that are remembered; a server that makes up new ones all the time gets them as literals. */
const NAMES_MAX = 128;
/** Longer values hardly come again, and would push out many that do. */
const INDEXED_VALUE_MAX_BYTES = 512;
/** Values in a row that did not come again before a name is no longer indexed. */
const PATIENCE = 3;
/** A name and its value, each with its length, and what stands before them. */
const FIELD_OVERHEAD_BYTES = 16;

const INDEXED = 0x80;
const INDEXING = 0x40;
const NEVER_INDEXED = 0x10;
const RESIZE = 0x20;

/** Not for a table that other answers share (RFC 7541 7.1.3). */
const SECRET: ReadonlySet<string> = new Set(['set-cookie', 'authorization', 'proxy-authorization']);

/** What is known of a name. */
interface Known {
  readonly name: string;
  readonly staticIndex: number;
  readonly secret: boolean;
  value: string;
  /** Number of the table entry that holds `value`, or one that has left. */
  entry: number;
  /** Values still to be tried before the name is no longer indexed. */
  patience: number;
}

/** Octets that a field takes at most. */
export function fieldMaxBytes(name: string, value: string): number {
  return name.length + value.length + FIELD_OVERHEAD_BYTES;
}

export class HpackEncoder {
  readonly #known = new Map<string, Known>();
  /** Sizes of the entries in the table, oldest first; entry number n stands at `n - #evicted`. */
  #sizes: number[] = [];
  #evicted = 0;
  #bytes = 0;
  #maxBytes = TABLE_MAX_BYTES;
  /** A change of size that the other side has to be told; -1: none. */
  #resizedTo = -1;

  /** The other side allows this much. */
  allow(maxBytes: number): void {
    const size = Math.min(maxBytes, TABLE_MAX_BYTES);
    if (size === this.#maxBytes) return;
    // Emptied and opened again, so that both sides drop the same whatever was announced in between.
    this.#resizedTo = size;
    this.#maxBytes = size;
    this.#evict(0);
  }

  /** Starts a block. Returns where it goes on; needs 16 octets of room. */
  begin(b: Buffer, at: number): number {
    if (this.#resizedTo < 0) return at;
    const size = this.#resizedTo;
    this.#resizedTo = -1;
    b[at] = RESIZE;
    return integer(b, at + 1, { first: RESIZE, bits: 5, value: size });
  }

  status(b: Buffer, at: number, status: number): number {
    const index = staticStatus(status);
    if (index > 0) {
      b[at] = INDEXED | index;
      return at + 1;
    }
    return this.field(b, at, ':status', String(status));
  }

  /**
   * Writes a field, with its name in lower case whatever it was given as. Returns where it goes on.
   * @param b has room for `fieldMaxBytes`
   */
  field(b: Buffer, at: number, name: string, value: string): number {
    const known = this.#known.get(name) ?? this.#meet(name);
    if (known === null) return literal(b, at, 0, name.toLowerCase(), value);
    if (known.secret) return literal(b, at, NEVER_INDEXED, known, value);
    if (known.value === value) {
      known.patience = PATIENCE;
      if (known.entry >= this.#evicted) return this.#indexed(b, at, known.entry);
    } else {
      known.value = value;
      known.entry = -1;
      if (known.patience === 0) return literal(b, at, 0, known, value);
      known.patience--;
    }
    if (value.length > INDEXED_VALUE_MAX_BYTES) return literal(b, at, 0, known, value);
    const after = literal(b, at, INDEXING, known, value);
    this.#add(known);
    return after;
  }

  #meet(name: string): Known | null {
    if (this.#known.size >= NAMES_MAX) return null;
    const lower = name.toLowerCase();
    const known = {
      name: lower,
      staticIndex: staticIndexOf(lower),
      secret: SECRET.has(lower),
      value: '',
      entry: -1,
      patience: PATIENCE,
    };
    this.#known.set(name, known);
    return known;
  }

  #indexed(b: Buffer, at: number, entry: number): number {
    const newest = this.#evicted + this.#sizes.length - 1;
    return integer(b, at, { first: INDEXED, bits: 7, value: STATIC_ENTRIES + 1 + newest - entry });
  }

  #add(known: Known): void {
    const bytes = known.name.length + known.value.length + ENTRY_OVERHEAD_BYTES;
    this.#evict(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    known.entry = this.#evicted + this.#sizes.length;
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  #evict(toBytes: number): void {
    let gone = 0;
    while (this.#bytes > toBytes && gone < this.#sizes.length) this.#bytes -= this.#sizes[gone++] as number;
    if (gone === 0) return;
    this.#sizes.splice(0, gone);
    this.#evicted += gone;
  }
}

function literal(b: Buffer, at: number, kind: number, name: Known | string, value: string): number {
  let i = at;
  const index = typeof name === 'string' ? 0 : name.staticIndex;
  if (index > 0) i = integer(b, i, { first: kind, bits: kind === INDEXING ? 6 : 4, value: index });
  else {
    b[i] = kind;
    i = text(b, i + 1, typeof name === 'string' ? name : name.name);
  }
  return text(b, i, value);
}

/** Below this, setting octets one by one costs less than a call into the runtime. */
const SHORT_BYTES = 24;

function text(b: Buffer, at: number, value: string): number {
  const { length } = value;
  const from = integer(b, at, { first: 0, bits: 7, value: length });
  if (length <= SHORT_BYTES) for (let i = 0; i < length; i++) b[from + i] = value.charCodeAt(i);
  else b.write(value, from, 'latin1');
  return from + length;
}

interface Prefixed {
  /** The bits before the integer. */
  readonly first: number;
  readonly bits: number;
  readonly value: number;
}

/** RFC 7541 5.1. */
function integer(b: Buffer, at: number, { first, bits, value }: Prefixed): number {
  const mask = (1 << bits) - 1;
  if (value < mask) {
    b[at] = first | value;
    return at + 1;
  }
  b[at] = first | mask;
  let rest = value - mask;
  let i = at + 1;
  while (rest >= 0x80) {
    b[i++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  b[i] = rest;
  return i + 1;
}
