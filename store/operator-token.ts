/**
 * The operator token: made at the first start, kept in plain in a file that only its owner can read, and as a SHA-256
 * in the store. Deleting the file and starting again makes a new token and ends the old one.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { chmodSync, closeSync, fchmodSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, TidegateError } from '#core/errors';
import { newId } from '#core/id';
import type { Store, TokenRecord } from './store.ts';

const TOKEN_FILE = 'operator.token';
const FILE_MODE = 0o600;
const SECRET_BYTES = 32;
/** The id that stands for a token given in the settings. */
const GIVEN_ID = 'op_given';

export interface OperatorTokenOptions {
  readonly store: Pick<Store, 'tokens' | 'putToken' | 'dropToken'>;
  /** The state directory. */
  readonly directory: string;
  /** A token from the settings, used instead of the kept one; null: none. */
  readonly given: string | null;
  /** Ms since the epoch. */
  readonly wall: () => number;
  /** Fills `size` bytes; has to be cryptographically strong. */
  readonly random: (size: number) => Uint8Array;
}

export interface OperatorToken {
  /** `op_…`: names the token without giving it away. */
  readonly id: string;
  /** Where the plain token can be read; null: it was given in the settings. */
  readonly file: string | null;
  /** Whether a presented text is this token. Takes the same time whatever it is. */
  matches(presented: string): boolean;
}

/**
 * The operator token in force.
 * @throws TidegateError `store.…` when file or store cannot be read or written
 */
export async function openOperatorToken(options: OperatorTokenOptions): Promise<OperatorToken> {
  if (options.given !== null) return tokenOf(GIVEN_ID, null, digest(options.given));
  const file = join(options.directory, TOKEN_FILE);
  const known = await options.store.tokens();
  const plain = readToken(file);
  const sha256 = plain === null ? null : digest(plain);
  const kept = known.find((one) => sha256 !== null && same(one.sha256, sha256));
  if (kept !== undefined) return tokenOf(kept.id, file, kept.sha256);

  // No file, or no memory of it: the file says what the token is, and nothing else is valid any more.
  const record = plain === null ? makeToken(file, options) : adopt(plain, options);
  await options.store.putToken(record);
  for (const old of known) await options.store.dropToken(old.id);
  return tokenOf(record.id, file, record.sha256);
}

function tokenOf(id: string, file: string | null, sha256: Uint8Array): OperatorToken {
  return { id, file, matches: (presented) => same(digest(presented), sha256) };
}

/** `tide_op_<id>_<secret>`, written to its file before anybody relies on it. */
function makeToken(file: string, { random, wall }: OperatorTokenOptions): TokenRecord {
  const id = newId('op', wall(), random);
  const plain = `tide_${id}_${Buffer.from(random(SECRET_BYTES)).toString('hex')}`;
  writeToken(file, plain);
  return { id, kind: 'op', sha256: digest(plain), createdAt: wall() };
}

/** The record of a token that the file knows and the store does not: the store was lost. */
function adopt(plain: string, { random, wall }: OperatorTokenOptions): TokenRecord {
  const id = /^tide_(op_[0-9A-HJKMNP-TV-Z]{26})_/.exec(plain)?.[1] ?? newId('op', wall(), random);
  return { id, kind: 'op', sha256: digest(plain), createdAt: wall() };
}

function readToken(file: string): string | null {
  try {
    const plain = readFileSync(file, 'utf8').trim();
    chmodSync(file, FILE_MODE);
    return plain === '' ? null : plain;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw unusable(file, error);
  }
}

/** In one step: after a crash there is the whole file or none. */
function writeToken(file: string, plain: string): void {
  const draft = `${file}.new`;
  try {
    const handle = openSync(draft, 'w', FILE_MODE);
    try {
      fchmodSync(handle, FILE_MODE);
      writeSync(handle, `${plain}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  } catch (error) {
    throw unusable(file, error);
  }
}

function unusable(file: string, error: unknown): TidegateError {
  return new TidegateError('store.failed', `${file} cannot be used: ${messageOf(error)}`, { cause: error });
}

function digest(text: string): Uint8Array {
  return createHash('sha256').update(text).digest();
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
