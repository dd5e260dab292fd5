/**
 * What the gateway adds to the head of an upstream's answer.
 */
import type { Upstream } from '#router/upstream';
import type { PassageFacts } from './passage-facts.ts';
import { revisionToKeep } from './revision-choice.ts';
import { stickyCookie } from './sticky.ts';

const NOTHING: readonly string[] = [];

/** A flat list of name, value, …; mostly empty. */
export function answerFields(facts: PassageFacts, upstream: Upstream | null): readonly string[] {
  const { account, route, traffic, tag, secure, wish } = facts;
  const sticks = upstream !== null && route.pool.policy.sticky === 'cookie' && upstream.tag !== tag;
  if (account.wakeMs === null && !sticks && wish === null) return NOTHING;
  const add: string[] = [];
  if (account.wakeMs !== null) add.push('Server-Timing', `wake;dur=${account.wakeMs.toFixed(1)}`);
  if (sticks) add.push('Set-Cookie', stickyCookie(traffic.cookie, upstream.tag, secure));
  const keeps = upstream === null || wish === null ? null : revisionToKeep(facts, upstream);
  if (keeps !== null) add.push('Set-Cookie', keeps);
  return add;
}
