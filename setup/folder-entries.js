/** The files of a folder as tar entries, named from a root, in a fixed order. */
import { statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * @param {string} root absolute
 * @param {string} folder relative to the root
 * @returns {Promise<Array<{ readonly path: string, readonly file: string }>>}
 */
export async function folderEntries(root, folder) {
  const names = await readdir(path.join(root, folder), { recursive: true });
  const entries = names.sort().map((name) => ({ path: path.join(folder, name), file: path.join(root, folder, name) }));
  return entries.filter(({ file }) => statSync(file).isFile());
}
