/**
 * What the gateway adds to the head of an upstream's answer.
 */

import type { WakePhases } from '#router/admission';
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
  if (account.wakeMs !== null) add.push('Server-Timing', wakeTiming(account.wakeMs, account.wakePhases));
  if (sticks) add.push('Set-Cookie', stickyCookie(traffic.cookie, upstream.tag, secure));
  const keeps = upstream === null || wish === null ? null : revisionToKeep(facts, upstream);
  if (keeps !== null) add.push('Set-Cookie', keeps);
  return add;
}

/** The wait and its parts (W3C Server Timing, ms); what is not known of it was spent in queues. */
function wakeTiming(wakeMs: number, phases: WakePhases | null): string {
  const whole = `wake;dur=${wakeMs.toFixed(1)}`;
  if (phases === null) return whole;
  const { decideMs, engineMs, probeMs } = phases;
  const queueMs = Math.max(0, wakeMs - decideMs - engineMs - probeMs);
  const parts = { decide: decideMs, engine: engineMs, probe: probeMs, queue: queueMs };
  return [whole, ...Object.entries(parts).map(([name, ms]) => `wake-${name};dur=${ms.toFixed(1)}`)].join(', ');
}
