/**
 * The file with the keys that private keys are encrypted with: text that an operator can copy, one key a line, the one in
 * force first. It is made at the first start and replaced in one step: whatever happens, it holds every key that is needed.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf, TidegateError } from '#core/errors';

export const KEY_BYTES = 32;
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const HEAD =
  '# Private keys of Tidegate are encrypted with the first of these keys; further ones only decrypt. Without it they are lost: keep a copy elsewhere.';

/** The keys in it, at least one. @throws TidegateError `vault.key_file` */
export function readKeyFile(file: string): readonly Buffer[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fault(`the key file ${file} cannot be read: ${messageOf(error)}`, error);
  }
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => keyOf(line, file));
  if (keys.length === 0) throw fault(`the key file ${file} holds no key`);
  return keys;
}

/**
 * Makes the file with a key of chance, unless it is there: of several who do so at once one makes it.
 * @throws TidegateError `vault.key_file`
 */
export function makeKeyFile(file: string): void {
  if (existsSync(file)) return;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: DIRECTORY_MODE });
    const made = writeBeside(file, [randomBytes(KEY_BYTES)]);
    try {
      linkSync(made, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(made);
    }
    syncDirectory(file);
  } catch (error) {
    throw fault(`the key file ${file} cannot be made: ${messageOf(error)}`, error);
  }
}

/** Takes the place of all keys in it. @throws TidegateError `vault.key_file` */
export function writeKeyFile(file: string, keys: readonly Buffer[]): void {
  try {
    renameSync(writeBeside(file, keys), file);
    syncDirectory(file);
  } catch (error) {
    throw fault(`the key file ${file} cannot be written: ${messageOf(error)}`, error);
  }
}

/** On the disk when it returns: what is encrypted with a key is worth nothing without it. */
function writeBeside(file: string, keys: readonly Buffer[]): string {
  const made = `${file}.${randomBytes(8).toString('hex')}`;
  const handle = openSync(made, 'wx', FILE_MODE);
  try {
    writeSync(handle, `${[HEAD, ...keys.map((key) => key.toString('base64'))].join('\n')}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  return made;
}

function syncDirectory(file: string): void {
  const handle = openSync(dirname(file), 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The line itself is in no message. */
function keyOf(line: string, file: string): Buffer {
  const key = /^[0-9a-f]{64}$/i.test(line) ? Buffer.from(line, 'hex') : Buffer.from(line, 'base64');
  const isWhole = key.length === KEY_BYTES && /^(?:[0-9a-f]{64}|[\w+/-]{43}=?)$/i.test(line);
  if (!isWhole) throw fault(`the key file ${file} holds a line that is not ${KEY_BYTES} octets in base64 or hex`);
  return key;
}

function fault(words: string, cause?: unknown): TidegateError {
  return new TidegateError('vault.key_file', words, { cause });
}
