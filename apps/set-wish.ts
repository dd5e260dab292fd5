/** What somebody wants a set to be, and what has come of it so far. */
import type { Revision, SetSpec } from '#core/set-spec';
import type { DocumentChange } from '#store/store';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { DeploymentRecord, Strategy } from './deployment-record.ts';
import type { SpecChange } from './spec-comparison.ts';

/** Documents to be written in the same step: what was taken of a quota. */
export type Also = readonly DocumentChange[];

export interface SetWish extends Asker {
  readonly app: string;
  readonly set: string;
  readonly spec: SetSpec;
  readonly cause: string;
  readonly strategy: Strategy;
  /** How long new replicas may take to become ready; left out: two minutes. */
  readonly readyWithinMs?: number;
}

export interface SetOutcome {
  readonly set: SetRecord;
  readonly created: boolean;
  /** What brings it about; null: it is in force. */
  readonly deployment: DeploymentRecord | null;
}

export type Wished = Pick<SetWish, 'set' | 'spec'>;

/** What is written of a change that needs no new containers. */
export interface InPlace {
  readonly sets: readonly [SetRecord];
  readonly revision?: { readonly of: SetRecord; readonly revision: Revision };
  readonly change: Exclude<SpecChange, 'containers'>;
}
