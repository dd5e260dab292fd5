/**
 * The HPACK decoder (RFC 7541). It reads every block to its end, whatever becomes of the request, because the next one
 * builds on it; but it keeps no more of a block than is allowed, so that a few octets cannot stand for megabytes.
 */
import { DynamicTable, ENTRY_OVERHEAD_BYTES, TABLE_MAX_BYTES } from './dynamic-table.ts';
import { huffmanDecode, huffmanMaxBytes } from './huffman.ts';
import { STATIC_ENTRIES, STATIC_NAMES, STATIC_VALUES } from './static-table.ts';

/**
 * `too-large`: a sound block with more fields than are taken. `malformed`: the two tables are no longer the same, which
 * ends the connection (RFC 9113 4.3).
 */
export type BlockOutcome = 'complete' | 'too-large' | 'malformed';

export interface DecoderLimits {
  /** Of the decoded list, counted as in RFC 9113 6.5.2: 32 bytes for each field besides its octets. */
  readonly listMaxBytes: number;
  /** Of one compressed block; no string is longer. */
  readonly blockMaxBytes: number;
}

/** No integer of a sound block is larger. */
const INTEGER_MAX = 0xfffffff;

export class HpackDecoder {
  /** The fields of the last block, a flat list of name, value, …; used again by the next one. */
  readonly fields: string[] = [];
  readonly #table = new DynamicTable();
  readonly #listMaxBytes: number;
  /** Where Huffman text is put down. */
  readonly #text: Buffer;
  #listBytes = 0;
  /** Where the reading stands; -1: the block is malformed. */
  #at = 0;

  constructor(limits: DecoderLimits) {
    this.#listMaxBytes = limits.listMaxBytes;
    this.#text = Buffer.allocUnsafeSlow(Math.ceil(huffmanMaxBytes(limits.blockMaxBytes)) + 2);
  }

  /** Decodes a whole block, `b[start, end)`. */
  decode(b: Buffer, start: number, end: number): BlockOutcome {
    this.fields.length = 0;
    this.#listBytes = 0;
    this.#at = start;
    let opening = true;
    while (this.#at < end && this.#at >= 0) {
      const octet = b[this.#at] as number;
      if (octet >= 0x80) this.#indexed(b, end);
      else if (octet >= 0x40) this.#literal(b, end, 6);
      else if (octet < 0x20) this.#literal(b, end, 4);
      // A change of size stands at the beginning of a block (RFC 7541 4.2).
      else if (!opening || !this.#resize(b, end)) return 'malformed';
      if ((octet & 0xe0) !== 0x20) opening = false;
    }
    if (this.#at < 0) return 'malformed';
    return this.#listBytes > this.#listMaxBytes ? 'too-large' : 'complete';
  }

  #indexed(b: Buffer, end: number): void {
    const index = this.#integer(b, end, 7);
    if (index <= 0 || index > STATIC_ENTRIES + this.#table.count) this.#at = -1;
    else if (index <= STATIC_ENTRIES) this.#put(STATIC_NAMES[index] as string, STATIC_VALUES[index] as string);
    else {
      const place = index - STATIC_ENTRIES - 1;
      this.#put(this.#table.name(place), this.#table.value(place));
    }
  }

  /** A literal field whose name index has `bits` bits: 6 for one that goes into the table. */
  #literal(b: Buffer, end: number, bits: 4 | 6): void {
    const index = this.#integer(b, end, bits);
    if (index < 0 || index > STATIC_ENTRIES + this.#table.count) {
      this.#at = -1;
      return;
    }
    const name = index === 0 ? this.#string(b, end) : this.#nameAt(index);
    const value = this.#at < 0 ? '' : this.#string(b, end);
    if (this.#at < 0) return;
    if (bits === 6) this.#table.add(name, value);
    this.#put(name, value);
  }

  #nameAt(index: number): string {
    if (index <= STATIC_ENTRIES) return STATIC_NAMES[index] as string;
    return this.#table.name(index - STATIC_ENTRIES - 1);
  }

  #resize(b: Buffer, end: number): boolean {
    const bytes = this.#integer(b, end, 5);
    if (bytes < 0 || bytes > TABLE_MAX_BYTES) return false;
    this.#table.resize(bytes);
    return true;
  }

  #put(name: string, value: string): void {
    this.#listBytes += name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (this.#listBytes <= this.#listMaxBytes) this.fields.push(name, value);
  }

  /** A string as latin1, one character an octet. */
  #string(b: Buffer, end: number): string {
    if (this.#at >= end) {
      this.#at = -1;
      return '';
    }
    const huffman = (b[this.#at] as number) >= 0x80;
    const bytes = this.#integer(b, end, 7);
    const from = this.#at;
    const to = from + bytes;
    if (bytes < 0 || to > end) {
      this.#at = -1;
      return '';
    }
    this.#at = to;
    if (!huffman) return b.toString('latin1', from, to);
    const decoded = huffmanDecode(b, from, to, this.#text);
    if (decoded < 0) this.#at = -1;
    return decoded < 0 ? '' : this.#text.toString('latin1', 0, decoded);
  }

  /** An integer with a prefix of `bits` bits (RFC 7541 5.1); -1 when it is cut short or absurd. */
  #integer(b: Buffer, end: number, bits: number): number {
    const mask = (1 << bits) - 1;
    const prefix = (b[this.#at++] as number) & mask;
    if (prefix < mask) return prefix;
    let value = mask;
    for (let shift = 0; shift <= 28 && this.#at < end; shift += 7) {
      const octet = b[this.#at++] as number;
      value += (octet & 0x7f) * 2 ** shift;
      if (value > INTEGER_MAX) break;
      if (octet < 0x80) return value;
    }
    this.#at = -1;
    return -1;
  }
}
