/** The certificate authorities that may be asked, in order, each with its account and its ledger, opened at the first need. */
import { createHash } from 'node:crypto';
import type { Clock } from '#core/clock';
import type { Store } from '#store/store';
import type { SealedBox } from '../vault/sealed-box.ts';
import { AcmeSession, type CaOptions } from './acme-session.ts';
import type { IssuanceRecord } from './issuance-record.ts';
import { Ledger, type OrderKind, type OrderLimit, type Room } from './ledger.ts';

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
  async choose({ caFailures, order }: IssuanceRecord, names: readonly string[], kind: OrderKind): Promise<Choice> {
    const first = Math.floor(caFailures / CA_FAILURES);
    let wait: Choice | null = null;
    for (let i = 0; i < this.all.length; i++) {
      const authority = this.all[(first + i) % this.all.length] as Authority;
      const ledger = await authority.ledger();
      const isUnderWay = order?.ca === authority.directory;
      const taken = isUnderWay ? ledger.resume() : ledger.take(names, kind);
      if (!('limit' in taken)) return { authority, room: taken, limit: null };
      if (wait?.limit == null || taken.freeAt < wait.limit.freeAt) wait = { authority, room: null, limit: taken };
      // What stands against the hostname itself stands against it everywhere.
      if (taken.isOfHostname) return { authority, room: null, limit: taken };
    }
    return wait as Choice;
  }
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
