/** Endpoint of the audit log: who was asked to change what, and what came of it; a page of it, or a stream. */

import { z } from '@hono/zod-openapi';
import type { AuditRecord } from '#tenants/audit-record';
import type { Scope } from './access.ts';
import { type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { eventStream } from './event-stream.ts';
import { fromCursor, PageQuery, toCursor } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { pageOf } from './shapes.ts';
import { acceptsStream, streamAnswer } from './stream-answer.ts';
import { timeOf } from './time.ts';

/** Records are kept for longer than a timer can wait, which is what other durations are for. */
const AGO = /^(\d{1,6})([smhd])$/;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

const AuditQuery = PageQuery.extend({
  actor: z.string().optional().openapi({ description: 'Id or name of a token.' }),
  app: z.string().optional(),
  since: z.string().optional().openapi({ description: 'A time, or how long ago: `30m`, `1h`, `60d`.', example: '1h' }),
});

const AuditShape = z
  .object({
    id: z.string().openapi({ example: 'aud_01JD…' }),
    at: z.string().openapi({ format: 'date-time' }),
    actor: z
      .object({ id: z.string(), name: z.string(), operator: z.boolean() })
      .nullable()
      .openapi({ description: 'Null: the request carried no token in force.' }),
    tenant: z.string().nullable(),
    method: z.string(),
    path: z.string().openapi({ description: 'As in this document.', example: '/v1/apps/{app}/sets/{set}/scale' }),
    params: z.record(z.string(), z.string()),
    status: z
      .number()
      .int()
      .nullable()
      .openapi({ description: 'Null: it was begun, and Tidegate ended before anybody knew what came of it.' }),
    code: z.string().nullable().openapi({ description: 'Of the problem; null: it was done, or nobody knows.' }),
    request_id: z.string().openapi({ description: 'As in `X-Request-Id` of the answer.' }),
    client: z.string().nullable().openapi({ description: 'Address; of operators shown to operators alone.' }),
    fields: z.array(z.string()).openapi({ description: 'Names of the fields that were sent, never their values.' }),
    pending: z
      .boolean()
      .openapi({ description: 'It is under way: a stream from `stream_from` on tells what came of it.' }),
    dry_run: z.boolean(),
    omitted: z.number().int().openapi({ description: 'Refused requests just before, too many to keep one by one.' }),
  })
  .openapi('AuditRecord');

const AuditPageShape = pageOf(AuditShape).extend({
  stream_from: z.string().openapi({
    description:
      'Given as `Last-Event-ID` to a stream: it has what this page has not, and what is `pending` in it, each record once.',
  }),
});

export function addAudit(endpoints: Endpoints, { tenancy, clock }: AdminPorts, closing: AbortSignal): void {
  endpoints.add(
    {
      method: 'get',
      path: '/v1/audit',
      id: 'listAudit',
      summary:
        'Who was asked to change what, newest first; with "Accept: text/event-stream" a stream, oldest first. Operators see what is of no tenant, too',
      needs: 'admin',
      params: NOTHING,
      query: AuditQuery,
      body: null,
      answer: AuditPageShape,
      streams: true,
      problems: ['unavailable'],
    },
    async ({ scope, query, headers }) => {
      if (tenancy === undefined) return new Problem('unavailable', { detail: 'Nobody keeps an audit log here.' });
      const { audit } = tenancy;
      const since = query.since === undefined ? 0 : momentOf(query.since, clock.wall());
      if (since === null) {
        const detail = 'since is a time such as 2026-01-31T12:00:00Z, or how long ago: 30m, 1h.';
        return invalid([{ pointer: '/since', code: 'bad_time', detail }]);
      }
      const isSeen = ({ tenant }: AuditRecord): boolean =>
        tenant === null ? scope.principal.operator : tenant === scope.tenant;
      const passes = (record: AuditRecord): boolean => isSeen(record) && isMeant(record, query);
      const json = (record: AuditRecord, isPending = false) => auditJson(record, scope, isPending);
      if (acceptsStream(headers)) {
        const lastEventId = headers.get('last-event-id');
        const endings = [closing, scope.principal.ended];
        return streamAnswer(
          eventStream({
            events: audit.feed,
            clock,
            lastEventId,
            passes,
            isSeen,
            json: (record) => json(record),
            endings,
          }),
        );
      }
      const before = query.cursor === undefined ? null : fromCursor(query.cursor);
      // What begins from now on is told by the stream.
      const { newest, pending, token } = audit.feed.border();
      const isOlder = (record: AuditRecord): boolean => newest !== null && record.id <= newest && passes(record);
      const found = await audit.older(before, { limit: query.limit + 1, since, passes: isOlder });
      const shown = found.slice(0, query.limit);
      const last = shown.at(-1);
      const next_cursor = found.length > shown.length && last !== undefined ? toCursor(last.id) : null;
      return { items: shown.map((one) => json(one, pending.has(one.id))), next_cursor, stream_from: token };
    },
  );
}

function isMeant(
  { principal, params }: AuditRecord,
  { actor, app }: Pick<z.output<typeof AuditQuery>, 'actor' | 'app'>,
) {
  if (app !== undefined && params.app !== app) return false;
  return actor === undefined || principal?.id === actor || principal?.name === actor;
}

function auditJson(record: AuditRecord, { principal: asker }: Scope, isPending: boolean): z.input<typeof AuditShape> {
  const { id, at, principal, tenant, method, path, params, outcome, requestId, client, fields, dryRun } = record;
  const isHidden = principal?.operator === true && !asker.operator;
  return {
    ...{ id, at: timeOf(at), actor: principal, tenant, method, path, params: { ...params } },
    ...{ status: outcome?.status ?? null, code: outcome?.code ?? null, request_id: requestId },
    ...{
      client: isHidden ? null : client,
      fields: [...fields],
      pending: isPending,
      dry_run: dryRun,
      omitted: record.omitted,
    },
  };
}

/** Ms since the epoch; null: it is no time. */
function momentOf(text: string, now: number): number | null {
  const [, count, unit = ''] = AGO.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * (UNIT_MS[unit] ?? 0);
  return z.iso.datetime({ offset: true }).safeParse(text).success ? Date.parse(text) : null;
}
