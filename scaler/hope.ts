/** Whether requests have nothing to hope from a replica: pure, of what is seen of it. */
import type { ReplicaState } from './replica-state.ts';

/**
 * It is on its way out; or it runs, cannot be dialled or does not answer, and has had its time.
 * @param unreadyMs how long it has not been ready; null: it is, or nobody could dial it
 */
export function isHopeless(
  state: Pick<ReplicaState, 'isGone' | 'isRunning' | 'status' | 'snapshot'>,
  unreadyMs: number | null,
  patienceMs: number,
): boolean {
  if (state.isGone || state.status === 'dead') return true;
  if (!state.isRunning) return false;
  return state.snapshot.unroutable !== null || (unreadyMs !== null && unreadyMs > patienceMs);
}
