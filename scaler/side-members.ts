/**
 * The side members of a replica that Tidegate made: those beside its main one. Notices which of them ended, and why; what
 * follows is the keeper's.
 */
import type { Clock } from '#core/clock';
import type { MemberSnapshot, ReplicaSnapshot } from '#core/set';
import { isUp } from './replica-step.ts';

/** A side member ended. */
export interface MemberLoss {
  readonly member: MemberSnapshot;
  /** It got a stop signal: somebody else is at work on it. */
  readonly asked: boolean;
  /** How long it had been up. */
  readonly upMs: number;
}

interface Seen {
  status: MemberSnapshot['status'];
  startedAt: string | null;
  upSince: number;
}

export class SideMembers {
  readonly #clock: Clock;
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a new picture of the replica; says which of them ended since the last, or came without having been started. */
  observe({ members }: ReplicaSnapshot): readonly MemberLoss[] {
    const sides = members?.slice(1) ?? [];
    const losses: MemberLoss[] = [];
    const now = this.#clock.now();
    for (const member of sides) {
      const { containerId, status, startedAt } = member;
      const seen = this.#seen.get(containerId);
      const ran = seen !== undefined && isUp(seen.status);
      const ended = !isUp(status) && (ran || (seen !== undefined && seen.startedAt !== startedAt));
      const isNew = seen === undefined && status === 'created';
      const asked = isNew || seen?.status === 'stopping';
      if (ended || isNew) losses.push({ member, asked, upMs: ran ? now - seen.upSince : 0 });
      const isAnew = !ran || seen.startedAt !== startedAt;
      this.#seen.set(containerId, { status, startedAt, upSince: isAnew ? now : seen.upSince });
    }
    for (const id of this.#seen.keys()) if (!sides.some((one) => one.containerId === id)) this.#seen.delete(id);
    return losses;
  }
}
