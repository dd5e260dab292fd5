/**
 * Answers the gateway gives by itself, with their place in the account.
 */
import { errorAnswer, type GatewayErrorCode, type OwnAnswer, prefersHtml } from '../error-answer.ts';
import type { Exchange } from '../exchange.ts';
import type { DialFailure } from '../upstream/dial.ts';
import type { Account } from './account.ts';
import type { PassageFacts } from './passage-facts.ts';

/** An answer and the error it stands for; null: none. */
export interface AccountedAnswer extends OwnAnswer {
  readonly code: GatewayErrorCode | null;
}

/** What it is called when a replica cannot be reached. */
export const DIAL_ERRORS: Readonly<Record<DialFailure, GatewayErrorCode>> = {
  refused: 'upstream_connect',
  timeout: 'upstream_timeout',
  protocol: 'upstream_protocol',
};

export interface ErrorChoice {
  readonly code: GatewayErrorCode;
  readonly retryAfterS: number | null;
  /** The client's Accept. */
  readonly accept: string | undefined;
}

export function errorFor(account: Account, choice: ErrorChoice): AccountedAnswer {
  const { code, retryAfterS, accept } = choice;
  const answer = errorAnswer({ code, requestId: account.id, html: prefersHtml(accept), retryAfterS });
  return { ...answer, code };
}

/** The error that ends a passage. */
export function failureOf(facts: PassageFacts, code: GatewayErrorCode, retryAfterS: number | null): AccountedAnswer {
  const { account, request, edge, terms } = facts;
  const accept = /\r\naccept:[ \t]*([^\r]*)/i.exec(request.head)?.[1];
  const answer = errorFor(account, { code, retryAfterS, accept });
  if (edge === null || terms === null) return answer;
  return { ...answer, fields: [...answer.fields, ...edge.ownFields(terms, code)] };
}

/** A bodiless answer that is no error. */
export function plainAnswer(account: Account, status: number, fields: readonly string[]): AccountedAnswer {
  return { status, fields: [...fields, 'X-Request-Id', account.id], body: EMPTY, code: null };
}

/** What a certificate authority that validates is told (RFC 8555 8.3). */
export function challengeAnswer(account: Account, authorization: string): AccountedAnswer {
  const answer = plainAnswer(account, 200, ['Content-Type', 'application/octet-stream', 'Cache-Control', 'no-store']);
  return { ...answer, body: Buffer.from(authorization, 'latin1') };
}

/** Gives the answer. The account is left open. */
export function answerBy(exchange: Exchange, account: Account, answer: AccountedAnswer): void {
  if (answer.code !== null) account.failed(answer.code);
  account.status = answer.status;
  exchange.answer(answer);
}

const EMPTY = Buffer.alloc(0);
