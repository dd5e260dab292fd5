/** How a deployment shows as an operation. */
import type { DeploymentRecord } from './deployment-record.ts';
import type { OperationRecord, OperationState } from './operation-record.ts';

const OPERATION_STATE: Readonly<Partial<Record<DeploymentRecord['state'], OperationState>>> = {
  queued: 'pending',
  succeeded: 'succeeded',
  failed: 'failed',
  'rolled-back': 'failed',
  canceled: 'canceled',
  superseded: 'canceled',
};

export function operationOf(record: DeploymentRecord): Partial<OperationRecord> {
  const { state, error, wish, turns, id } = record;
  const ending = wish === 'cancel' ? 'canceling' : 'running';
  const revisions = Object.fromEntries(
    turns.map((one) => [one.set, one.revision === null ? null : `r${one.revision}`]),
  );
  return {
    state: OPERATION_STATE[state] ?? ending,
    phase: state,
    progress: { done: turns.filter((one) => one.done).length, total: turns.length },
    result: { deployment: id, revisions },
    error:
      error === null
        ? null
        : {
            code: error.code,
            detail: error.detail,
            data: { set: error.set, phase: error.phase, evidence: error.evidence },
          },
  };
}
