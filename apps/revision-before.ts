/** Which revision a set goes back to when nobody names one: the last that was any good and is another than the one in force. */
import type { Revision } from '#core/set-spec';
import { secretVersion } from './revision-shelf.ts';
import { compareSpecs } from './spec-comparison.ts';

/**
 * Of those older than the one in force, the newest that proved itself and whose containers differ. What failed, and what
 * was only made anew or given other limits, is nothing to go back to.
 * @param all oldest first
 * @param current number of the one in force
 */
export function revisionBefore(all: readonly Revision[], current: number | null): Revision | null {
  const inForce = all.find((one) => one.number === current);
  if (inForce === undefined) return null;
  const isOther = (one: Revision): boolean =>
    compareSpecs(one.spec, inForce.spec) === 'containers' || runs(one) !== runs(inForce);
  return all.findLast((one) => one.number < inForce.number && one.provedAt !== null && isOther(one)) ?? null;
}

/** What its containers are made of besides its spec, as text. */
function runs(revision: Revision): string {
  const { images, env, secrets } = revision;
  const ids = Object.entries(images).map(([index, { id }]) => [Number(index), id] as const);
  const given = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([
    ids.sort(([a], [b]) => a - b),
    given,
    secrets.toSorted().map((name) => [name, secretVersion(revision, name)]),
  ]);
}
