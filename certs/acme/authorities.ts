/** The certificate authorities that may be asked, in order, each with its account and its ledger, opened at the first need. */
import { createHash } from 'node:crypto';
import type { Clock } from '#core/clock';
import type { Store } from '#store/store';
import type { KeptCertificate } from '../vault/kept-certificate.ts';
import type { SealedBox } from '../vault/sealed-box.ts';
import type { CaOptions } from './acme-account.ts';
import { AcmeSession } from './acme-session.ts';
import type { IssuanceRecord } from './issuance-record.ts';
import { Ledger, type OrderLimit, type Room } from './ledger.ts';

/** So many failures of an authority in a row, and the next one is asked. */
const CA_FAILURES = 3;

export interface AuthoritiesOptions {
  readonly store: Pick<Store, 'document' | 'putDocument'>;
  readonly box: SealedBox;
  readonly clock: Clock;
  /** At least one; the first one is asked first. */
  readonly cas: readonly CaOptions[];
}

export class Authorities {
  readonly all: readonly Authority[];

  constructor({ cas, ...options }: AuthoritiesOptions) {
    this.all = cas.map((ca) => new Authority(ca, options));
  }

  /** Null: it is none that is asked. */
  find(directory: string): Authority | null {
    return this.all.find((one) => one.directory === directory) ?? null;
  }

  /**
   * The authority to ask for these names now, with room taken for the order: the one whose turn it is, or the next that has
   * room. An order that is under way goes on where it is. No room anywhere: the one that has some first.
   */
  async choose(record: IssuanceRecord, names: readonly string[], current: KeptCertificate | null): Promise<Choice> {
    const first = this.#first(record);
    let wait: Choice | null = null;
    for (let i = 0; i < this.all.length; i++) {
      const authority = this.all[(first + i) % this.all.length] as Authority;
      const ledger = await authority.ledger();
      const isUnderWay = record.order?.ca === authority.directory;
      const kind = isRenewal(authority, names, current) ? 'renewal' : 'new';
      const taken = isUnderWay ? ledger.resume() : ledger.take(names, kind);
      if (!('limit' in taken)) return { authority, room: taken, limit: null };
      if (wait?.limit == null || taken.freeAt < wait.limit.freeAt) wait = { authority, room: null, limit: taken };
      // What stands against the hostname itself stands against it everywhere.
      if (taken.isOfHostname) return { authority, room: null, limit: taken };
    }
    return wait as Choice;
  }

  /** Where to begin: at the one that has an order of it, unless it is that one which has just failed too often. */
  #first({ caFailures, order }: IssuanceRecord): number {
    const turn = Math.floor(caFailures / CA_FAILURES);
    const at = order === null ? -1 : this.all.findIndex(({ directory }) => directory === order.ca);
    const hasFailed = caFailures > 0 && caFailures % CA_FAILURES === 0 && at === (turn - 1) % this.all.length;
    return at < 0 || hasFailed ? turn : at;
  }
}

/** Whether an order there counts as a renewal: for the same names, from the same authority. */
export function isRenewal(
  { directory }: Authority,
  names: readonly string[],
  current: KeptCertificate | null,
): current is KeptCertificate {
  return current?.issuer === directory && [...current.names].sort().join() === [...names].sort().join();
}

export type Choice = { readonly authority: Authority } & (
  | { readonly room: Room; readonly limit: null }
  | { readonly room: null; readonly limit: OrderLimit }
);

export class Authority {
  readonly directory: string;
  readonly #ca: CaOptions;
  readonly #options: Omit<AuthoritiesOptions, 'cas'>;
  #session: Promise<AcmeSession> | null = null;
  #ledger: Promise<Ledger> | null = null;

  constructor(ca: CaOptions, options: Omit<AuthoritiesOptions, 'cas'>) {
    this.directory = ca.directory;
    this.#ca = ca;
    this.#options = options;
  }

  /** @throws AcmeFault when there is no account and none can be had; the next call tries again */
  session(): Promise<AcmeSession> {
    this.#session ??= AcmeSession.open({ ca: this.#ca, ...this.#options }).catch((error: unknown) => {
      this.#session = null;
      throw error;
    });
    return this.#session;
  }

  /** Makes the account anew at the next need: the authority does not know it any more. */
  async forgetAccount(): Promise<void> {
    const session = await this.session();
    this.#session = null;
    await session.forget();
  }

  ledger(): Promise<Ledger> {
    const { store, clock } = this.#options;
    const account = createHash('sha256').update(this.directory).digest('hex').slice(0, 32);
    this.#ledger ??= Ledger.open({ store, wall: () => clock.wall(), account }).catch((error: unknown) => {
      this.#ledger = null;
      throw error;
    });
    return this.#ledger;
  }
}
