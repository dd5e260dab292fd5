/**
 * What this deployment has asked of a certificate authority lately, held against the limits that the authority is known to
 * have, before it is asked again: being refused costs more than waiting. The figures are those that Let's Encrypt publishes
 * (letsencrypt.org/docs/rate-limits); others have more generous ones, or none.
 */
import { getDomain } from 'tldts';
import type { Store } from '#store/store';

const HOUR_MS = 3_600_000;
const WEEK_MS = 168 * HOUR_MS;
const KIND = 'ledger';

const LIMITS = {
  failures: { max: 5, withinMs: HOUR_MS, words: 'failed validations of a hostname in an hour' },
  duplicates: { max: 5, withinMs: WEEK_MS, words: 'certificates with the same names in a week' },
  domain: { max: 50, withinMs: WEEK_MS, words: 'certificates of a registered domain in a week' },
  orders: { max: 300, withinMs: 3 * HOUR_MS, words: 'orders of an account in three hours' },
} as const;
type LimitName = keyof typeof LIMITS;
const CLOSED = 'closed';

export interface OrderLimit {
  /** In words. */
  readonly limit: string;
  /** Unix ms of the next free place. */
  readonly freeAt: number;
}

/** Unix ms of what happened, by `<limit> <what it counts>`; oldest first. */
type Marks = Record<string, number[]>;

export interface LedgerOptions {
  readonly store: Pick<Store, 'document' | 'putDocument'>;
  /** Names the account at the authority. */
  readonly account: string;
  /** Unix time in ms. */
  readonly wall: () => number;
}

export class Ledger {
  readonly #options: LedgerOptions;
  #marks: Marks = {};
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: LedgerOptions, marks: Marks) {
    this.#options = options;
    this.#marks = marks;
  }

  static async open(options: LedgerOptions): Promise<Ledger> {
    const kept = await options.store.document(KIND, options.account);
    return new Ledger(options, (kept?.body as Marks | undefined) ?? {});
  }

  /** Why an order for these names has to wait; null: it may be made now. */
  check(names: readonly string[]): OrderLimit | null {
    const now = this.#options.wall();
    const keys: (readonly [LimitName, string])[] = [
      ['orders', ''],
      ['duplicates', setOf(names)],
    ];
    for (const name of names) keys.push(['failures', name], ['domain', registeredOf(name)]);
    const [closedUntil = 0] = this.#marks[CLOSED] ?? [];
    let worst: OrderLimit | null =
      closedUntil > now ? { limit: 'a pause the authority asked for', freeAt: closedUntil } : null;
    for (const [limit, what] of keys) {
      const { max, withinMs, words } = LIMITS[limit];
      const marks = (this.#marks[`${limit} ${what}`] ?? []).filter((at) => at > now - withinMs);
      const first = marks.at(-max);
      if (first === undefined) continue;
      const freeAt = first + withinMs;
      if (worst === null || freeAt > worst.freeAt) worst = { limit: `${max} ${words}`, freeAt };
    }
    return worst;
  }

  /** To be called before an order is made: what is not known to have been refused counts. */
  ordered(): Promise<void> {
    return this.#mark([['orders', '']]);
  }

  /** The authority has had enough until then; Unix ms. */
  close(until: number): Promise<void> {
    this.#marks[CLOSED] = [Math.max(until, ...(this.#marks[CLOSED] ?? []))];
    return this.#mark([]);
  }

  /** The authority came to validate and was not content. */
  failed(names: readonly string[]): Promise<void> {
    return this.#mark(names.map((name) => ['failures', name] as const));
  }

  issued(names: readonly string[]): Promise<void> {
    const domains = new Set(names.map(registeredOf));
    return this.#mark([['duplicates', setOf(names)], ...[...domains].map((one) => ['domain', one] as const)]);
  }

  /** One write after the other; resolves when this one is kept. */
  #mark(keys: readonly (readonly [LimitName, string])[]): Promise<void> {
    const { wall, store, account } = this.#options;
    const now = wall();
    for (const [limit, what] of keys) {
      const key = `${limit} ${what}`;
      const { withinMs } = LIMITS[limit];
      this.#marks[key] = [...(this.#marks[key] ?? []).filter((at) => at > now - withinMs), now];
    }
    for (const [key, marks] of Object.entries(this.#marks)) {
      if (key === CLOSED) continue;
      const limit = LIMITS[key.split(' ')[0] as LimitName];
      if (marks.every((at) => at <= now - limit.withinMs)) delete this.#marks[key];
    }
    this.#writing = this.#writing
      .catch(() => {})
      .then(async () => {
        await store.putDocument(KIND, account, this.#marks);
      });
    return this.#writing;
  }
}

function setOf(names: readonly string[]): string {
  return [...names].sort().join(',');
}

function registeredOf(name: string): string {
  const hostname = name.replace(/^\*\./, '');
  return getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
}
