/**
 * Lists in pages. A page begins after the key that its cursor names, so an entry that comes or goes between two pages
 * neither repeats nor hides another.
 */
import { z } from '@hono/zod-openapi';

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1000;

/** Query parameters of every list. */
export const PageQuery = z.object({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(LIMIT_MAX)
    .default(LIMIT_DEFAULT)
    .openapi({ description: 'Entries a page.' }),
  cursor: z.string().optional().openapi({ description: '`next_cursor` of the page before.' }),
});

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** The page of `entries`, in the order of their keys. */
export function pageOfEntries<T>(entries: Iterable<T>, keyOf: (entry: T) => string, page: PageRequest): Page<T> {
  const after = page.cursor === undefined ? null : fromCursor(page.cursor);
  const keyed = Array.from(entries, (entry) => ({ entry, key: keyOf(entry) }))
    .filter(({ key }) => after === null || key > after)
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const shown = keyed.slice(0, page.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ entry }) => entry),
    next_cursor: last === undefined || keyed.length === shown.length ? null : toCursor(last.key),
  };
}

/** Opaque, so that nobody builds on what is in it. */
export function toCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** Any text is a cursor of some key: one that was not ours begins somewhere, and harms nobody. */
export function fromCursor(cursor: string): string {
  return Buffer.from(cursor, 'base64url').toString();
}
