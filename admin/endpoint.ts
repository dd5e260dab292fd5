/**
 * One way to declare an endpoint: its schemas check what comes in, type what goes out, and describe it in the OpenAPI
 * document. So the three cannot drift apart.
 */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { messageOf } from '#core/errors';
import { nearest } from '#core/nearest';
import { type Scope, scopeOf } from './access.ts';
import type { AdminPorts } from './ports.ts';
import { type Fault, PROBLEMS, Problem, type ProblemCode } from './problem.ts';
import { ProblemShape } from './shapes.ts';

const BODY_BYTES_MAX = 1024 * 1024;

/** For an endpoint without parameters of that kind. */
export const NOTHING = z.object({});

export interface EndpointSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodObject,
  R extends z.ZodType,
> {
  readonly method: 'get' | 'put' | 'post';
  /** With `{name}` for what `params` describes. */
  readonly path: string;
  readonly summary: string;
  readonly params: P;
  readonly query: Q;
  /** Null: it takes no body. */
  readonly body: B | null;
  /** What it answers with 200. */
  readonly answer: R;
  /** Also answers Server-Sent Events. */
  readonly streams?: boolean;
  /** Besides `unauthorized`, and `invalid` where something is checked. */
  readonly problems?: readonly ProblemCode[];
}

export interface Call<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject> {
  readonly scope: Scope;
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly headers: Headers;
}

/** A JSON value of the declared shape, a Problem, or a Response of its own making. */
export type Answer<R extends z.ZodType> = z.input<R> | Problem | Response;

export class Endpoints {
  readonly hono = new OpenAPIHono({ strict: false });
  readonly #authenticate: AdminPorts['authenticate'];

  constructor(authenticate: AdminPorts['authenticate']) {
    this.#authenticate = authenticate;
  }

  /** Adds an endpoint that needs a token. */
  add<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject, R extends z.ZodType>(
    spec: EndpointSpec<P, Q, B, R>,
    handle: (call: Call<P, Q, B>) => Answer<R> | Promise<Answer<R>>,
  ): void {
    this.#describe(spec);
    const limit = bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => tooLarge().respond(c.req.path) });
    this.hono.on([spec.method], [spec.path.replaceAll(/\{(\w+)\}/g, ':$1')], limit, async (c) => {
      const answer = await this.#serve(c, spec, handle);
      if (answer instanceof Problem) return answer.respond(c.req.path);
      if (answer instanceof Response) return answer;
      return Response.json(answer, { headers: { 'cache-control': 'no-store' } });
    });
  }

  async #serve<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject, R extends z.ZodType>(
    c: Context,
    spec: EndpointSpec<P, Q, B, R>,
    handle: (call: Call<P, Q, B>) => Answer<R> | Promise<Answer<R>>,
  ): Promise<Answer<R>> {
    const scope = await scopeOf(c.req.raw.headers, this.#authenticate);
    if (scope instanceof Problem) return scope;
    const query = checked(spec.query, c.req.query());
    if (query instanceof Problem) return query;
    const params = checked(spec.params, c.req.param());
    if (params instanceof Problem) return params;
    const body = spec.body === null ? ({} as z.output<B>) : await bodyOf(c, spec.body);
    if (body instanceof Problem) return body;
    return handle({ scope, params, query, body, headers: c.req.raw.headers });
  }

  #describe(spec: EndpointSpec<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType>): void {
    const checks = spec.body !== null || Object.keys(spec.query.shape).length > 0;
    const codes: ProblemCode[] = ['unauthorized', ...(spec.problems ?? [])];
    if (checks) codes.push('invalid');
    if (spec.body !== null) codes.push('bad_json', 'body_too_large');
    const problems = codes.map((code) => [
      PROBLEMS[code].status,
      {
        description: PROBLEMS[code].title,
        content: { 'application/problem+json': { schema: ProblemShape } },
      },
    ]);
    this.hono.openAPIRegistry.registerPath({
      method: spec.method,
      path: spec.path,
      summary: spec.summary,
      security: [{ token: [] }],
      request: {
        params: spec.params,
        query: spec.query,
        ...(spec.body === null
          ? {}
          : { body: { required: true, content: { 'application/json': { schema: spec.body } } } }),
      },
      responses: {
        200: {
          description: 'Done',
          content: {
            'application/json': { schema: spec.answer },
            ...(spec.streams === true ? { 'text/event-stream': { schema: z.string() } } : {}),
          },
        },
        ...Object.fromEntries(problems),
      },
    });
  }
}

/** The body as JSON, whatever its content type says: `curl -d` says that it is a form. */
async function bodyOf<B extends z.ZodObject>(c: Context, schema: B): Promise<z.output<B> | Problem> {
  let text: string;
  try {
    text = await c.req.text();
  } catch {
    return new Problem('bad_request', { detail: 'The body did not arrive whole.' });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return new Problem('bad_json', { detail: messageOf(error), fix: ['Send one JSON object.'] });
  }
  return checked(schema, value);
}

function checked<T extends z.ZodObject>(schema: T, value: unknown): z.output<T> | Problem {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.flatMap((issue) => faultsOf(issue, Object.keys(schema.shape)));
  return invalid(faults);
}

/** The answer to values that cannot be used. */
export function invalid(faults: readonly Fault[], fix: readonly string[] = []): Problem {
  return new Problem('invalid', { detail: faults.map((one) => one.detail).join(' '), errors: faults, fix });
}

function faultsOf(issue: z.core.$ZodIssue, known: readonly string[]): Fault[] {
  const at = issue.path.map((step) => `/${escapePointer(String(step))}`).join('');
  if (issue.code !== 'unrecognized_keys')
    return [{ pointer: at, code: issue.code, detail: sentence(at, issue.message) }];
  return issue.keys.map((key) => {
    const meant = nearest(key, known);
    const hint = meant === null ? `Known are ${known.join(', ')}.` : `Did you mean "${meant}"?`;
    return { pointer: `${at}/${escapePointer(key)}`, code: 'unknown', detail: `"${key}" means nothing here. ${hint}` };
  });
}

function sentence(pointer: string, message: string): string {
  return `${pointer === '' ? 'The body' : pointer}: ${message}.`;
}

/** RFC 6901, section 3. */
function escapePointer(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}

function tooLarge(): Problem {
  return new Problem('body_too_large', { detail: `A body may have ${BODY_BYTES_MAX} bytes.` });
}
