/** The certificate authorities that may be asked, in order, each with its account and its ledger, opened at the first need. */
import { createHash } from 'node:crypto';
import type { Store } from '#store/store';
import type { SealedBox } from '../vault/sealed-box.ts';
import { AcmeSession, type CaOptions } from './acme-session.ts';
import { Ledger } from './ledger.ts';

export interface AuthoritiesOptions {
  readonly store: Pick<Store, 'document' | 'putDocument'>;
  readonly box: SealedBox;
  /** Unix time in ms. */
  readonly wall: () => number;
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
}

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

  ledger(): Promise<Ledger> {
    const { store, wall } = this.#options;
    const account = createHash('sha256').update(this.directory).digest('hex').slice(0, 32);
    this.#ledger ??= Ledger.open({ store, wall, account }).catch((error: unknown) => {
      this.#ledger = null;
      throw error;
    });
    return this.#ledger;
  }
}
