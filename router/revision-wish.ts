/**
 * Which revision of a set a request belongs to, as far as that is more than chance: because it carries what a match asks
 * for, because its visitor was there before, or because of who the visitor is. It says where to look first; a revision
 * that cannot take the request leaves it to the others.
 */

export interface RevisionWish {
  /** Revisions whose matches the request fits, in their order: the first with a ready upstream, whatever its weight. */
  readonly matched: readonly string[];
  /** What the visitor's cookie says, which may be anything; null: it has none. */
  readonly kept: string | null;
  /** Hash of who the visitor is: decides for one without a cookie, the same way each time. Null: chance decides. */
  readonly visitor: number | null;
}

/** Chance decides, but further tries stay on the revision of the first. */
export const ANY_REVISION: RevisionWish = { matched: [], kept: null, visitor: null };
