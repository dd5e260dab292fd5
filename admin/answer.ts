/**
 * What a handler answers beside its value: where something new is found, and which version of it this is, so that nobody
 * overwrites what they have not seen (RFC 9110, sections 8.8.3 and 13.1.1).
 */
import { createHash } from 'node:crypto';
import { Problem } from './problem.ts';

const ETAG_BYTES = 12;

export interface DoneFacts {
  /** Instead of the status that the endpoint has otherwise. */
  readonly status?: 200 | 201 | 202;
  /** Path of what was made, or of what is to be asked how it went. */
  readonly location?: string;
  /** As {@link etagOf} makes it. */
  readonly etag?: string;
}

/** A value that has been reached, with what goes into the head of the answer. */
export class Done<T> {
  readonly value: T;
  readonly facts: DoneFacts;

  constructor(value: T, facts: DoneFacts = {}) {
    this.value = value;
    this.facts = facts;
  }
}

/** The answer as it goes out. @param status of the endpoint */
export function respond(answer: unknown, status: number): Response {
  const { value, facts } = answer instanceof Done ? answer : new Done(answer);
  const headers = new Headers({ 'cache-control': 'no-store' });
  if (facts.location !== undefined) headers.set('location', facts.location);
  if (facts.etag !== undefined) headers.set('etag', facts.etag);
  const init = { status: facts.status ?? status, headers };
  return init.status === 204 ? new Response(null, init) : Response.json(value, init);
}

/** A strong entity tag of what JSON can say. */
export function etagOf(value: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(value)).digest();
  return `"${hash.subarray(0, ETAG_BYTES).toString('base64url')}"`;
}

/** Null: `If-Match` allows it. Weak tags never match (RFC 9110 13.1.1). @param etag of what there is now; null: there is nothing */
export function unmet(headers: Headers, etag: string | null): Problem | null {
  const wanted = headers.get('if-match');
  if (wanted === null) return null;
  if (etag === null) {
    return new Problem('precondition_failed', {
      detail: 'If-Match asks for a version of it, and none was made through the API yet.',
      fix: ['Leave If-Match out to make it.'],
    });
  }
  if (wanted.trim() === '*') return null;
  if (wanted.split(',').some((one) => one.trim() === etag)) return null;
  return new Problem('precondition_failed', {
    detail: 'It was changed since you read it: its entity tag is not one of those in If-Match.',
    fix: ['Read it again, and decide on what it is now.'],
    headers: { etag },
  });
}
