/**
 * The port through which an order puts its DNS-01 answer into a zone.
 *
 * Promise: a provider touches the one value it was given and leaves every other record alone, since a name and its
 * wildcard are proved by two values at the same name.
 */

/** One way of writing TXT records. Names are normalised, without a trailing dot. */
export interface DnsProvider {
  /** For people: what kind it is and where it writes, never a secret. */
  readonly name: string;
  /** Adds one TXT value, keeping others. Resolves when the authoritative side has taken it. */
  set(name: string, value: string, signal: AbortSignal): Promise<void>;
  /** Removes one TXT value, keeping others. Removing what is not there is no error. */
  clear(name: string, value: string, signal: AbortSignal): Promise<void>;
}
