/** Which Tidegate this is among those that a store could be shared with: an id that stays with its state directory. */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { newId } from '#core/id';

const FILE = 'instance';

/** The same for every process on the state directory, and another one on every other. */
export function instanceOf(directory: string, now: number): string {
  const file = path.join(directory, FILE);
  const kept = readOf(file);
  if (kept !== '') return kept;
  const id = newId('ins', now, randomBytes);
  writeFileSync(`${file}.new`, `${id}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return id;
}

function readOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
