/** Operations and deployments as the API shows them. */
import { z } from '@hono/zod-openapi';
import { DEPLOYMENT_STATES, type DeploymentRecord, type Evidence, STRATEGIES } from '#apps/deployment-record';
import { OPERATION_STATES, type OperationRecord, type PullSight } from '#apps/operation-record';
import { amountDone } from '#core/bytes';
import { formatDuration } from '#core/duration';

const time = z.string().openapi({ format: 'date-time', example: '2026-01-01T00:00:00.000Z' });
const count = z.number().int();

export const OperationShape = z
  .object({
    id: z.string().openapi({ example: 'opr_01JD…' }),
    type: z.string().openapi({ example: 'deployment' }),
    app: z.string().nullable(),
    target: z.string().openapi({ description: 'What it is about.', example: 'shop/web' }),
    state: z.enum(OPERATION_STATES),
    phase: z.string().openapi({ description: 'Where it is; empty before it began.' }),
    progress: z.object({
      done: count,
      total: count,
      unit: z.enum(['sets', 'bytes']).openapi({ description: '`bytes` while an image is pulled.' }),
    }),
    steps: z.array(z.object({ name: z.string(), state: z.enum(['running', 'done', 'failed']), ms: z.number() })),
    result: z.record(z.string(), z.unknown()).nullable(),
    error: z
      .object({ code: z.string(), detail: z.string(), data: z.record(z.string(), z.unknown()).optional() })
      .nullable(),
    by: z.string(),
    created_at: time,
    updated_at: time,
  })
  .openapi('Operation');

const EvidenceShape = z
  .object({
    replica: z.string(),
    phase: z.string(),
    members: z.array(
      z.object({
        name: z.string(),
        status: z.string(),
        exit_code: count.nullable(),
        oom_killed: z.boolean(),
        last_lines: z.array(z.string()).openapi({ description: 'The last lines it wrote, 50 at most.' }),
      }),
    ),
    listens: z
      .array(z.string())
      .nullable()
      .openapi({ description: 'What the main container listens on; null: that cannot be seen.' }),
    port: count.nullable().openapi({ description: 'The port that was dialled.' }),
  })
  .openapi('Evidence');

export const DeploymentShape = z
  .object({
    id: z.string().openapi({ example: 'dep_01JD…' }),
    app: z.string(),
    operation: z.string().openapi({ description: 'Id of the operation that follows it.' }),
    strategy: z.enum(STRATEGIES),
    steps: z.array(z.object({ weight: z.number(), hold: z.string() })),
    members: z.array(count),
    state: z.enum(DEPLOYMENT_STATES),
    paused: z.boolean(),
    sets: z.array(
      z.object({
        set: z.string(),
        revision: z.string().nullable(),
        from: z.string().nullable(),
        step: count.openapi({ description: 'Steps of the strategy that are done.' }),
        done: z.boolean(),
      }),
    ),
    cause: z.string(),
    by: z.string(),
    error: z
      .object({
        code: z.string(),
        detail: z.string(),
        set: z.string(),
        phase: z.enum(DEPLOYMENT_STATES),
        evidence: z.array(EvidenceShape),
      })
      .nullable(),
    created_at: time,
    ended_at: time.nullable(),
  })
  .openapi('Deployment');

export function operationJson(record: OperationRecord): z.input<typeof OperationShape> {
  const { tenant: _, createdAt, updatedAt, progress, steps, error, pull, ...rest } = record;
  return {
    ...rest,
    progress:
      pull === undefined ? { ...progress, unit: 'sets' } : { done: pull.done, total: pull.total, unit: 'bytes' },
    steps: [...steps.map((one) => ({ ...one })), ...(pull === undefined ? [] : [pullStep(pull)])],
    error: error === null ? null : { ...error, data: dataJson(error.data ?? {}) },
    created_at: new Date(createdAt).toISOString(),
    updated_at: new Date(updatedAt).toISOString(),
  };
}

function pullStep({ container, done, total, ms }: PullSight) {
  const name = `pulling ${container} ${amountDone(done, total)}`.trim();
  return { name, state: 'running' as const, ms };
}

/** What a deployment found out is spelled as everything else. */
function dataJson({ evidence, ...data }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Array.isArray(evidence) ? { ...data, evidence: (evidence as Evidence[]).map(evidenceJson) } : { ...data };
}

export function deploymentJson(record: DeploymentRecord): z.input<typeof DeploymentShape> {
  const { id, app, operation, strategy, members, state, paused, cause, by, error } = record;
  return {
    ...{ id, app, operation, strategy, members: [...members], state, paused, cause, by },
    steps: record.steps.map(({ weight, holdMs }) => ({ weight, hold: formatDuration(holdMs) })),
    sets: record.turns.map((one) => ({
      set: one.set,
      revision: one.revision === null ? null : `r${one.revision}`,
      from: one.from === null ? null : `r${one.from}`,
      step: one.step,
      done: one.done,
    })),
    error: error === null ? null : { ...error, evidence: error.evidence.map(evidenceJson) },
    created_at: new Date(record.createdAt).toISOString(),
    ended_at: record.endedAt === null ? null : new Date(record.endedAt).toISOString(),
  };
}

function evidenceJson({ members, listens, ...rest }: Evidence): z.input<typeof EvidenceShape> {
  return {
    ...rest,
    listens: listens === null ? null : [...listens],
    members: members.map(({ name, status, exitCode, oomKilled, lastLines }) => ({
      ...{ name, status, exit_code: exitCode, oom_killed: oomKilled, last_lines: [...lastLines] },
    })),
  };
}
