/**
 * How an image is named, as far as the Engine needs to be told the parts: a name alone would pull every tag there is.
 * Grammar: distribution/reference (`[registry/]path[:tag][@digest]`).
 */

export interface ImageReference {
  /** With the registry in front, as it was written; empty for an id. */
  readonly repository: string;
  /** A tag, or a digest (`sha256:…`), which goes before a tag; null for an id. */
  readonly version: string | null;
  /** `repository:tag`, `repository@digest` or `sha256:…`. */
  readonly text: string;
}

const ID = /^(?:sha256:)?[0-9a-f]{64}$/;
const REFERENCE = /^([a-z0-9][\w./:-]*?)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/i;

/** Null: nothing can be called so. */
export function readReference(text: string): ImageReference | null {
  if (ID.test(text)) return { repository: '', version: null, text: text.replace(/^(?!sha256:)/, 'sha256:') };
  const [, repository, tag, digest] = REFERENCE.exec(text) ?? [];
  if (repository === undefined || /[:/]$|\/\//.test(repository)) return null;
  // A port of a registry looks like a tag when nothing comes behind it.
  const colon = repository.lastIndexOf(':');
  if (colon >= 0 && !repository.includes('/', colon)) return null;
  const version = digest ?? tag ?? 'latest';
  return { repository, version, text: `${repository}${digest === undefined ? ':' : '@'}${version}` };
}

/** Docker Hub has names in several spellings: the shortest is how the Engine lists them. */
export function familiarName(repository: string): string {
  return repository.replace(/^(?:index\.)?docker\.io\//, '').replace(/^library\//, '');
}
