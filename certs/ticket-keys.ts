/**
 * The keys that session tickets are encrypted with, shared by all processes that serve the same clients through a file
 * that its owner alone can read. Twice a day they are replaced for good, and with them ends what older tickets could tell.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

export const TICKET_KEY_BYTES = 48;
const LIFE_MS = 43_200_000;
const FILE_MODE = 0o600;

export interface TicketKeysOptions {
  readonly file: string;
  /** Unix time in ms. */
  readonly wall: () => number;
  readonly random: (bytes: number) => Buffer;
}

/**
 * The keys of now; made by whoever first finds that there are none, and anew by whoever finds them too old. Of several
 * who do the latter at once the last one wins, and the others see that when they read again.
 * @throws Error of the system when the file cannot be written
 */
export function currentTicketKeys(options: TicketKeysOptions): Buffer {
  const { file, random } = options;
  const kept = keptKeys(options);
  if (kept !== null) return kept;
  const made = `${file}.${random(8).toString('hex')}`;
  writeFileSync(made, random(TICKET_KEY_BYTES), { mode: FILE_MODE });
  if (isFirst(made, file)) rmSync(made);
  else {
    const others = keptKeys(options);
    if (others !== null) {
      rmSync(made);
      return others;
    }
    renameSync(made, file);
  }
  return readFileSync(file);
}

/** Gives the file its name if there is none by it: of several processes that start at once one is the first. */
function isFirst(made: string, file: string): boolean {
  try {
    linkSync(made, file);
    return true;
  } catch {
    return false;
  }
}

function keptKeys({ file, wall }: TicketKeysOptions): Buffer | null {
  try {
    const ageMs = wall() - statSync(file).mtimeMs;
    const keys = readFileSync(file);
    return ageMs < LIFE_MS && keys.length === TICKET_KEY_BYTES ? keys : null;
  } catch {
    return null;
  }
}
