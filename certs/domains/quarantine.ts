/** Hostnames that were given up lately: for three days no other tenant may claim them, as their DNS may still point here. */
import type { Store } from '#store/store';
import type { RefusedDomain } from './domain-answers.ts';

const KIND = 'quarantine';
const HELD_MS = 72 * 3_600_000;

interface Held {
  readonly tenant: string;
  /** Unix ms. */
  readonly until: number;
}

export class Quarantine {
  readonly #store: Pick<Store, 'document' | 'putDocument' | 'dropDocument'>;

  constructor(store: Pick<Store, 'document' | 'putDocument' | 'dropDocument'>) {
    this.#store = store;
  }

  async hold(hostname: string, tenant: string, now: number): Promise<void> {
    const held: Held = { tenant, until: now + HELD_MS };
    await this.#store.putDocument(KIND, hostname, held);
  }

  /** Why the tenant may not have the hostname now; null: it may. */
  async refusal(hostname: string, tenant: string, now: number): Promise<RefusedDomain | null> {
    for (const name of coveringNames(hostname)) {
      const refusal = await this.#refusalFor(name, tenant, now);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  async #refusalFor(name: string, tenant: string, now: number): Promise<RefusedDomain | null> {
    const kept = await this.#store.document(KIND, name);
    if (kept === null) return null;
    const held = kept.body as Held;
    if (held.until <= now) {
      await this.#store.dropDocument(KIND, name);
      return null;
    }
    if (held.tenant === tenant) return null;
    return {
      kind: 'refused',
      field: 'hostname',
      code: 'domain.quarantined',
      detail: `${name} was removed by another tenant a short while ago.`,
      fix: `Claim it after ${new Date(held.until).toISOString()}, or ask that tenant to claim it back and hand it over.`,
    };
  }
}

/** The hostname, and names whose holder spoke for it as well: those above it, and their wildcards. */
function coveringNames(hostname: string): readonly string[] {
  const labels = hostname.replace(/^\*\./, '').split('.');
  const names = [hostname];
  for (let from = 0; from < labels.length - 1; from++) {
    const name = labels.slice(from).join('.');
    names.push(name, `*.${name}`);
  }
  return [...new Set(names)];
}
