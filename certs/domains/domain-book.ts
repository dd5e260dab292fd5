/** All domains in memory, by id, by tenant and by what has been proved: who owns a hostname is asked for every route. */
import type { DomainRecord } from './domain-record.ts';

export interface BookedDomain {
  record: DomainRecord;
  /** Of the stored document. */
  version: number;
}

export class DomainBook {
  readonly #byId = new Map<string, BookedDomain>();
  /** Verified ones by hostname: one each. */
  readonly #verified = new Map<string, BookedDomain>();

  all(): IterableIterator<BookedDomain> {
    return this.#byId.values();
  }

  get(id: string): BookedDomain | null {
    return this.#byId.get(id) ?? null;
  }

  /** The claim of a tenant, by id or normalised hostname. */
  find(tenant: string, which: string): BookedDomain | null {
    const byId = this.#byId.get(which);
    if (byId !== undefined) return byId.record.tenant === tenant ? byId : null;
    for (const one of this.#byId.values()) {
      if (one.record.tenant === tenant && one.record.hostname === which) return one;
    }
    return null;
  }

  put(record: DomainRecord, version: number): void {
    const known = this.#byId.get(record.id);
    const one = known ?? { record, version };
    one.record = record;
    one.version = version;
    this.#byId.set(record.id, one);
    const isHolder = this.#verified.get(record.hostname) === one;
    if (record.ownership.state === 'verified') this.#verified.set(record.hostname, one);
    else if (isHolder) this.#verified.delete(record.hostname);
  }

  drop(id: string): void {
    const one = this.#byId.get(id);
    if (one === undefined) return;
    this.#byId.delete(id);
    if (this.#verified.get(one.record.hostname) === one) this.#verified.delete(one.record.hostname);
  }

  /** Who has proved exactly this hostname. */
  holderOf(hostname: string): BookedDomain | null {
    return this.#verified.get(hostname) ?? null;
  }

  /**
   * Whose verified domain covers the hostname: the closest one at or above it.
   * @param hostname normalised; may be a wildcard
   */
  ownerOf(hostname: string): string | null {
    return this.#verified.get(hostname)?.record.tenant ?? this.ownerAbove(hostname);
  }

  /** The same, by what is proved above the hostname alone. */
  ownerAbove(hostname: string): string | null {
    const name = hostname.replace(/^\*\./, '');
    if (name !== hostname) {
      // A wildcard is part of what the name beneath it is.
      const base = this.#verified.get(name);
      if (base !== undefined) return base.record.tenant;
    }
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const parent = name.slice(dot + 1);
      const above = this.#verified.get(`*.${parent}`) ?? this.#verified.get(parent);
      if (above !== undefined) return above.record.tenant;
    }
    return null;
  }
}
