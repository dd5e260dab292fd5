/** What somebody wants a set to be, and what has come of it so far. */
import type { SetSpec } from '#core/set-spec';
import type { DocumentChange } from '#store/store';
import type { SetRecord } from './app-record.ts';
import type { Asker } from './asker.ts';
import type { DeploymentRecord, Strategy } from './deployment-record.ts';

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
