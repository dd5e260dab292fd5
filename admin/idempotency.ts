/**
 * One effect for one `Idempotency-Key`, however often a POST is sent: the answer is kept for 24 hours and given again. An
 * answer that changed nothing is not kept, so what was put right may be sent again under the same key.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import type { Log } from '#core/log';
import type { Store } from '#store/store';
import type { Scope } from './access.ts';
import { Problem } from './problem.ts';

const KIND = 'idempotency';
const KEPT_MS = 86_400_000;
/** No answer takes longer: whoever began it and said nothing has ended. */
const IN_FLIGHT_MAX_MS = 120_000;
const SWEEP_MS = 3_600_000;
/** Visible ASCII, as in the header of the IETF draft without its quotes, which are part of the key if they are sent. */
const KEY = /^[\x21-\x7e]{1,255}$/;
const KEPT_HEADERS = ['content-type', 'location', 'etag'] as const;

/** Where answers are kept; the store is one. */
export type AnswerStore = Pick<Store, 'document' | 'documents' | 'putDocument' | 'dropDocument'>;

interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Keyed {
  /** Of method, URL and body. */
  readonly fingerprint: string;
  /** When it began; ms since the epoch. */
  readonly at: number;
  /** Null: it is being served. */
  readonly answer: KeptAnswer | null;
}

export interface KeyedCall {
  readonly key: string;
  readonly scope: Scope;
  /** What must be the same for the call to be the same. */
  readonly facts: readonly string[];
  /** Fields of the answer that are not kept. */
  readonly shownOnce: readonly string[];
}

export class Idempotency {
  readonly #store: AnswerStore;
  readonly #clock: Clock;
  readonly #log: Log;
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(store: AnswerStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** Serves the call, or answers as it was answered before. */
  async once({ key, scope, facts, shownOnce }: KeyedCall, serve: () => Promise<Response>): Promise<Response | Problem> {
    if (!KEY.test(key)) {
      return new Problem('bad_request', {
        detail: 'Idempotency-Key is no key.',
        fix: ['Send 1 to 255 visible ASCII characters, such as a UUID.'],
      });
    }
    const id = digest([scope.tenant, scope.principal.id, key]);
    const fingerprint = digest(facts);
    const begun = await this.#begin(id, fingerprint);
    if (typeof begun !== 'number') return begun;
    let response: Response;
    try {
      response = await serve();
    } catch (error) {
      await this.#forget(id, begun);
      throw error;
    }
    if (!response.ok) await this.#forget(id, begun);
    else
      await this.#keep(id, begun, { fingerprint, at: this.#clock.wall(), answer: await keptOf(response, shownOnce) });
    return response;
  }

  /** The version under which the call is marked as being served, or what is to be answered instead. */
  async #begin(id: string, fingerprint: string): Promise<number | Response | Problem> {
    const now = this.#clock.wall();
    await this.#sweep(now);
    const found = await this.#store.document(KIND, id);
    const before = found === null ? null : (found.body as Keyed);
    if (before !== null && !isOver(before, now)) {
      if (before.fingerprint !== fingerprint) return mismatch();
      return before.answer === null ? inFlight() : replayed(before.answer);
    }
    try {
      const record: Keyed = { fingerprint, at: now, answer: null };
      return await this.#store.putDocument(KIND, id, record, found?.version ?? null);
    } catch (error) {
      // Another one was quicker, perhaps in another process.
      if (isTidegateError(error, 'store.conflict')) return inFlight();
      throw error;
    }
  }

  /** What was asked for is done; that its answer cannot be kept is no reason to say otherwise. */
  async #keep(id: string, version: number, record: Keyed): Promise<void> {
    try {
      await this.#store.putDocument(KIND, id, record, version);
    } catch (error) {
      this.#log.warn('the answer to an idempotent request could not be kept', { error: messageOf(error) });
    }
  }

  async #forget(id: string, version: number): Promise<void> {
    try {
      await this.#store.dropDocument(KIND, id, version);
    } catch (error) {
      this.#log.warn('an idempotency key could not be freed', { error: messageOf(error) });
    }
  }

  async #sweep(now: number): Promise<void> {
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    for (const { id, version, body } of await this.#store.documents(KIND)) {
      if (isOver(body as Keyed, now)) await this.#forget(id, version);
    }
  }
}

function isOver({ at, answer }: Keyed, now: number): boolean {
  return now - at >= (answer === null ? IN_FLIGHT_MAX_MS : KEPT_MS);
}

async function keptOf(response: Response, shownOnce: readonly string[]): Promise<KeptAnswer> {
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return { status: response.status, headers, body: without(await response.clone().text(), shownOnce) };
}

/** @param body a JSON object, if there is anything to leave out */
function without(body: string, fields: readonly string[]): string {
  if (fields.length === 0) return body;
  const empty = Object.fromEntries(fields.map((field) => [field, null]));
  return JSON.stringify({ ...(JSON.parse(body) as object), ...empty });
}

function replayed({ status, headers, body }: KeptAnswer): Response {
  return new Response(status === 204 ? null : body, {
    status,
    headers: { ...headers, 'cache-control': 'no-store', 'idempotency-replayed': 'true' },
  });
}

function mismatch(): Problem {
  return new Problem('idempotency_mismatch', {
    detail: 'This Idempotency-Key was used for another request within the last 24 hours.',
    fix: ['Send a new key with a new request, and the old key with the old request only.'],
  });
}

function inFlight(): Problem {
  return new Problem('idempotency_in_flight', {
    detail: 'A request with this Idempotency-Key is being served.',
    fix: ['Send it again in a moment: the answer will be the one of the first.'],
    headers: { 'retry-after': '1' },
  });
}

/** Lengths go in, so that no two lists come to the same. */
function digest(parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  return hash.digest('hex');
}
