/** The project's own TypeScript files, as the house tests look at them. */
import { readdirSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '../..');
const NOT_OURS = new Set(['node_modules', '.git', '.tidegate', '.cache']);

/** Paths below the root with forward slashes, `.ts` only. */
export function sourceFiles(folder = ''): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
    const below = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!NOT_OURS.has(entry.name)) found.push(...sourceFiles(below));
    } else if (entry.name.endsWith('.ts')) found.push(below);
  }
  return found;
}
