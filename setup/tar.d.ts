/** Types of tar.js. */
export type Entry =
  | { readonly path: string; readonly file: string; readonly mode?: number }
  | { readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly path: string; readonly folder: true; readonly mode?: number };

export function tar(entries: Iterable<Entry>): AsyncGenerator<Buffer, void, void>;
