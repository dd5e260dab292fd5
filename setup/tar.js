/**
 * A tar archive as a stream, for what the Engine builds and imports. It holds regular files only; the Engine makes the
 * folders. Same entries, same bytes: times and owners are constant.
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const CHUNK_BYTES = 1_048_576;

/**
 * @typedef {{ readonly path: string, readonly file: string, readonly mode?: number }} FileEntry a file on disk
 * @typedef {{ readonly path: string, readonly text: string, readonly mode?: number }} TextEntry a file made here
 * @typedef {{ readonly path: string, readonly folder: true, readonly mode?: number }} FolderEntry
 * @typedef {FileEntry | TextEntry | FolderEntry} Entry
 */

/**
 * @param {Iterable<Entry>} entries paths are relative and at most 100 bytes long
 * @returns {AsyncGenerator<Buffer, void, void>}
 */
export async function* tar(entries) {
  for (const entry of entries) {
    if ('folder' in entry) {
      yield header(`${entry.path}/`, { size: 0, mode: entry.mode ?? 0o755, type: '5' });
    } else if ('text' in entry) {
      const data = Buffer.from(entry.text);
      yield header(entry.path, { size: data.length, mode: entry.mode ?? 0o644, type: '0' });
      yield data;
      yield padding(data.length);
    } else {
      const { size, mode } = await stat(entry.file);
      yield header(entry.path, { size, mode: entry.mode ?? mode & 0o777, type: '0' });
      if (size > CHUNK_BYTES) yield* createReadStream(entry.file, { highWaterMark: CHUNK_BYTES });
      else yield await readFile(entry.file);
      yield padding(size);
    }
  }
  yield Buffer.alloc(BLOCK_BYTES * 2);
}

/**
 * @param {string} path
 * @param {{ size: number, mode: number, type: '0' | '5' }} facts
 */
function header(path, { size, mode, type }) {
  if (Buffer.byteLength(path) > NAME_BYTES) throw new Error(`path too long for tar: ${path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(path, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108); // owner
  block.write(octal(0, 7), 116); // group
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136); // modified
  block.write('        ', 148); // the sum is taken over blanks in its own place
  block.write(type, 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** @param {number} value @param {number} digits */
function octal(value, digits) {
  return value.toString(8).padStart(digits, '0');
}

/** @param {number} size */
function padding(size) {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}
