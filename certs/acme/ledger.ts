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
  /** It is about the hostname: another authority would meet the same. */
  readonly isOfHostname: boolean;
}

/** A place among those that the limits leave; given back once what came of the order is marked. */
export interface Room extends Disposable {}

/** A renewal is none of those that are counted by account and by registered domain. */
export const ORDER_KINDS = ['new', 'renewal'] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

/** Until when an order that is under way has come to its end, at a guess. */
const UNDER_WAY_MS = 60_000;

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
  /** Orders under way, by what they will count for. */
  readonly #underWay = new Map<string, number>();

  private constructor(options: LedgerOptions, marks: Marks) {
    this.#options = options;
    this.#marks = marks;
  }

  static async open(options: LedgerOptions): Promise<Ledger> {
    const kept = await options.store.document(KIND, options.account);
    return new Ledger(options, (kept?.body as Marks | undefined) ?? {});
  }

  /** Room for an order for these names; why it has to wait, if there is none. */
  take(names: readonly string[], kind: OrderKind): Room | OrderLimit {
    const limit = this.check(names, kind);
    if (limit !== null) return limit;
    const keys = keysOf(names, kind).filter(([name]) => name !== 'failures');
    for (const key of keys) this.#count(key, 1);
    let isTaken = true;
    return {
      [Symbol.dispose]: () => {
        if (isTaken) for (const key of keys) this.#count(key, -1);
        isTaken = false;
      },
    };
  }

  /** The same for an order that is under way, which has been counted: only a pause holds it. */
  resume(): Room | OrderLimit {
    return this.#pause(this.#options.wall()) ?? { [Symbol.dispose]: () => {} };
  }

  /** Why an order for these names has to wait; null: it may be made now. */
  check(names: readonly string[], kind: OrderKind = 'new'): OrderLimit | null {
    const now = this.#options.wall();
    let worst = this.#pause(now);
    for (const [name, what] of keysOf(names, kind)) {
      const key = `${name} ${what}`;
      const { max, withinMs, words } = LIMITS[name];
      const marks = (this.#marks[key] ?? []).filter((at) => at > now - withinMs);
      const over = marks.length + (this.#underWay.get(key) ?? 0) - max;
      if (over < 0) continue;
      const first = marks[over];
      const freeAt = first === undefined ? now + UNDER_WAY_MS : first + withinMs;
      const isOfHostname = name === 'failures';
      if (worst === null || freeAt > worst.freeAt) worst = { limit: `${max} ${words}`, freeAt, isOfHostname };
    }
    return worst;
  }

  #pause(now: number): OrderLimit | null {
    const [freeAt = 0] = this.#marks[CLOSED] ?? [];
    return freeAt > now ? { limit: 'a pause the authority asked for', freeAt, isOfHostname: false } : null;
  }

  #count([name, what]: Key, change: number): void {
    const key = `${name} ${what}`;
    const count = (this.#underWay.get(key) ?? 0) + change;
    if (count === 0) this.#underWay.delete(key);
    else this.#underWay.set(key, count);
  }

  /** The authority has taken an order. */
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

type Key = readonly [LimitName, string];

function keysOf(names: readonly string[], kind: OrderKind): readonly Key[] {
  const keys: Key[] = [['duplicates', setOf(names)], ...names.map((name) => ['failures', name] as const)];
  if (kind === 'renewal') return keys;
  const domains = new Set(names.map(registeredOf));
  return [['orders', ''], ...[...domains].map((one) => ['domain', one] as const), ...keys];
}

function setOf(names: readonly string[]): string {
  return [...names].sort().join(',');
}

function registeredOf(name: string): string {
  const hostname = name.replace(/^\*\./, '');
  return getDomain(hostname, { allowPrivateDomains: true }) ?? hostname;
}
