/**
 * Endpoints of operations, and how a long action answers: at once with where it can be followed, or, with
 * `Prefer: wait=<seconds>` (RFC 7240 4.3), when it has ended or that time is over.
 */
import { z } from '@hono/zod-openapi';
import type { Apps } from '#apps/apps';
import { isOperationOver, type OperationRecord } from '#apps/operation-record';
import type { Operations } from '#apps/operations';
import { seesApp } from './access.ts';
import { Done } from './answer.ts';
import type { Endpoints } from './endpoint.ts';
import { NOTHING } from './endpoint.ts';
import { OperationShape, operationJson } from './operation-shapes.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';

const WAIT_MAX_S = 55;

export function addOperations(endpoints: Endpoints, apps: Apps): void {
  const { operations, deployments } = apps;
  endpoints.add(
    {
      method: 'get',
      path: '/v1/operations',
      id: 'listOperations',
      summary: 'Operations of the tenant, the newest first',
      needs: 'read',
      filtered: true,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(OperationShape),
    },
    ({ scope, query }) => {
      const seen = operations.list(scope.tenant).filter(({ app }) => (app === null ? true : seesApp(scope, app)));
      const page = pageOfEntries(seen, newestFirst, query);
      return { ...page, items: page.items.map(operationJson) };
    },
  );

  const params = z.object({ op: z.string() });
  endpoints.add(
    {
      method: 'get',
      path: '/v1/operations/{op}',
      id: 'getOperation',
      summary: 'An operation; with `Prefer: wait=<seconds>` when it has ended or that time is over',
      needs: 'read',
      filtered: true,
      params,
      query: NOTHING,
      body: null,
      answer: OperationShape,
      problems: ['not_found'],
    },
    async ({ scope, params: { op }, headers }) => {
      const found = operations.get(scope.tenant, op);
      if (found === null || (found.app !== null && !seesApp(scope, found.app))) return missing(op);
      return operationJson(await waitFor(operations, found, headers));
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: '/v1/operations/{op}/cancel',
      id: 'cancelOperation',
      summary: 'Ends an operation before its time; what was before is put back',
      needs: 'deploy',
      filtered: true,
      params,
      query: NOTHING,
      body: null,
      answer: OperationShape,
      status: 202,
      problems: ['not_found', 'conflict'],
    },
    async ({ scope, params: { op } }) => {
      const found = operations.get(scope.tenant, op);
      if (found === null || (found.app !== null && !seesApp(scope, found.app))) return missing(op);
      const deployment = deployments.book.list(scope.tenant, found.app ?? '').find((one) => one.operation === op);
      const canceled = deployment !== undefined && (await deployments.wish(deployment, 'cancel'));
      if (!canceled) {
        const detail = isOperationOver(found.state) ? 'It has ended.' : `A ${found.type} cannot be canceled.`;
        return new Problem('conflict', { detail });
      }
      return operationJson(operations.get(scope.tenant, op) ?? found);
    },
  );
}

/** How a long action answers. */
export async function accepted(apps: Apps, operation: OperationRecord, headers: Headers) {
  const now = await waitFor(apps.operations, operation, headers);
  const over = isOperationOver(now.state);
  return new Done(operationJson(now), { location: `/v1/operations/${now.id}`, ...(over ? { status: 200 } : {}) });
}

async function waitFor(operations: Operations, operation: OperationRecord, headers: Headers): Promise<OperationRecord> {
  const seconds = Number(/(?:^|[,;\s])wait=(\d{1,5})/i.exec(headers.get('prefer') ?? '')?.[1] ?? 0);
  const signal = AbortSignal.timeout(Math.min(seconds, WAIT_MAX_S) * 1000);
  for (;;) {
    const now = operations.get(operation.tenant, operation.id) ?? operation;
    if (seconds === 0 || isOperationOver(now.state) || signal.aborted) return now;
    await operations.changed(operation.id, signal);
  }
}

/** Ids sort by age; pages go by keys in their order. */
export function newestFirst({ id }: { readonly id: string }): string {
  return [...id].map((one) => String.fromCharCode(0xff - one.charCodeAt(0))).join('');
}

function missing(op: string): Problem {
  return new Problem('not_found', { detail: `This tenant has no operation "${op}".` });
}
