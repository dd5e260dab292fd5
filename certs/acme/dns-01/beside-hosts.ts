/**
 * Keeps answers to challenges away from names that a host may have. The alias of a challenge is a tenant's: led to the name
 * of a host in the operator's zone, the record would hide the zone's wildcard from it.
 */
import type { DnsProvider } from './dns-provider.ts';

/** The same provider, for names that begin with `_` alone, as no hostname does. */
export function besideHosts(provider: DnsProvider): DnsProvider {
  const checked = async (name: string, write: () => Promise<void>): Promise<void> => {
    if (name.startsWith('_')) return write();
    throw new Error(
      `${provider.name}: ${name} is not written to; let the alias lead to a name that begins with _acme-challenge`,
    );
  };
  return {
    name: provider.name,
    set: (name, value, signal) => checked(name, () => provider.set(name, value, signal)),
    clear: (name, value, signal) => checked(name, () => provider.clear(name, value, signal)),
  };
}
