/**
 * Tokens: how they are written, how they rest, and how they are shown. At rest there is a SHA-256: enough to recognise a
 * token, not enough to use it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { type AccessScope, TOKEN_KINDS, type TokenKind } from '#core/access-scope';

const SECRET_BYTES = 32;
const TEXT = new RegExp(`^tide_(${TOKEN_KINDS.join('|')})_([0-9A-HJKMNP-TV-Z]{26})_[0-9a-f]{${SECRET_BYTES * 2}}$`);

/** What a token may do, and for whom. */
export interface TokenGrant {
  /** Unique within its tenant. */
  readonly name: string;
  readonly kind: TokenKind;
  /** Null: it is an operator's. */
  readonly tenant: string | null;
  readonly scopes: readonly AccessScope[];
  /** `app:shop`, `app:shop-*`; none: all apps of the tenant. */
  readonly resources: readonly string[];
  /** Networks it may be used from; none: all. */
  readonly cidrs: readonly string[];
  /** Ms since the epoch; null: never. */
  readonly expiresAt: number | null;
}

/** Body of the documents of kind `token`, by id. */
export interface KeptToken extends TokenGrant {
  /** Of the whole text, in hex. */
  readonly sha256: string;
  /** Ms since the epoch. */
  readonly createdAt: number;
  /** Id of the token that made it. */
  readonly by: string;
}

export interface TokenView extends TokenGrant {
  /** `tok_<ulid>`. */
  readonly id: string;
  readonly createdAt: number;
  readonly by: string;
  /** Ms since the epoch, to about a minute; null: never. */
  readonly lastUsedAt: number | null;
}

/** Text of a new token. @param id `tok_<ulid>` */
export function newTokenText(kind: TokenKind, id: string, random: (size: number) => Uint8Array): string {
  return `tide_${kind}_${id.slice(id.indexOf('_') + 1)}_${Buffer.from(random(SECRET_BYTES)).toString('hex')}`;
}

/** The id in a text that could be a token; null: it cannot be one. */
export function idInToken(text: string): string | null {
  const ulid = TEXT.exec(text)?.[2];
  return ulid === undefined ? null : `tok_${ulid}`;
}

/** SHA-256 in hex. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Takes the same time wherever the two differ. */
export function sameDigest(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
