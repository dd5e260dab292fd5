/**
 * A tar archive of a few small files, in memory, for what the Engine loads. Same files, same bytes: times and owners are
 * constant. POSIX.1-1988 (ustar).
 */
const BLOCK_BYTES = 512;
const LONGEST_NAME_BYTES = 100;

export interface TarFile {
  readonly path: string;
  readonly data: Buffer;
  readonly executable?: boolean;
}

/** @throws RangeError for a path of more than 100 bytes */
export function tar(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap((file) => [header(file), file.data, Buffer.alloc(-file.data.length & (BLOCK_BYTES - 1))]);
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK_BYTES)]);
}

function header({ path, data, executable = false }: TarFile): Buffer {
  if (Buffer.byteLength(path) > LONGEST_NAME_BYTES) throw new RangeError(`path too long for tar: ${path}`);
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(path, 0);
  block.write(octal(executable ? 0o755 : 0o644, 7), 100);
  block.write(octal(0, 7), 108); // owner
  block.write(octal(0, 7), 116); // group
  block.write(octal(data.length, 11), 124);
  block.write(octal(0, 11), 136); // modified
  block.write('        ', 148); // the sum is taken over blanks in its own place
  block.write('0', 156); // a regular file
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}
