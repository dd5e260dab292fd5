/**
 * The folder where the test Engines of one run keep their images from file to file. It goes with the run; of a run that
 * was killed, with the next one.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './command.js';

/** Short, and never below the clone: unix sockets have short paths. */
const PREFIX = '/tmp/tg-root-';
const JANITOR = fileURLToPath(new URL('../test/support/engine-janitor.ts', import.meta.url));

/**
 * @template T
 * @param {string} node the Node to run the janitor with
 * @param {(root: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withEngineRoot(node, work) {
  await sweep(node, staleRoots());
  const root = mkdtempSync(`${PREFIX}${process.pid}-`);
  try {
    return await work(root);
  } finally {
    await sweep(node, [root]);
  }
}

/** @param {string} node @param {readonly string[]} roots */
async function sweep(node, roots) {
  if (roots.length === 0) return;
  await command(node, [JANITOR]); // what stands on them goes first
  for (const root of roots) rmSync(root, { recursive: true, force: true });
}

/** The roots of processes that are gone. */
function staleRoots() {
  const names = readdirSync(path.dirname(PREFIX)).map((name) => path.join(path.dirname(PREFIX), name));
  return names.filter((name) => name.startsWith(PREFIX) && !existsSync(`/proc/${name.split('-')[2]}`));
}
