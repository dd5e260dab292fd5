/**
 * What the API answers when it does not do what was asked: `application/problem+json` (RFC 9457) with a code for
 * programs, the places in the request that are at fault, and what to do about it.
 */
import { ERRORS, type ErrorCode, isTidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { withoutTokens } from '#core/token-text';

interface Kind {
  readonly status: number;
  readonly title: string;
}

/** Codes of the API's own; a failure below it answers with its code from the error registry. */
export const PROBLEMS = {
  bad_request: { status: 400, title: 'The request cannot be understood' },
  bad_json: { status: 400, title: 'The body is not JSON' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  quota_exceeded: { status: 403, title: 'The plan of the tenant allows no more' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'This path does not take that method' },
  conflict: { status: 409, title: 'It is in the way of what is there' },
  not_running: { status: 409, title: 'Nothing of it runs now' },
  idempotency_in_flight: { status: 409, title: 'The same request is being served' },
  precondition_failed: { status: 412, title: 'It has changed since it was read' },
  body_too_large: { status: 413, title: 'The body is too large' },
  invalid: { status: 422, title: 'A value cannot be used' },
  idempotency_mismatch: { status: 422, title: 'The key stands for another request' },
  upgrade_required: { status: 426, title: 'This path is for WebSockets' },
  too_many_requests: { status: 429, title: 'Too soon after the last time' },
  internal: { status: 500, title: 'Tidegate failed' },
  unavailable: { status: 503, title: 'This part of Tidegate does not run' },
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** One place in the request that is at fault. */
export interface Fault {
  /** JSON pointer into the body, or `/<name>` of a query parameter. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export interface ProblemFacts {
  readonly detail: string;
  readonly errors?: readonly Fault[];
  /** What to do, one step each. */
  readonly fix?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

export class Problem {
  readonly code: string;
  readonly #kind: Kind;
  readonly #facts: ProblemFacts;

  constructor(code: ProblemCode, facts: ProblemFacts) {
    this.code = code;
    this.#kind = PROBLEMS[code];
    this.#facts = facts;
  }

  /** @param instance the path that was asked for */
  respond(instance: string): Response {
    return problemResponse({ code: this.code, instance, ...this.#kind }, this.#facts);
  }
}

/** Failures that whoever asks can do something about; all others are 503. */
const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  'store.conflict': 409,
  'certs.unfit': 422,
  'tenants.unknown': 404,
  'apps.removing': 409,
};

/** The answer to whatever was thrown while a request was served. It names no inner workings but registered codes. */
export function failure(error: unknown, instance: string, log: Log): Response {
  log.error('an API request failed', { path: withoutTokens(instance), error });
  if (!isTidegateError(error)) {
    const facts = { detail: 'The log of Tidegate says more.' };
    return problemResponse({ code: 'internal', instance, ...PROBLEMS.internal }, facts);
  }
  const { meaning, fix } = ERRORS[error.code];
  const kind = { status: STATUSES[error.code] ?? 503, title: meaning };
  return problemResponse({ code: error.code, instance, ...kind }, { detail: error.message, fix: [fix] });
}

function problemResponse(head: Kind & { code: string; instance: string }, facts: ProblemFacts): Response {
  const { detail, errors = [], fix = [], headers = {} } = facts;
  const { status, title, code, instance } = head;
  const type = `urn:tidegate:problem:${code}`;
  return new Response(JSON.stringify({ type, title, status, detail, instance, code, errors, fix }), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  });
}
