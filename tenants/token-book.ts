/**
 * The tokens in force. All of them are held in memory, so that knowing one costs no question to the store and guessing
 * costs nobody anything; a token is acknowledged once it is kept, and ended before its removal is acknowledged.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import { newId } from '#core/id';
import type { Log } from '#core/log';
import { Networks } from '#core/networks';
import type { DocumentChange, Store } from '#store/store';
import type { Principal } from './principal.ts';
import type { QuotaExceeded, Quotas } from './quotas.ts';
import {
  digestOf,
  idInToken,
  type KeptToken,
  newTokenText,
  sameDigest,
  type TokenGrant,
  type TokenView,
} from './token-record.ts';

const KIND = 'token';
const USE_KIND = 'token-use';
/** When a token was used last is written at most this often. */
const USE_EVERY_MS = 60_000;
/** The longest wait that timers can take. */
const WAIT_MAX_MS = 2 ** 31 - 1;
const NO_DIGEST = '0'.repeat(64);

type TokenStore = Pick<Store, 'documents' | 'changeDocuments' | 'putDocument'>;

export interface TokenBookOptions {
  readonly store: TokenStore;
  readonly quotas: Pick<Quotas, 'commit'>;
  readonly clock: Clock;
  /** Fills `size` bytes; has to be cryptographically strong. */
  readonly random: (size: number) => Uint8Array;
  readonly log: Log;
}

/** A token that was just made: its text is given out this once. */
export interface NewToken {
  readonly kind: 'made';
  readonly token: TokenView;
  readonly text: string;
}

interface Entry {
  kept: KeptToken;
  readonly networks: Networks;
  lastUsedAt: number | null;
  writtenAt: number;
  /** Aborts when it is in force no more; made when somebody asks. */
  ended: AbortController | null;
  expiry: Timer | null;
}

export class TokenBook {
  readonly #options: TokenBookOptions;
  readonly #entries = new Map<string, Entry>();
  /** One change after the other, so that no two tokens get one name. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(options: TokenBookOptions) {
    this.#options = options;
  }

  /** @throws TidegateError `store.…` */
  static async open(options: TokenBookOptions): Promise<TokenBook> {
    const book = new TokenBook(options);
    const uses = new Map((await options.store.documents(USE_KIND)).map(({ id, body }) => [id, body as { at: number }]));
    for (const { id, body } of await options.store.documents(KIND)) {
      book.#hold(id, body as KeptToken, uses.get(id)?.at ?? null);
      uses.delete(id);
    }
    // Written while the token was being revoked.
    const orphans: DocumentChange[] = Array.from(uses.keys(), (id) => ({ kind: USE_KIND, id, drop: true }));
    if (orphans.length > 0) await options.store.changeDocuments(orphans);
    return book;
  }

  /** Null: it is not in force, or not from there. @param client null: nobody knows from where */
  authenticate(text: string, client: string | null): Principal | null {
    const id = idInToken(text);
    if (id === null) return null;
    const entry = this.#entries.get(id);
    const isSame = sameDigest(digestOf(text), entry?.kept.sha256 ?? NO_DIGEST);
    if (entry === undefined || !isSame) return null;
    const { kept, networks } = entry;
    const now = this.#options.clock.wall();
    if (kept.expiresAt !== null && kept.expiresAt <= now) return null;
    if (!networks.isEmpty && (client === null || !networks.has(client))) return null;
    this.#used(id, entry, now);
    const { sha256: _, createdAt: __, by: ___, ...grant } = kept;
    return { ...grant, id, operator: kept.tenant === null, ended: this.#endOf(id, entry) };
  }

  /** Tokens of a tenant, or of operators (null). */
  list(tenant: string | null): readonly TokenView[] {
    const found: TokenView[] = [];
    for (const [id, entry] of this.#entries) if (entry.kept.tenant === tenant) found.push(viewOf(id, entry));
    return found;
  }

  /** @param which id or name */
  find(tenant: string | null, which: string): TokenView | null {
    const entry = this.#entries.get(which);
    if (entry !== undefined) return entry.kept.tenant === tenant ? viewOf(which, entry) : null;
    return this.list(tenant).find(({ name }) => name === which) ?? null;
  }

  /** `taken`: there is one of that name. @param by id of the token that asks */
  create(grant: TokenGrant, by: string): Promise<NewToken | QuotaExceeded | { readonly kind: 'taken' }> {
    return this.#inTurn(async () => {
      if (this.list(grant.tenant).some(({ name }) => name === grant.name)) return { kind: 'taken' };
      const { quotas, clock, random } = this.#options;
      const id = newId('tok', clock.wall(), random);
      const text = newTokenText(grant.kind, id, random);
      const kept: KeptToken = { ...grant, sha256: digestOf(text), createdAt: clock.wall(), by };
      const change: DocumentChange = { kind: KIND, id, expected: null, body: kept };
      if (grant.tenant === null) await this.#options.store.changeDocuments([change]);
      else {
        const exceeded = await quotas.commit(grant.tenant, { tokens: 1 }, (usage) => [...usage, change]);
        if (exceeded !== null) return exceeded;
      }
      return { kind: 'made', token: viewOf(id, this.#hold(id, kept, null)), text };
    });
  }

  /** Another secret for the same token; the old one is in force no more. Null: there is no such token. */
  rotate(id: string): Promise<NewToken | null> {
    return this.#inTurn(async () => {
      const entry = this.#entries.get(id);
      if (entry === undefined) return null;
      const text = newTokenText(entry.kept.kind, id, this.#options.random);
      const kept: KeptToken = { ...entry.kept, sha256: digestOf(text) };
      await this.#options.store.putDocument(KIND, id, kept);
      this.#end(entry);
      entry.kept = kept;
      return { kind: 'made', token: viewOf(id, entry), text };
    });
  }

  /** Ends a token, and what it holds open. False: there is none. */
  revoke(id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const entry = this.#entries.get(id);
      if (entry === undefined) return false;
      const drops: DocumentChange[] = [KIND, USE_KIND].map((kind) => ({ kind, id, drop: true }));
      const { tenant } = entry.kept;
      if (tenant === null) await this.#options.store.changeDocuments(drops);
      else await this.#options.quotas.commit(tenant, { tokens: -1 }, (usage) => [...usage, ...drops]);
      this.#forget(id, entry);
      return true;
    });
  }

  /** The tokens of a tenant that is gone: their documents were dropped with it. */
  forgetTenant(tenant: string): void {
    for (const [id, entry] of this.#entries) if (entry.kept.tenant === tenant) this.#forget(id, entry);
  }

  /** What has to be dropped with a tenant. */
  dropsOf(tenant: string): readonly DocumentChange[] {
    return this.list(tenant).flatMap(({ id }) => [KIND, USE_KIND].map((kind) => ({ kind, id, drop: true }) as const));
  }

  /** Waits for what is being changed. */
  async close(): Promise<void> {
    for (const { expiry } of this.#entries.values()) expiry?.cancel();
    await this.#last;
  }

  #hold(id: string, kept: KeptToken, lastUsedAt: number | null): Entry {
    const networks = new Networks(kept.cidrs);
    const entry: Entry = { kept, networks, lastUsedAt, writtenAt: lastUsedAt ?? 0, ended: null, expiry: null };
    this.#entries.set(id, entry);
    return entry;
  }

  #forget(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#end(entry);
  }

  #end(entry: Entry): void {
    entry.expiry?.cancel();
    entry.expiry = null;
    entry.ended?.abort();
    entry.ended = null;
  }

  #endOf(id: string, entry: Entry): AbortSignal {
    if (entry.ended === null) {
      entry.ended = new AbortController();
      this.#awaitExpiry(id, entry);
    }
    return entry.ended.signal;
  }

  #awaitExpiry(id: string, entry: Entry): void {
    const { expiresAt } = entry.kept;
    if (expiresAt === null) return;
    const { clock } = this.#options;
    const waitMs = Math.min(WAIT_MAX_MS, Math.max(0, expiresAt - clock.wall()));
    entry.expiry = clock.after(waitMs, () => {
      if (clock.wall() >= expiresAt) this.#end(entry);
      else this.#awaitExpiry(id, entry);
    });
  }

  #used(id: string, entry: Entry, now: number): void {
    entry.lastUsedAt = now;
    if (now - entry.writtenAt < USE_EVERY_MS) return;
    entry.writtenAt = now;
    const { store, log } = this.#options;
    // Nobody waits for it, and nothing depends on it.
    store.putDocument(USE_KIND, id, { at: now }).catch((error) => {
      log.warn('the last use of a token could not be kept', { token: id, error: messageOf(error) });
    });
  }

  #inTurn<T>(change: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(change);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

function viewOf(id: string, { kept, lastUsedAt }: Entry): TokenView {
  const { sha256: _, ...shown } = kept;
  return { id, ...shown, lastUsedAt };
}
