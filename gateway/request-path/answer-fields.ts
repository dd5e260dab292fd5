/**
 * What the gateway adds to the head of an upstream's answer.
 */

import type { WakePhases } from '#router/admission';
import type { Upstream } from '#router/upstream';
import type { Account } from './account.ts';
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
  if (account.wakeMs !== null) add.push('Server-Timing', wakeTiming(account.wakeMs, account));
  if (sticks) add.push('Set-Cookie', stickyCookie(traffic.cookie, upstream.tag, secure));
  const keeps = upstream === null || wish === null ? null : revisionToKeep(facts, upstream);
  if (keeps !== null) add.push('Set-Cookie', keeps);
  return add;
}

/**
 * The wait and its parts (W3C Server Timing, ms), and what the replica took for the head of its answer after that; what is
 * not known of the wait was spent in queues.
 */
function wakeTiming(wakeMs: number, account: Account): string {
  const parts = { ...partsOf(wakeMs, account.wakePhases), 'first-byte': account.firstByte() };
  const whole = `wake;dur=${wakeMs.toFixed(1)}`;
  return [whole, ...Object.entries(parts).map(([name, ms]) => `wake-${name};dur=${ms.toFixed(1)}`)].join(', ');
}

function partsOf(wakeMs: number, phases: WakePhases | null): Readonly<Record<string, number>> {
  if (phases === null) return {};
  const { decideMs, engineMs, probeMs } = phases;
  const queueMs = Math.max(0, wakeMs - decideMs - engineMs - probeMs);
  return { decide: decideMs, engine: engineMs, probe: probeMs, queue: queueMs };
}
