/**
 * The thread that checks passwords, one after the other: what costs a tenth of a second there costs no request here.
 */
import { parentPort } from 'node:worker_threads';
import { matchesHash } from './password-hash.ts';

/** One question. */
export interface PasswordQuestion {
  readonly id: number;
  readonly hash: string;
  readonly password: string;
}

/** Its answer. */
export interface PasswordVerdict {
  readonly id: number;
  readonly matches: boolean;
}

parentPort?.on('message', ({ id, hash, password }: PasswordQuestion) => {
  parentPort?.postMessage({ id, matches: isMatch(hash, password) } satisfies PasswordVerdict);
});

/** A hash that cannot be read is nobody's. */
function isMatch(hash: string, password: string): boolean {
  try {
    return matchesHash(hash, password);
  } catch {
    return false;
  }
}
