/**
 * `tidegate.auth.basic` (RFC 7617). Checking a password is slow on purpose, so what was found out is remembered by a digest
 * of the credentials: a request costs one digest, and a client that asks for fifty things at once is checked once.
 */
import { hash } from 'node:crypto';
import type { BasicAuthPolicy } from '#core/edge-policy';
import type { PasswordThread, Verdict } from './password-thread.ts';

/** Wrong credentials remembered: whoever repeats the same ones is not checked again. */
const REFUSED_MAX = 256;
/** Longer credentials are nobody's. */
const CREDENTIALS_MAX_CHARACTERS = 1024;
/** Stands for the hash of a user that does not exist, so that names cannot be told from the time it takes. */
const NOBODY = '';

export class BasicAuth {
  readonly policy: BasicAuthPolicy;
  /** Value of WWW-Authenticate. */
  readonly challenge: string;
  readonly #passwords: PasswordThread;
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #admitted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #asking = new Map<string, Promise<Verdict>>();

  constructor(policy: BasicAuthPolicy, passwords: PasswordThread) {
    this.policy = policy;
    this.challenge = `Basic realm="${policy.realm}", charset="UTF-8"`;
    this.#passwords = passwords;
    this.#hashes = new Map(policy.users.map(({ name, hash: kept }) => [name, kept]));
  }

  /**
   * Whether a request with this Authorization may come in: told at once where that is known, else as a promise that never
   * rejects. Null: it could not be found out, for too many ask at once.
   */
  check(authorization: string | undefined): Verdict | Promise<Verdict> {
    const credentials = credentialsOf(authorization);
    if (credentials === null) return false;
    const digest = hash('sha256', credentials, 'base64');
    if (this.#admitted.has(digest)) return true;
    if (this.#refused.has(digest)) return false;
    const asking = this.#asking.get(digest);
    if (asking !== undefined) return asking;
    if (this.#passwords.isFull) return null;
    const asked = this.#ask(digest, credentials);
    this.#asking.set(digest, asked);
    return asked;
  }

  async #ask(digest: string, credentials: string): Promise<Verdict> {
    const text = Buffer.from(credentials, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const known = colon < 0 ? undefined : this.#hashes.get(text.slice(0, colon));
    const verdict = await this.#passwords.ask(known ?? this.#anyHash, text.slice(colon + 1));
    this.#asking.delete(digest);
    if (verdict === null) return null;
    const admitted = verdict && known !== undefined;
    if (admitted) this.#admitted.add(digest);
    else this.#refuse(digest);
    return admitted;
  }

  get #anyHash(): string {
    return this.policy.users[0]?.hash ?? NOBODY;
  }

  #refuse(digest: string): void {
    this.#refused.add(digest);
    if (this.#refused.size <= REFUSED_MAX) return;
    for (const oldest of this.#refused) {
      this.#refused.delete(oldest);
      return;
    }
  }
}

/** What follows `Basic` (RFC 7617 2); null: no credentials of this kind. */
function credentialsOf(authorization: string | undefined): string | null {
  const match = /^basic +([\w+/=-]+)$/i.exec(authorization ?? '');
  const credentials = match?.[1] ?? '';
  return credentials === '' || credentials.length > CREDENTIALS_MAX_CHARACTERS ? null : credentials;
}
