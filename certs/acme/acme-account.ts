/** An account at a certificate authority as it is kept: its key, sealed, and where the authority keeps it. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { isTidegateError } from '#core/errors';
import type { Store } from '#store/store';
import type { SealedBox } from '../vault/sealed-box.ts';

const KIND = 'acme-account';

export interface CaOptions {
  /** URL of its directory. */
  readonly directory: string;
  readonly email: string | null;
  /** PEM of a root to trust beside the usual ones. */
  readonly root: string | null;
  readonly eab: { readonly kid: string; readonly hmac: string } | null;
  /** Common name of the preferred root. */
  readonly chain: string | null;
}

export interface AcmeAccountOptions {
  readonly ca: CaOptions;
  readonly store: Pick<Store, 'document' | 'putDocument'>;
  readonly box: SealedBox;
}

interface AccountBody {
  readonly directory: string;
  readonly url: string | null;
  /** Sealed, base64. */
  readonly key: string;
}

export class AcmeAccount {
  /** PEM. */
  readonly key: string;
  /** Null: the authority has not been told of it. */
  readonly url: string | null;
  readonly #options: AcmeAccountOptions;
  readonly #body: AccountBody;

  private constructor(options: AcmeAccountOptions, body: AccountBody, key: string) {
    this.#options = options;
    this.#body = body;
    this.key = key;
    this.url = body.url;
  }

  /** What is kept, or a new one, kept before any authority hears of it: none is ever lost. @throws TidegateError */
  static async open(options: AcmeAccountOptions): Promise<AcmeAccount> {
    const { ca, store, box } = options;
    const id = accountId(ca);
    const kept = await keptAccount(options);
    if (kept !== null) {
      const { key } = kept.body;
      return new AcmeAccount(options, kept.body, box.unseal(Buffer.from(key, 'base64'), `${KIND} ${id}`).toString());
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const sealed = Buffer.from(box.seal(Buffer.from(key), `${KIND} ${id}`)).toString('base64');
    const body: AccountBody = { directory: ca.directory, url: null, key: sealed };
    try {
      await store.putDocument(KIND, id, body, null);
    } catch (error) {
      // Another process was first: its account is the one for both.
      if (isTidegateError(error, 'store.conflict')) return AcmeAccount.open(options);
      throw error;
    }
    return new AcmeAccount(options, body, key);
  }

  /** Keeps where the authority keeps it; null: it does not any more. */
  async registered(url: string | null): Promise<void> {
    const { ca, store } = this.#options;
    // As it is kept: its key may have been sealed anew since.
    const { body, version } = (await keptAccount(this.#options)) ?? { body: this.#body, version: null };
    try {
      await store.putDocument(KIND, accountId(ca), { ...body, url }, version);
    } catch (error) {
      // Written by another process, or sealed anew, in between.
      if (isTidegateError(error, 'store.conflict')) return this.registered(url);
      throw error;
    }
  }
}

async function keptAccount({ ca, store }: AcmeAccountOptions): Promise<{ body: AccountBody; version: number } | null> {
  const kept = await store.document(KIND, accountId(ca));
  return kept === null ? null : { body: kept.body as AccountBody, version: kept.version };
}

function accountId({ directory, eab }: CaOptions): string {
  const words = `${directory} ${eab?.kid ?? ''}`;
  return createHash('sha256').update(words).digest('hex').slice(0, 32);
}
