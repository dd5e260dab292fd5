/**
 * One way to declare an endpoint: its schemas check what comes in, type what goes out, and describe it in the OpenAPI
 * document. So the three cannot drift apart.
 */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { messageOf } from '#core/errors';
import { nearest } from '#core/nearest';
import { type Need, refusalOf, type Scope, scopeOf } from './access.ts';
import { type Done, respond } from './answer.ts';
import { type AskedFacts, type AuditTrail, trailOf } from './audit-trail.ts';
import { textUpTo } from './body-limit.ts';
import { clientOf } from './client-address.ts';
import { changesApp, departing } from './departing.ts';
import { type AnySpec, describe } from './endpoint-description.ts';
import { Idempotency } from './idempotency.ts';
import { wordsOf } from './issue-words.ts';
import type { AdminPorts } from './ports.ts';
import { type Fault, failure, Problem, type ProblemCode } from './problem.ts';

const BODY_BYTES_MAX = 1024 * 1024;

/** For an endpoint without parameters of that kind. */
export const NOTHING = z.object({});

export interface EndpointSpec<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends z.ZodObject,
  R extends z.ZodType,
> {
  readonly method: 'get' | 'put' | 'post' | 'patch' | 'delete';
  /** Its name in programs that are made from the OpenAPI document: `listApps`. */
  readonly id: string;
  /** With `{name}` for what `params` describes. */
  readonly path: string;
  readonly summary: string;
  /** What the token has to hold. */
  readonly needs: Need;
  /**
   * Of several apps it shows only those that `seesApp` lets through, and what is of none to tokens without that limit;
   * left out: tokens that are limited to apps are refused unless `{app}` in the path is one of theirs.
   */
  readonly filtered?: true;
  readonly params: P;
  readonly query: Q;
  /** Null: it takes no body. */
  readonly body: B | null;
  /** What it answers when all is well. */
  readonly answer: R;
  /** With which status; 200 when left out. 204: without a body, whatever the handler returns. */
  readonly status?: 200 | 201 | 202 | 204;
  /** Takes `?dry_run=true`: the handler then changes nothing. */
  readonly dryRun?: true;
  /** What it is about has an `ETag`; the handler asks `unmet` before it changes anything. */
  readonly versioned?: true;
  /** Fields of the answer that are never to be kept, also not for a request that is sent again: null then. */
  readonly shownOnce?: readonly string[];
  /** Also answers Server-Sent Events. */
  readonly streams?: boolean;
  /** Besides `unauthorized`, `forbidden`, and `invalid` where something is checked. */
  readonly problems?: readonly ProblemCode[];
}

export interface Call<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject> {
  readonly scope: Scope;
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
  readonly headers: Headers;
  /** Nothing is to be changed. */
  readonly dryRun: boolean;
}

/** A JSON value of the declared shape, perhaps with facts for the head, a Problem, or a Response of its own making. */
export type Answer<R extends z.ZodType> = z.input<R> | Done<z.input<R>> | Problem | Response;

type EndpointPorts = Pick<AdminPorts, 'authenticate' | 'proxies' | 'tenancy' | 'answers' | 'clock' | 'log' | 'apps'>;

export class Endpoints {
  readonly hono = new OpenAPIHono({ strict: false });
  readonly #ports: EndpointPorts;
  readonly #idempotency: Idempotency | null;

  constructor(ports: EndpointPorts) {
    const { answers, clock, log } = ports;
    this.#ports = ports;
    this.#idempotency = answers === undefined ? null : new Idempotency(answers, clock, log);
  }

  /** Adds an endpoint that needs a token. */
  add<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject, R extends z.ZodType>(
    spec: EndpointSpec<P, Q, B, R>,
    handle: (call: Call<P, Q, B>) => Answer<R> | Promise<Answer<R>>,
  ): void {
    this.hono.openAPIRegistry.registerPath(describe(spec));
    this.hono.on([spec.method], [spec.path.replaceAll(/\{(\w+)\}/g, ':$1')], async (c) => {
      const { tenancy, proxies } = this.#ports;
      const client = clientOf(c, proxies);
      if (tenancy === undefined) return this.#answer(c, spec, { handle, client, trail: null });
      const requestId = tenancy.audit.newRequestId();
      const trail = trailOf(c, { audit: tenancy.audit, spec, client, requestId });
      const response = await this.#answer(c, spec, { handle, client, trail });
      response.headers.set('x-request-id', requestId);
      return response;
    });
  }

  /** Nothing of a body is read before it is known who sends it. */
  async #answer<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject, R extends z.ZodType>(
    c: Context,
    spec: EndpointSpec<P, Q, B, R>,
    { handle, client, trail }: Way<P, Q, B, R>,
  ): Promise<Response> {
    const { path } = c.req;
    const refused = (problem: Problem, asked?: AskedFacts): Response | Promise<Response> => {
      const response = problem.respond(path);
      return trail === null ? response : trail.refused(response, asked);
    };
    const scope = await scopeOf({ headers: c.req.raw.headers, client }, this.#ports);
    if (scope instanceof Problem) return refused(scope);
    if (trail !== null) trail.scope = scope;
    const { method, needs, filtered = false } = spec;
    const standing = this.#ports.tenancy?.tenants.tenant(scope.tenant)?.state;
    const refusal = refusalOf(scope, { method, needs, filtered, app: c.req.param('app') ?? null, standing });
    if (refusal !== null) return refused(refusal);
    const conflict = this.#departing(c, spec, scope);
    if (conflict !== null) return refused(conflict);
    const body = await limitedText(c, spec.body !== null);
    if (body instanceof Problem) return refused(body);
    const serve = async (): Promise<Response> => {
      const call = callOf(c, spec, { scope, body });
      if (call instanceof Problem) return refused(call, { body, dryRun: false });
      const change = async (): Promise<Response> => {
        try {
          const answer = await handle(call);
          if (answer instanceof Problem) return answer.respond(path);
          return answer instanceof Response ? answer : respond(answer, spec.status ?? 200);
        } catch (error) {
          return failure(error, path, this.#ports.log);
        }
      };
      return trail === null ? change() : trail.around({ body, dryRun: call.dryRun }, change);
    };
    const key = spec.method === 'post' ? c.req.header('idempotency-key') : undefined;
    if (key === undefined || this.#idempotency === null) return serve();
    const { pathname, search } = new URL(c.req.url);
    const keyed = { key, scope, facts: [pathname, search, body ?? ''], shownOnce: spec.shownOnce ?? [] };
    const answer = await this.#idempotency.once(keyed, serve);
    return answer instanceof Problem ? refused(answer, { body, dryRun: false }) : answer;
  }

  #departing(c: Context, spec: Parameters<typeof changesApp>[0], { tenant }: Scope): Problem | null {
    const { apps } = this.#ports;
    const app = c.req.param('app');
    if (apps === undefined || app === undefined || !changesApp(spec)) return null;
    return departing(apps.departures, { tenant, app, set: c.req.param('set') ?? null });
  }
}

interface Way<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject, R extends z.ZodType> {
  readonly handle: (call: Call<P, Q, B>) => Answer<R> | Promise<Answer<R>>;
  readonly client: string | null;
  readonly trail: AuditTrail | null;
}

/** What is asked for, checked. */
function callOf<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodObject>(
  c: Context,
  spec: EndpointSpec<P, Q, B, z.ZodType>,
  { scope, body: text }: { readonly scope: Scope; readonly body: string | null },
): Call<P, Q, B> | Problem {
  const dryRun = dryRunOf(c, spec);
  if (dryRun instanceof Problem) return dryRun;
  const query = checked(spec.query, c.req.query());
  if (query instanceof Problem) return query;
  const params = checked(spec.params, c.req.param());
  if (params instanceof Problem) return params;
  const body = spec.body === null ? ({} as z.output<B>) : bodyOf(text ?? '', spec.body);
  if (body instanceof Problem) return body;
  return { scope, params, query, body, headers: c.req.raw.headers, dryRun };
}

/** Who asks for a dry run never gets a real one. */
function dryRunOf(c: Context, { method, dryRun }: Pick<AnySpec, 'method' | 'dryRun'>): boolean | Problem {
  const text = c.req.query('dry_run');
  if (text === undefined || text === 'false' || method === 'get') return false;
  const pointer = '/dry_run';
  if (text !== 'true' && text !== '') {
    return invalid([{ pointer, code: 'bad_value', detail: `dry_run is true or false, not "${text}".` }]);
  }
  if (dryRun === true) return true;
  const detail = 'This cannot be tried without doing it; nothing was done.';
  return invalid([{ pointer, code: 'unsupported', detail }], ['Leave dry_run out to do it.']);
}

/** The body as JSON, whatever its content type says: `curl -d` says that it is a form. */
function bodyOf<B extends z.ZodObject>(text: string, schema: B): z.output<B> | Problem {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return new Problem('bad_json', { detail: messageOf(error), fix: ['Send one JSON object.'] });
  }
  return checked(schema, value);
}

/** Null: it takes no body, and there is no need to look at one. */
async function limitedText(c: Context, takesBody: boolean): Promise<string | null | Problem> {
  if (!takesBody) return null;
  try {
    const text = await textUpTo(c, BODY_BYTES_MAX);
    return text ?? new Problem('body_too_large', { detail: `A body may have ${BODY_BYTES_MAX} bytes.` });
  } catch {
    return new Problem('bad_request', { detail: 'The body did not arrive whole.' });
  }
}

function checked<T extends z.ZodObject>(schema: T, value: unknown): z.output<T> | Problem {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  return invalid(faultsOfIssues(result.error.issues, value, Object.keys(schema.shape)));
}

/**
 * @param value what was checked
 * @param known names that the value itself may have
 */
export function faultsOfIssues(issues: readonly z.core.$ZodIssue[], value: unknown, known: readonly string[]): Fault[] {
  return issues.flatMap((issue) => faultsOf(issue, value, known));
}

/** The answer to values that cannot be used. */
export function invalid(faults: readonly Fault[], fix: readonly string[] = []): Problem {
  return new Problem('invalid', { detail: faults.map((one) => one.detail).join(' '), errors: faults, fix });
}

function faultsOf(issue: z.core.$ZodIssue, value: unknown, known: readonly string[]): Fault[] {
  const at = issue.path.map((step) => `/${escapePointer(String(step))}`).join('');
  if (issue.code !== 'unrecognized_keys')
    return [{ pointer: at, code: issue.code, detail: sentence(at, wordsOf(issue, value)) }];
  return issue.keys.map((key) => {
    const meant = nearest(key, known);
    const hint = meant === null ? ` Known are ${known.join(', ')}.` : ` Did you mean "${meant}"?`;
    // Names of the value itself say nothing of those of its parts.
    const detail = `"${key}" means nothing here.${issue.path.length === 0 ? hint : ''}`;
    return { pointer: `${at}/${escapePointer(key)}`, code: 'unknown', detail };
  });
}

function sentence(pointer: string, message: string): string {
  return `${pointer === '' ? 'The body' : pointer}: ${message}.`;
}

/** RFC 6901, section 3. */
function escapePointer(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1');
}
