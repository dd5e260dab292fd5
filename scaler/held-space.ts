/**
 * Memory for requests that are held, over all waiting rooms. A tenant may take as much as is still free and no more
 * (dynamic thresholds, Choudhury and Hahne 1998): one that floods gets half of the whole, two get a third each, and
 * there is always room for the first request of somebody else.
 */

/** Of all requests held at a time. */
const WHOLE_BYTES = 256 * 1024 * 1024;
/** What a held request takes beside its own octets: its connection, its place in the room, its timers. */
const EACH_BYTES = 4096;

export class HeldSpace {
  readonly #wholeBytes: number;
  readonly #byTenant = new Map<string, number>();
  #taken = 0;

  constructor(wholeBytes = WHOLE_BYTES) {
    this.#wholeBytes = wholeBytes;
  }

  /** Takes room for a request of the tenant. False: the tenant has as much as is left for others, or more. */
  take(tenant: string, bytes: number): boolean {
    const own = (this.#byTenant.get(tenant) ?? 0) + bytes + EACH_BYTES;
    const taken = this.#taken + bytes + EACH_BYTES;
    if (own > this.#wholeBytes - taken) return false;
    this.#byTenant.set(tenant, own);
    this.#taken = taken;
    return true;
  }

  /** Gives back what was taken for one request. */
  give(tenant: string, bytes: number): void {
    const own = (this.#byTenant.get(tenant) ?? 0) - bytes - EACH_BYTES;
    if (own > 0) this.#byTenant.set(tenant, own);
    else this.#byTenant.delete(tenant);
    this.#taken -= bytes + EACH_BYTES;
  }
}
