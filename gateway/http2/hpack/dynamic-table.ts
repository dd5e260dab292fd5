/**
 * The dynamic table of an HPACK decoder (RFC 7541 2.3.2, 4): the newest fields, as many as fit.
 */

/** What an entry costs besides its octets (RFC 7541 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;
/** The size both sides start with (RFC 9113 6.5.2); ours never changes. */
export const TABLE_MAX_BYTES = 4096;
/** No more entries fit. A power of two. */
const SLOTS = TABLE_MAX_BYTES / ENTRY_OVERHEAD_BYTES;

export class DynamicTable {
  readonly #names: string[] = new Array<string>(SLOTS).fill('');
  readonly #values: string[] = new Array<string>(SLOTS).fill('');
  /** Slot of the newest entry. */
  #newest = 0;
  #bytes = 0;
  #maxBytes = TABLE_MAX_BYTES;
  count = 0;

  /** Of the entry at `place`, the newest being 0; the place must be below `count`. */
  name(place: number): string {
    return this.#names[(this.#newest - place) & (SLOTS - 1)] as string;
  }

  value(place: number): string {
    return this.#values[(this.#newest - place) & (SLOTS - 1)] as string;
  }

  add(name: string, value: string): void {
    const bytes = name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.#evict(this.#maxBytes - bytes);
    // What is larger than the table empties it and is not kept (RFC 7541 4.4).
    if (bytes > this.#maxBytes) return;
    this.#newest = (this.#newest + 1) & (SLOTS - 1);
    this.#names[this.#newest] = name;
    this.#values[this.#newest] = value;
    this.#bytes += bytes;
    this.count++;
  }

  /** `maxBytes` is at most TABLE_MAX_BYTES. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    this.#evict(maxBytes);
  }

  #evict(toBytes: number): void {
    while (this.#bytes > toBytes && this.count > 0) {
      const oldest = (this.#newest - this.count + 1) & (SLOTS - 1);
      this.#bytes -= (this.#names[oldest] as string).length + (this.#values[oldest] as string).length;
      this.#bytes -= ENTRY_OVERHEAD_BYTES;
      this.#names[oldest] = this.#values[oldest] = '';
      this.count--;
    }
  }
}
