/** An account at a certificate authority as it is kept: its key, sealed, and where the authority keeps it. */
import { createHash, generateKeyPairSync } from 'node:crypto';
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
    const kept = (await store.document(KIND, id))?.body as AccountBody | undefined;
    if (kept !== undefined) {
      return new AcmeAccount(options, kept, box.unseal(Buffer.from(kept.key, 'base64'), `${KIND} ${id}`).toString());
    }
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const sealed = Buffer.from(box.seal(Buffer.from(key), `${KIND} ${id}`)).toString('base64');
    const made = new AcmeAccount(options, { directory: ca.directory, url: null, key: sealed }, key);
    await made.registered(null);
    return made;
  }

  /** Keeps where the authority keeps it; null: it does not any more. */
  async registered(url: string | null): Promise<void> {
    const { ca, store } = this.#options;
    const id = accountId(ca);
    // As it is kept: its key may have been sealed anew since.
    const kept = (await store.document(KIND, id))?.body as AccountBody | undefined;
    await store.putDocument(KIND, id, { ...(kept ?? this.#body), url });
  }
}

function accountId({ directory, eab }: CaOptions): string {
  const words = `${directory} ${eab?.kid ?? ''}`;
  return createHash('sha256').update(words).digest('hex').slice(0, 32);
}
