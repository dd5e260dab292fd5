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
    const kept = await this.#store.document(KIND, hostname);
    if (kept === null) return null;
    const held = kept.body as Held;
    if (held.until <= now) {
      await this.#store.dropDocument(KIND, hostname);
      return null;
    }
    if (held.tenant === tenant) return null;
    return {
      kind: 'refused',
      field: 'hostname',
      code: 'domain.quarantined',
      detail: `${hostname} was removed by another tenant a short while ago.`,
      fix: `Claim it after ${new Date(held.until).toISOString()}, or ask that tenant to claim it back and hand it over.`,
    };
  }
}
