/**
 * Which version of a set this is: of what was asked for, so that what comes of it does not change the tag. The same for
 * whoever reads the set, and for whoever reads its spec; both may change what they have read.
 */
import type { SetRecord } from '#apps/app-record';
import type { SetSnapshot } from '#core/set';
import { etagOf } from './answer.ts';

export function tagOfWish({ spec }: Pick<SetRecord, 'spec'>): string {
  return etagOf(spec);
}

/** @param made null: the set is found by labels alone */
export function tagOfSet({ policy, routes }: Pick<SetSnapshot, 'policy' | 'routes'>, made: SetRecord | null): string {
  return made === null ? etagOf({ policy, routes }) : tagOfWish(made);
}
