/**
 * Which containers of a host are parts of which replica that Tidegate made. Knows ids alone; how the containers are is the
 * inventory's to say.
 */
import type { MemberName } from '#core/replica-labels';
import type { PodPlace } from './pod.ts';

interface Parts {
  /** Id of the pause container; null: it is not there. */
  pause: string | null;
  readonly members: Map<string, MemberName>;
  /** That it was made with. */
  memberCount: number;
  wasWhole: boolean;
  /** The lowest index that was ever seen: while that member is replaced, no other is taken for the main one. */
  mainIndex: number;
}

export class Pods {
  readonly #parts = new Map<string, Parts>();
  readonly #places = new Map<string, PodPlace>();

  /** The place of a container, or null. */
  placeOf(id: string): PodPlace | null {
    return this.#places.get(id) ?? null;
  }

  /** The pause container of a replica, or null. */
  pauseOf(replica: string): string | null {
    return this.#parts.get(replica)?.pause ?? null;
  }

  /** The container that stands for another: for a member its pause container; null: it is not there. */
  standFor(id: string): string | null {
    const place = this.#places.get(id);
    return place?.role === 'member' ? this.pauseOf(place.replica) : id;
  }

  /** Members of a replica by container id. */
  membersOf(replica: string): ReadonlyMap<string, MemberName> {
    return this.#parts.get(replica)?.members ?? new Map();
  }

  /** Members of the replica that a container stands for. */
  memberIdsOf(pauseId: string): readonly string[] {
    const place = this.#places.get(pauseId);
    return place?.role === 'pause' ? [...this.membersOf(place.replica).keys()] : [];
  }

  /** Index of the main member; infinite: no member was ever seen. */
  mainIndexOf(replica: string): number {
    return this.#parts.get(replica)?.mainIndex ?? Number.POSITIVE_INFINITY;
  }

  /** It has all its members. From then on it counts as made. */
  isWhole(replica: string): boolean {
    const parts = this.#parts.get(replica);
    if (parts === undefined || parts.pause === null) return false;
    const names = new Set([...parts.members.values()].map((one) => `${one.index}.${one.name}`));
    const isWhole = names.size >= parts.memberCount;
    parts.wasWhole ||= isWhole;
    return isWhole;
  }

  wasWhole(replica: string): boolean {
    return this.isWhole(replica) || (this.#parts.get(replica)?.wasWhole ?? false);
  }

  /** A replica was whole before a restart. */
  wasMade(replica: string): void {
    const parts = this.#parts.get(replica);
    if (parts !== undefined) parts.wasWhole = true;
  }

  put(id: string, place: PodPlace): void {
    this.#places.set(id, place);
    const parts = this.#parts.get(place.replica) ?? {
      pause: null,
      members: new Map<string, MemberName>(),
      memberCount: 1,
      wasWhole: false,
      mainIndex: Number.POSITIVE_INFINITY,
    };
    this.#parts.set(place.replica, parts);
    if (place.role === 'pause') {
      parts.pause = id;
      parts.memberCount = place.memberCount;
    } else {
      parts.members.set(id, place.member);
      parts.mainIndex = Math.min(parts.mainIndex, place.member.index);
    }
  }

  delete(id: string): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    const parts = this.#parts.get(place.replica);
    if (parts === undefined) return;
    if (parts.pause === id) parts.pause = null;
    parts.members.delete(id);
    if (parts.pause === null && parts.members.size === 0) this.#parts.delete(place.replica);
  }
}
