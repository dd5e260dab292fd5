/**
 * What a request says about the revision it is to reach, read while its head holds, and what is said to its visitor so that
 * he comes back to the same one. Only where the policy of the set has such rules.
 */
import type { RevisionMatch, RevisionRouting } from '#core/set';
import { ANY_REVISION, type RevisionWish } from '#router/revision-wish';
import { hashText, type Upstream } from '#router/upstream';
import type { RequestHead } from '../http1/request-head.ts';
import type { PassageFacts } from './passage-facts.ts';
import type { SetTraffic } from './set-traffic.ts';
import { cookieValue, revisionCookie } from './sticky.ts';

const NONE: readonly string[] = [];

/** A wish with what it was read from. */
export interface VisitorWish extends RevisionWish {
  /** The visitor has a cookie that holds. */
  readonly hasCookie: boolean;
}

const ANYWHERE: VisitorWish = { ...ANY_REVISION, hasCookie: false };

/** @param client address of the client, behind whatever proxies are trusted */
export function revisionWishOf(
  { matches, sticky }: RevisionRouting,
  head: RequestHead,
  { client, traffic }: { readonly client: string; readonly traffic: SetTraffic },
): VisitorWish {
  const cookies = head.field('cookie');
  const fitting = matches.filter((one) => fits(one, head, cookies));
  if (fitting.length === 0 && !sticky) return ANYWHERE;
  const matched = fitting.length === 0 ? NONE : fitting.map(({ revision }) => revision);
  if (!sticky) return { ...ANYWHERE, matched };
  const { pool } = traffic;
  const named = cookieValue(cookies, traffic.revisionCookie);
  const hasCookie = named !== null && pool.weighs(named);
  const tag = pool.policy.sticky === 'cookie' ? cookieValue(cookies, traffic.cookie) : null;
  return { matched, kept: hasCookie ? named : revisionOf(traffic, tag), visitor: hashText(client), hasCookie };
}

/** The wish of a connection that goes through unread. */
export function rawWishOf(routing: RevisionRouting | null, client: string): RevisionWish | null {
  if (routing === null) return null;
  return routing.sticky ? { matched: NONE, kept: null, visitor: hashText(client) } : ANY_REVISION;
}

/** The Set-Cookie value that keeps the visitor on the revision he was answered by; null: there is nothing to say. */
export function revisionToKeep(facts: PassageFacts, upstream: Upstream): string | null {
  const { route, traffic, wish, secure } = facts;
  const { pool } = route;
  const { revision, weight } = upstream;
  if (wish === null || wish.visitor === null || revision === null || weight === 0 || !pool.isSplit) return null;
  // One that a match sent here for once is not moved for good; nor is one whose own revision only had no room.
  if (wish.matched.includes(revision)) return null;
  if (wish.hasCookie) return null;
  return revisionCookie(traffic.revisionCookie, revision, secure);
}

/** A field counts with all its lines together, as RFC 9110 5.3 reads them. */
function fits({ kind, name, value }: RevisionMatch, head: RequestHead, cookies: string | undefined): boolean {
  return (kind === 'header' ? head.field(name) : cookieValue(cookies, name)) === value;
}

/** The revision of the replica that a visitor is with; null: of none that is there. */
function revisionOf({ pool }: SetTraffic, tag: string | null): string | null {
  if (tag === null) return null;
  return pool.upstreams.find((one) => one.tag === tag)?.revision ?? null;
}
