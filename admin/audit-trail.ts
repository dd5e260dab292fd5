/**
 * The way of one request through the audit log: kept before anything is changed, or when it is refused, and finished before
 * its answer leaves. Requests that change nothing leave no trail.
 */
import type { Context } from 'hono';
import { withoutTokens } from '#core/token-text';
import type { AuditDraft } from '#tenants/audit-record';
import type { Scope } from './access.ts';
import type { AnySpec } from './endpoint-description.ts';
import type { AdminPorts } from './ports.ts';

const FIELDS_MAX = 50;
const TEXT_MAX = 100;

type Audit = NonNullable<AdminPorts['tenancy']>['audit'];
type Facts = Pick<AuditDraft, 'method' | 'path' | 'params' | 'requestId' | 'client'>;

export interface TrailOptions {
  readonly audit: Audit;
  readonly spec: Pick<AnySpec, 'method' | 'path' | 'needs'>;
  readonly client: string | null;
  readonly requestId: string;
}

/** Null: such requests leave no trail. */
export function trailOf(c: Context, { audit, spec, client, requestId }: TrailOptions): AuditTrail | null {
  if (spec.method === 'get') return null;
  const params = Object.entries(c.req.param() as Record<string, string>).map(([name, text]) => [name, told(text)]);
  const facts = { method: spec.method.toUpperCase(), path: spec.path, params: Object.fromEntries(params) };
  return new AuditTrail(audit, { ...facts, client, requestId }, spec.needs === 'operator');
}

export class AuditTrail {
  readonly #audit: Audit;
  readonly #facts: Facts;
  readonly #isOfOperators: boolean;
  #scope: Scope | null = null;

  constructor(audit: Audit, facts: Facts, isOfOperators: boolean) {
    this.#audit = audit;
    this.#facts = facts;
    this.#isOfOperators = isOfOperators;
  }

  /** Who it is, as soon as that is known. */
  set scope(scope: Scope) {
    this.#scope = scope;
  }

  async refused(response: Response, asked: AskedFacts = NOTHING_ASKED): Promise<Response> {
    await this.#audit.refused(this.#draft(asked), await outcomeOf(response));
    return response;
  }

  /** @throws what `change` throws, or TidegateError `store.…` before anything is changed */
  async around(asked: AskedFacts, change: () => Promise<Response>): Promise<Response> {
    const begun = await this.#audit.begin(this.#draft(asked));
    const response = await change();
    await this.#audit.finish(begun, await outcomeOf(response));
    return response;
  }

  #draft({ body, dryRun }: AskedFacts): AuditDraft {
    const scope = this.#scope;
    const { id, name, operator } = scope?.principal ?? { id: '', name: '', operator: false };
    // What operators do for no tenant is nobody's to see but theirs.
    const tenant = scope === null || (this.#isOfOperators && operator) ? null : scope.tenant;
    const principal = scope === null ? null : { id, name, operator };
    return { ...this.#facts, principal, tenant, fields: fieldsOf(body), dryRun };
  }
}

export interface AskedFacts {
  /** As it came; null: none, or nobody looked. */
  readonly body: string | null;
  readonly dryRun: boolean;
}

const NOTHING_ASKED: AskedFacts = { body: null, dryRun: false };

async function outcomeOf(response: Response) {
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  const code = isProblem ? ((await response.clone().json()) as { code: string }).code : null;
  return { status: response.status, code };
}

/** Names of the fields of a JSON object; whatever else it is has none. */
function fieldsOf(body: string | null): readonly string[] {
  if (body === null) return [];
  try {
    const value: unknown = JSON.parse(body);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? Object.keys(value).slice(0, FIELDS_MAX).map(told) : [];
  } catch {
    return [];
  }
}

/** Somebody may put a token where a name belongs. */
function told(text: string): string {
  return withoutTokens(text).slice(0, TEXT_MAX);
}
