/** An endpoint as the OpenAPI document shows it: made from the same declaration that serves it. */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import { changesApp } from './departing.ts';
import type { EndpointSpec } from './endpoint.ts';
import { PROBLEMS, type ProblemCode } from './problem.ts';
import { ProblemShape } from './shapes.ts';

export type AnySpec = EndpointSpec<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType>;
type Route = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0];

const DESCRIPTIONS = { 200: 'Done', 201: 'Made', 202: 'Begun; it goes on by itself', 204: 'Done' } as const;

const header = (description: string) => z.string().optional().openapi({ description });

const TENANT = {
  'Tidegate-Tenant': header('For operators: the tenant they act for; `default` when it is left out.'),
};
const IDEMPOTENCY = {
  'Idempotency-Key': header(
    'Makes it safe to send the request again: within 24 hours the answer is the one of the first, with ' +
      '`Idempotency-Replayed: true`. 1 to 255 visible ASCII characters.',
  ),
};
const IF_MATCH = {
  'If-Match': header('`ETag` of what was read: nothing is changed if it was changed since.'),
};
const LAST_EVENT = {
  'Last-Event-ID': header('Of a stream: goes on after this event; an `event: gap` says that some are gone.'),
};

const DryRun = z.object({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .openapi({ description: 'true: everything is checked and answered, nothing is changed.' }),
});

export function describe(spec: AnySpec): Route {
  const status = spec.status ?? 200;
  return {
    method: spec.method,
    path: spec.path,
    operationId: spec.id,
    summary: spec.summary,
    // What has to be held, as OpenAPI 3.1 (4.8.30) has it for schemes other than OAuth.
    security: [{ token: [spec.needs] }],
    request: {
      params: spec.params,
      query: spec.dryRun === true ? spec.query.extend(DryRun.shape) : spec.query,
      headers: z.object({
        ...TENANT,
        ...(spec.method === 'post' ? IDEMPOTENCY : {}),
        ...(spec.versioned === true && spec.method !== 'get' ? IF_MATCH : {}),
        ...(spec.streams === true ? LAST_EVENT : {}),
      }),
      ...(spec.body === null
        ? {}
        : { body: { required: true, content: { 'application/json': { schema: spec.body } } } }),
    },
    responses: {
      [status]: {
        description: DESCRIPTIONS[status],
        headers: headersOf(spec),
        ...(status === 204 ? {} : { content: contentOf(spec) }),
      },
      ...(spec.dryRun === true && status !== 200
        ? { 200: { description: 'What would be made (`dry_run`)', content: contentOf(spec) } }
        : {}),
      ...problemsOf(spec),
    },
  };
}

function contentOf(spec: AnySpec) {
  return {
    'application/json': { schema: spec.answer },
    ...(spec.streams === true ? { 'text/event-stream': { schema: z.string() } } : {}),
  };
}

function headersOf({
  method,
  status,
  versioned,
}: AnySpec): Record<string, { description: string; schema: { type: 'string' } }> {
  const text = (description: string) => ({ description, schema: { type: 'string' as const } });
  return {
    ...(status === 201 || status === 202 ? { Location: text('Path of what was made or begun.') } : {}),
    ...(versioned === true && status !== 204 ? { ETag: text('Version of what is answered, for `If-Match`.') } : {}),
    ...(method === 'post' ? { 'Idempotency-Replayed': text('`true`: this is the answer to an earlier request.') } : {}),
  };
}

/** Several problems may share a status. */
function problemsOf(spec: AnySpec): Route['responses'] {
  const checks = spec.body !== null || Object.keys(spec.query.shape).length > 0 || spec.method !== 'get';
  const codes = new Set<ProblemCode>(['unauthorized', 'forbidden', ...(spec.problems ?? [])]);
  if (checks) codes.add('invalid');
  if (changesApp(spec)) codes.add('conflict');
  if (spec.body !== null) for (const code of ['bad_json', 'body_too_large'] as const) codes.add(code);
  if (spec.versioned === true && spec.method !== 'get') codes.add('precondition_failed');
  if (spec.method === 'post')
    for (const code of ['idempotency_in_flight', 'idempotency_mismatch'] as const) codes.add(code);
  const titles = new Map<number, string[]>();
  for (const code of codes) {
    const { status, title } = PROBLEMS[code];
    titles.set(status, [...(titles.get(status) ?? []), `\`${code}\`: ${title}`]);
  }
  const content = { 'application/problem+json': { schema: ProblemShape } };
  return Object.fromEntries(Array.from(titles, ([status, all]) => [status, { description: all.join(' · '), content }]));
}
