/**
 * What the gateway answers by itself when it cannot pass a request on. One table holds every such answer, for the visitor
 * and for the operator; docs/errors.md is made from it. No answer ever says where an upstream is.
 */
import { ownPage, PAGE_POLICY } from './own-page.ts';

export interface GatewayError {
  readonly status: number;
  readonly title: string;
  /** For the visitor: what happened, without blame and without detail. */
  readonly explanation: string;
  /** For the operator: what to do about it. */
  readonly fix: string;
}

export const GATEWAY_ERRORS = {
  bad_request: {
    status: 400,
    title: 'Bad request',
    explanation: 'The request could not be understood.',
    fix: 'The client sent something that is not unambiguous HTTP; the log names the rule that was broken.',
  },
  unauthorized: {
    status: 401,
    title: 'Sign in',
    explanation: 'A name and a password are asked for here.',
    fix: 'Give one of the users of tidegate.auth.basic; its hash has to be of the password that is sent.',
  },
  forbidden: {
    status: 403,
    title: 'Not for this address',
    explanation: 'This app is not open to the network you come from.',
    fix: 'The client is not in tidegate.allow.ips, or it is in tidegate.deny.ips; behind a proxy see TIDEGATE_TRUSTED_PROXIES.',
  },
  client_certificate_required: {
    status: 403,
    title: 'Certificate needed',
    explanation: 'This app is open to clients with a certificate of its own authority alone.',
    fix: 'The client sent no certificate. It needs one that the authority of tidegate.tls.client has signed.',
  },
  client_certificate_invalid: {
    status: 403,
    title: 'Certificate not accepted',
    explanation:
      'The certificate that was sent is not one this app accepts: it has ended, or another authority signed it.',
    fix: 'The certificate does not verify by tidegate.tls.client: another authority, not in force at this time, not for clients (extended key usage), or an intermediate certificate was not sent. The log names the fault at level debug.',
  },
  no_route: {
    status: 404,
    title: 'Nothing here',
    explanation: 'No app answers at this address.',
    fix: 'Check the hostname and path against GET /v1/routes; a container needs tidegate.host or tidegate.app.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timed out',
    explanation: 'The request did not arrive completely in time.',
    fix: 'The client stalled while sending. Slow uploads need a longer tidegate.timeout.idle.',
  },
  body_too_large: {
    status: 413,
    title: 'Too large',
    explanation: 'What was sent is larger than this app accepts.',
    fix: 'Raise tidegate.body.max if such bodies are meant to pass.',
  },
  target_too_long: {
    status: 414,
    title: 'Address too long',
    explanation: 'The address of this request is longer than is accepted.',
    fix: 'Send long input in a body, not in the address.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    explanation: 'The request expects something that is not offered.',
    fix: 'Only `Expect: 100-continue` exists.',
  },
  misdirected: {
    status: 421,
    title: 'Misdirected request',
    explanation: 'This request reached a connection that does not serve its hostname.',
    fix: 'The hostname is not served in this way here; see tidegate.tls for plain and encrypted access.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    explanation: 'Requests come faster than this app allows. Please wait a moment.',
    fix: 'Raise tidegate.rate if such traffic is meant to pass.',
  },
  wake_limited: {
    status: 429,
    title: 'Too many apps at once',
    explanation: 'This app sleeps, and others of the same owner are being woken. Please try again in a moment.',
    fix: 'The tenant woke as many sleeping sets in the last minute as its plan allows: raise wakes.per_minute of the plan, or keep robots away with tidegate.wake.ignore.',
  },
  head_too_large: {
    status: 431,
    title: 'Request header too large',
    explanation: 'The header of this request is larger than is accepted. Clearing the cookies of this site may help.',
    fix: 'Headers end at 16 KiB or 128 lines; most often cookies have piled up.',
  },
  not_implemented: {
    status: 501,
    title: 'Not implemented',
    explanation: 'The request asks for a method or coding that is not served.',
    fix: 'CONNECT, TRACE, unknown methods and transfer codings other than chunked are refused.',
  },
  upstream_connect: {
    status: 502,
    title: 'App unreachable',
    explanation: 'The app could not be reached.',
    fix: 'The replica refuses connections: check that it listens on tidegate.port on all its addresses.',
  },
  upstream_reset: {
    status: 502,
    title: 'App hung up',
    explanation: 'The app ended the connection before it answered.',
    fix: 'The replica closed the connection before an answer: look for a crash in its log.',
  },
  upstream_protocol: {
    status: 502,
    title: 'Bad answer',
    explanation: 'The app answered with something that is not valid.',
    fix: 'The replica does not speak clean HTTP on that port: check tidegate.port and tidegate.proto.',
  },
  wake_timeout: {
    status: 503,
    title: 'Still starting',
    explanation: 'The app did not become ready in time. Please try again.',
    fix: 'The set did not pass its probe within tidegate.wake.timeout: see its events and its log.',
  },
  waiting_room_full: {
    status: 503,
    title: 'Busy',
    explanation: 'Too many requests are waiting for this app. Please try again in a moment.',
    fix: 'Raise tidegate.wake.queue, tidegate.concurrency or tidegate.scale.max.',
  },
  asleep: {
    status: 503,
    title: 'Asleep',
    explanation: 'The app sleeps, and requests like this one do not wake it.',
    fix: 'The request fits a rule of tidegate.wake.ignore. A monitor is to take 503 with X-Tidegate-Error: asleep for alive.',
  },
  no_replicas: {
    status: 503,
    title: 'Unavailable',
    explanation: 'The app has nothing running that could answer.',
    fix: 'No replica is ready and none can be started: see GET /v1/apps and the events of the set.',
  },
  stopped: {
    status: 503,
    title: 'Stopped',
    explanation: 'The app has been stopped.',
    fix: 'Its containers were stopped by a person; start one of them.',
  },
  client_ca_missing: {
    status: 503,
    title: 'Unavailable',
    explanation: 'The app cannot tell who may come in.',
    fix: 'The authority that tidegate.tls.client names is not there: put <name>.pem into TIDEGATE_CLIENT_CAS. If it is, another route of the hostname has it ask for another authority; there is one for each hostname.',
  },
  waking: {
    status: 503,
    title: 'Waking up',
    explanation: 'The app was asleep and is waking up.',
    fix: 'Nothing: this is the waiting page of tidegate.wake=page.',
  },
  upstream_timeout: {
    status: 504,
    title: 'App too slow',
    explanation: 'The app did not answer in time.',
    fix: 'Raise tidegate.timeout.connect or tidegate.timeout.response, or find out what keeps the replica busy.',
  },
  version_unsupported: {
    status: 505,
    title: 'HTTP version not supported',
    explanation: 'The request uses a version of HTTP that is not served.',
    fix: 'HTTP/1.0 and HTTP/1.1 are served on this listener.',
  },
} as const satisfies Record<string, GatewayError>;

export type GatewayErrorCode = keyof typeof GATEWAY_ERRORS;

/** An answer that is whole in memory. */
export interface OwnAnswer {
  readonly status: number;
  /** Flat list of name, value, … without framing. */
  readonly fields: readonly string[];
  readonly body: Buffer;
}

export interface ErrorFacts {
  readonly code: GatewayErrorCode;
  readonly requestId: string;
  /** Whether the client would rather see a page, see {@link prefersHtml}. */
  readonly html: boolean;
  /** Seconds; null: no Retry-After. */
  readonly retryAfterS: number | null;
}

/** The answer for an error: a page for people, problem details (RFC 9457) for programs. */
export function errorAnswer(facts: ErrorFacts): OwnAnswer {
  const { status, title, explanation } = GATEWAY_ERRORS[facts.code];
  const fields = ['Cache-Control', 'no-store', 'X-Tidegate-Error', facts.code, 'X-Request-Id', facts.requestId];
  if (facts.retryAfterS !== null) fields.push('Retry-After', String(facts.retryAfterS));
  if (facts.html) {
    fields.push('Content-Type', 'text/html; charset=utf-8', 'Content-Security-Policy', PAGE_POLICY);
    const note = `${status} · ${facts.code} · request ${facts.requestId}`;
    return { status, fields, body: Buffer.from(ownPage({ title, text: explanation, note, waiting: false })) };
  }
  fields.push('Content-Type', 'application/problem+json');
  const problem = { type: 'about:blank', title, status, detail: explanation, code: facts.code };
  return { status, fields, body: Buffer.from(`${JSON.stringify({ ...problem, request_id: facts.requestId })}\n`) };
}

/** The error that answers a status which the strict reading of a request ends in. */
export function errorOfStatus(status: number): GatewayErrorCode {
  switch (status) {
    case 408:
      return 'request_timeout';
    case 413:
      return 'body_too_large';
    case 414:
      return 'target_too_long';
    case 417:
      return 'expectation_failed';
    case 421:
      return 'misdirected';
    case 431:
      return 'head_too_large';
    case 501:
      return 'not_implemented';
    case 505:
      return 'version_unsupported';
    default:
      return 'bad_request';
  }
}

/**
 * Whether an Accept value asks for a page (RFC 9110 12.5.1): HTML is named and wanted at least as much as JSON. A bare
 * wildcard, as programs send it, does not name it.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || !accept.includes('text/')) return false;
  let html = 0;
  let json = 0;
  for (const range of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    const quality = weight === undefined ? 1 : Number(weight.slice(2)) || 0;
    if (type === 'text/html') html = Math.max(html, quality);
    else if (type === 'application/json' || type === 'application/problem+json') json = Math.max(json, quality);
  }
  return html > 0 && html >= json;
}
