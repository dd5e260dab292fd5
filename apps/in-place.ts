/** Whether what is wished of a set can be brought about while its containers run on, and what is written for it then. */
import type { AppLibrary } from './app-library.ts';
import type { DeploymentBook } from './deployment-book.ts';
import { scaledIn } from './scale-bounds.ts';
import type { InPlace, SetWish } from './set-wish.ts';
import { compareSpecs, labelsInForce } from './spec-comparison.ts';

/** Null: containers have to change. To be asked when nobody else writes about the app. @param wall ms since the epoch */
export function inPlaceOf(
  library: Pick<AppLibrary, 'set' | 'revision'>,
  book: Pick<DeploymentBook, 'wishedOf' | 'isMoving'>,
  wish: SetWish,
  wall: () => number,
): InPlace | null {
  const { tenant, app, set: name, spec } = wish;
  const known = library.set(tenant, app, name);
  const current = known?.current == null ? null : library.revision(tenant, app, name, known.current);
  // One without shares serves nobody, whatever its spec is.
  if (known === null || current === null || known.shares.length === 0) return null;
  // What is on its way counts: a wish that goes back on it has to be deployed, too.
  const change = compareSpecs(book.wishedOf(tenant, app, name) ?? current.spec, spec);
  const isMoving = book.isMoving(tenant, app, name);
  if (change === 'containers' || (change === 'limits' && isMoving)) return null;
  const next = { ...known, spec, scaled: scaledIn(known, spec), labels: labelsInForce(current.spec, spec.labels) };
  // How images are pulled is part of a revision, too: what goes back to one has it as it was.
  const isRecorded = change === 'limits' || (current.spec.pull !== spec.pull && !isMoving);
  if (!isRecorded) return { sets: [next], change };
  // In force first: replicas that are made from now on have the new limits, and a kill leaves nothing halfway.
  const number = known.lastRevision + 1;
  const named = { number, name: `r${number}`, createdAt: wall(), by: wish.by, cause: wish.cause, deployment: null };
  const revision = { of: known, revision: { ...current, spec, ...named } };
  return { sets: [{ ...next, current: number, lastRevision: number }], revision, change };
}
