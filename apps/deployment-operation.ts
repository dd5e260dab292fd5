/** How a deployment shows as an operation. */
import type { EventDraft } from '#core/event';
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

/** The event that tells of its end. */
export function endOf(record: DeploymentRecord): EventDraft {
  const { tenant, app, state, error, id, strategy } = record;
  const type = state === 'succeeded' ? 'deployment.succeeded' : 'deployment.ended';
  const sets = record.turns.map((one) => one.set);
  return {
    type,
    tenant,
    app,
    set: sets.length === 1 ? (sets[0] ?? null) : null,
    cause: error?.detail ?? (state === 'succeeded' ? record.cause : `it was ${state}`),
    data: {
      deployment: id,
      state,
      strategy,
      sets,
      ...(error === null ? {} : { code: error.code, phase: error.phase }),
    },
    correlationId: record.operation,
  };
}
