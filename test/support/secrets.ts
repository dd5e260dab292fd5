/** What nobody may ever read: looked for in everything that a Tidegate under test says, in whatever test. */
import { readFileSync } from 'node:fs';

const SECRETS = /-----BEGIN [A-Z ]*PRIVATE KEY|tide_(?:op|pat|svc|dep)_[0-9A-Za-z]+_[0-9A-Za-z]+/;

/** The beginning of a private key or a token that stands in the text; null: there is none. */
export function secretIn(text: string): string | null {
  return SECRETS.exec(text)?.[0].slice(0, 24) ?? null;
}

/** The same for what everybody on the machine sees of a process and its children. */
export function secretInListing(pid: number): string | null {
  try {
    const found = secretIn(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    if (found !== null) return found;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
    return children.map((child) => secretInListing(Number(child))).find((one) => one !== null) ?? null;
  } catch {
    // It has ended.
    return null;
  }
}
