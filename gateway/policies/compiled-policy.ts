/**
 * What a set asks of the edge, made ready once per policy, so that a request of a set that asks for nothing pays one
 * comparison. Questions are put while the head of the request holds; what its answer depends on is kept as terms.
 */
import type { Clock } from '#core/clock';
import type { Coding, EdgePolicy, HeaderRules } from '#core/edge-policy';
import type { GatewayErrorCode } from '../error-answer.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { UpstreamCall } from '../upstream/upstream-call.ts';
import { BasicAuth } from './basic-auth.ts';
import { ClientRules } from './client-rules.ts';
import { CompressedCall } from './compressed-call.ts';
import { codingFor, isCompressible, varyByCoding } from './content-coding.ts';
import { CORS_FIELDS, Cors } from './cors.ts';
import type { Encoders } from './encoders.ts';
import { FieldRules } from './field-rules.ts';
import { addField, addFields, dropFields } from './head-edits.ts';
import { HSTS, HSTS_FIELDS, hstsValue } from './hsts.ts';
import type { PasswordThread } from './password-thread.ts';
import { Redirect } from './redirect.ts';
import { WakeIgnore } from './wake-ignore.ts';

const PREFLIGHT_STATUS = 204;
const AUTHORIZATION: ReadonlySet<string> = new Set(['authorization']);

/** What all policies of a gateway share. */
export interface PolicyTools {
  readonly clock: Clock;
  readonly encoders: Encoders;
  readonly passwords: PasswordThread;
}

/** A whole answer without a body. */
export interface EdgeAnswer {
  readonly status: number;
  readonly fields: readonly string[];
}

/** What the answer to a request depends on. */
export interface AnswerTerms {
  /** As sent; undefined: none. */
  readonly origin: string | undefined;
  /** The client's own connection is encrypted. */
  readonly secure: boolean;
  /** What the body may be compressed with; null: nothing. */
  readonly coding: Coding | null;
}

/** @returns null: the set asks for nothing */
export function compilePolicy(
  policy: EdgePolicy,
  tools: PolicyTools,
  before: CompiledPolicy | null,
): CompiledPolicy | null {
  const { headers, cors, auth, clients, redirect, compress, hsts, wakeIgnore } = policy;
  const asks = [headers, cors, auth, clients, redirect, compress, hsts, wakeIgnore].some((one) => one !== null);
  return asks ? new CompiledPolicy(policy, tools, before) : null;
}

export class CompiledPolicy {
  readonly #tools: PolicyTools;
  readonly #clients: ClientRules | null;
  readonly #ignore: WakeIgnore | null;
  readonly #redirect: Redirect | null;
  readonly #cors: Cors | null;
  readonly #hsts: string | null;
  readonly #compress: readonly Coding[] | null;
  readonly #requestRules: FieldRules | null;
  readonly #responseRules: FieldRules | null;
  /** Null: everybody may come in. */
  readonly auth: BasicAuth | null;

  /** @param before the policy that this one follows: what it has found out about passwords is kept */
  constructor(policy: EdgePolicy, tools: PolicyTools, before: CompiledPolicy | null) {
    const { headers, cors, auth, clients, redirect, compress, hsts, wakeIgnore } = policy;
    this.#ignore = wakeIgnore === null ? null : new WakeIgnore(wakeIgnore);
    this.#tools = tools;
    this.#clients = clients === null ? null : new ClientRules(clients);
    this.#redirect = redirect === null ? null : new Redirect(redirect);
    this.#cors = cors === null ? null : new Cors(cors);
    this.#hsts = hsts === null ? null : hstsValue(hsts);
    this.#compress = compress;
    this.#requestRules = rulesOf(headers?.request);
    this.#responseRules = rulesOf(headers?.response);
    const kept = before?.auth ?? null;
    const same = kept !== null && JSON.stringify(kept.policy) === JSON.stringify(auth);
    this.auth = auth === null ? null : same ? kept : new BasicAuth(auth, tools.passwords);
  }

  /** Whether the client may come in at all. */
  admits(client: string): boolean {
    return this.#clients === null || this.#clients.admits(client);
  }

  /** Whether the request wakes nothing and keeps nothing awake. */
  ignores(head: RequestHead, client: string): boolean {
    return this.#ignore?.holds(head, client) ?? false;
  }

  /** The answer that needs no app; null: the request goes on. `secure`: the client's own connection is encrypted. */
  refusal(head: RequestHead, secure: boolean): EdgeAnswer | null {
    const location = this.#redirect?.locationFor(head, secure) ?? null;
    if (this.#redirect !== null && location !== null) {
      return { status: this.#redirect.status, fields: ['Location', location] };
    }
    return this.preflight(head);
  }

  /** The answer to a preflight request, which browsers send without any credentials (Fetch 3.2.2); null: it is none. */
  preflight(head: RequestHead): EdgeAnswer | null {
    const fields = this.#cors?.preflight(head) ?? null;
    return fields === null ? null : { status: PREFLIGHT_STATUS, fields };
  }

  /** What the answer will depend on. */
  termsOf(head: RequestHead, secure: boolean): AnswerTerms {
    const codes = this.#compress !== null && head.method !== 'HEAD' && !head.websocket;
    return {
      origin: this.#cors === null ? undefined : head.field('origin'),
      secure,
      coding: codes ? codingFor(head.field('accept-encoding'), this.#compress) : null,
    };
  }

  /** Edits a request before it goes to the upstream. Nothing is read from it after that. */
  editRequest(head: RequestHead): void {
    if (this.auth !== null && !this.auth.policy.forward) dropFields(head.lines, AUTHORIZATION);
    this.#requestRules?.edit(head.lines);
  }

  /** The call to make of this one: its answer is compressed, if that may be. */
  wrap(call: UpstreamCall, terms: AnswerTerms): UpstreamCall {
    return terms.coding === null ? call : new CompressedCall(call, terms.coding, this.#tools);
  }

  /** Edits an answer before it goes to the client. */
  editAnswer(head: ResponseHead, terms: AnswerTerms): void {
    const { lines } = head;
    if (this.#compress !== null && isCompressible(head)) varyByCoding(head);
    if (this.#cors !== null) {
      dropFields(lines, CORS_FIELDS);
      addFields(lines, this.#cors.fields(terms.origin));
    }
    if (this.#hsts !== null && terms.secure) {
      dropFields(lines, HSTS_FIELDS);
      addField(lines, HSTS, this.#hsts);
    }
    this.#responseRules?.edit(lines);
  }

  /**
   * The fields that an error or a redirect of the gateway's own gets, a flat list: a page of another origin is to read why
   * it failed, and whoever may not come in is asked for a password.
   */
  ownFields(terms: AnswerTerms, code: GatewayErrorCode | null): readonly string[] {
    const fields = this.#cors === null ? [] : [...this.#cors.fields(terms.origin)];
    if (code === 'unauthorized' && this.auth !== null) fields.push('WWW-Authenticate', this.auth.challenge);
    if (this.#hsts !== null && terms.secure) fields.push(HSTS, this.#hsts);
    if (this.#responseRules !== null) fields.push(...this.#responseRules.added);
    return fields;
  }
}

function rulesOf(rules: HeaderRules | undefined): FieldRules | null {
  if (rules === undefined) return null;
  const compiled = new FieldRules(rules);
  return compiled.isEmpty ? null : compiled;
}
