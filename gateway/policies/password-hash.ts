/**
 * Passwords against their hashes: scrypt (RFC 7914, as a PHC string) and bcrypt (as `htpasswd -B` writes it). Slow on
 * purpose, and synchronous: for a thread of its own.
 */
import { scryptSync, timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';

const SCRYPT = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/;

/** Whether the password is the one the hash was made of. False for a hash of another kind. */
export function matchesHash(hash: string, password: string): boolean {
  const match = SCRYPT.exec(hash);
  if (match === null) return compareSync(password, hash);
  const [, ln, r, p, salt = '', key = ''] = match;
  const cost = { N: 2 ** Number(ln), r: Number(r), p: Number(p) };
  const expected = Buffer.from(key, 'base64');
  const memory = 2 * 128 * cost.N * cost.r + 128 * cost.r * cost.p;
  const found = scryptSync(password, Buffer.from(salt, 'base64'), expected.length, { ...cost, maxmem: memory });
  return timingSafeEqual(found, expected);
}
