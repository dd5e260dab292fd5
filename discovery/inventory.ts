/**
 * What is known of the containers of one host, as pure state: lists, inspects and events in, changed translations out.
 * An event changes at once what it says for certain; what it leaves open is said to want an inspect.
 */
import type { EngineContainer, EngineContainerSummary, EngineEvent } from '#docker/engine';
import { effectOf, ended, isUp } from './container-state.ts';
import type { Identity } from './identity.ts';
import { carriesOurLabels, LabelReader } from './label-reader.ts';
import { Lenders } from './lenders.ts';
import { inOrder, type Pod, type PodMember, readPlace } from './pod.ts';
import { Pods } from './pods.ts';
import { type Contribution, type Translation, type TranslationContext, translate } from './translation.ts';

/** One container reads differently than before. */
export interface Change {
  /** `<host>/<container id>`. */
  readonly replica: string;
  /** Null: it was not known. */
  readonly before: Translation | null;
  /** Null: it is gone. */
  readonly after: Translation | null;
}

/** What an event brought about. */
export interface Reaction {
  readonly changes: readonly Change[];
  /** The container wants a look. */
  readonly look: boolean;
  /** What an inspect that is under way says of it is older than the event. */
  readonly outdates: boolean;
  /** A stop signal was sent: if the container has not ended after so many seconds, the signal was not for that. */
  readonly stopsWithinS: number | null;
}

export type InventoryOptions = Omit<TranslationContext, 'lookup' | 'pod'>;

interface Entry {
  readonly container: EngineContainer;
  readonly stopping: boolean;
  /** The last good identity. */
  readonly identity: Identity | null;
  readonly translation: Translation;
  /** The translation is from before a restart: its members were not looked at yet. */
  readonly isRestored: boolean;
}

const NOTHING: Reaction = { changes: [], look: false, outdates: false, stopsWithinS: null };
const LOOK: Reaction = { ...NOTHING, look: true };

export class Inventory {
  readonly #context: TranslationContext;
  readonly #entries = new Map<string, Entry>();
  /** From before a restart, until the host itself spoke of them. */
  readonly #restored = new Map<string, Translation>();
  readonly #pods = new Pods();
  readonly #lenders = new Lenders({
    // Members share the network of their pause container, which stands for them.
    ours: () => this.#standing(),
    find: (id) => this.#entries.get(id)?.container ?? null,
  });
  /** Stop signals that did not end their container: the Engine's word counts again. */
  readonly #overdue = new Set<string>();

  constructor(options: InventoryOptions) {
    this.#context = {
      ...options,
      lookup: (reference) => this.#lenders.lookup(reference),
      pod: (replica) => this.#pod(replica),
    };
  }

  get size(): number {
    return this.#entries.size + this.#restored.size;
  }

  /** What is known of every container that the host spoke of. */
  *translations(): Generator<readonly [containerId: string, translation: Translation]> {
    for (const [id, entry] of this.#entries) yield [id, entry.translation];
  }

  translation(id: string): Translation | null {
    return this.#entries.get(id)?.translation ?? null;
  }

  isStopping(id: string): boolean {
    return this.#entries.get(id)?.stopping ?? false;
  }

  /** The container that stands for another: for a member of a replica its pause container; null: it is not there. */
  standFor(id: string): string | null {
    return this.#pods.standFor(id);
  }

  /** The container itself and, when it stands for a replica, the members. */
  wholeOf(id: string): readonly string[] {
    return [id, ...this.#pods.memberIdsOf(id)];
  }

  /** Takes over what a container contributed before a restart. */
  restore(contribution: Contribution): void {
    const { containerId, name } = contribution.replica;
    this.#restored.set(containerId, { name, contribution, ignored: null, rejections: [], unknown: [] });
  }

  /**
   * Which containers want a look, by what a list says: new ones, changed ones, and those it does not name any more (a
   * list may be older than an event, so it removes nothing).
   * @param thorough also those that seem unchanged: they may have been restarted unseen
   */
  review(list: readonly EngineContainerSummary[], thorough: boolean): readonly string[] {
    const listed = new Map(list.map((one) => [one.id, one]));
    const wanted = list.filter((one) => thorough || this.#entries.get(one.id)?.container.status !== one.status);
    const missing = [...this.#entries.keys(), ...this.#restored.keys()].filter((id) => !listed.has(id));
    return [...new Set([...wanted.map((one) => one.id), ...missing])];
  }

  /** Everything that a list named was looked at: a replica without members has none. */
  reviewed(): readonly Change[] {
    return [...this.#entries.values()].flatMap(({ container, stopping, isRestored }) =>
      isRestored ? this.#put(container, stopping, true) : [],
    );
  }

  /** Owners of borrowed networks that were never looked at. */
  missingOwners(): readonly string[] {
    return this.#lenders.missing();
  }

  /** Takes in what an inspect says. */
  inspected(container: EngineContainer): readonly Change[] {
    const { id } = container;
    if (!carriesOurLabels(container.labels)) {
      if (this.#lenders.borrowersOf(container).length === 0) return [];
      this.#lenders.put(id, container);
      return this.#putBorrowersOf(container);
    }
    const entry = this.#entries.get(id);
    const sameRun = entry?.container.startedAt === container.startedAt;
    const stopping = entry?.stopping === true && sameRun && isUp(container) && !this.#overdue.has(id);
    return this.#putWithBorrowers(container, stopping);
  }

  /** Takes in that the Engine knows no such container. */
  gone(id: string): readonly Change[] {
    const entry = this.#entries.get(id);
    const container = entry?.container ?? this.#lenders.get(id);
    const before = entry?.translation ?? this.#restored.get(id) ?? null;
    const place = this.#pods.placeOf(id);
    this.#entries.delete(id);
    this.#restored.delete(id);
    this.#overdue.delete(id);
    this.#pods.delete(id);
    if (place?.role !== 'member') this.#lenders.gone(id);
    return [
      ...(before === null ? [] : [{ replica: this.#replica(id), before, after: null }]),
      ...(place?.role === 'member' ? this.#putPod(place.replica) : []),
      ...(container === null ? [] : this.#putBorrowersOf(container)),
    ];
  }

  /** Takes in an event. */
  happened(event: EngineEvent): Reaction {
    const entry = this.#entries.get(event.containerId);
    if (entry !== undefined) return this.#happenedToOurs(entry, event);
    const owner = this.#lenders.get(event.containerId);
    if (owner !== null) return this.#happenedToOwner(owner, event);
    if (this.#restored.has(event.containerId) && event.action === 'destroy') {
      return { ...NOTHING, changes: this.gone(event.containerId), outdates: true };
    }
    const tells = event.action !== 'destroy' && event.action !== 'exec_create' && event.action !== 'oom';
    return tells && carriesOurLabels(event.attributes) ? LOOK : NOTHING;
  }

  /** A stop signal did not end its container in time: the next inspect says what it is. */
  stopOverdue(id: string): void {
    if (this.isStopping(id)) this.#overdue.add(id);
  }

  #happenedToOurs({ container, stopping }: Entry, event: EngineEvent): Reaction {
    const effect = effectOf(event, container, stopping);
    const { look, outdates, stopsWithinS } = effect;
    if (effect.container === undefined) return { ...NOTHING, look };
    if (stopsWithinS !== null) this.#overdue.delete(container.id);
    const changes =
      effect.container === null
        ? this.gone(container.id)
        : outdates
          ? this.#putWithBorrowers(effect.container, effect.stopping)
          : this.#put(effect.container, effect.stopping);
    return { changes, look, outdates, stopsWithinS };
  }

  #happenedToOwner(owner: EngineContainer, event: EngineEvent): Reaction {
    const changed = (now: EngineContainer | null): readonly Change[] => {
      this.#lenders.put(owner.id, now);
      return this.#putBorrowersOf(owner);
    };
    if (event.action === 'destroy') return { ...NOTHING, changes: changed(null), outdates: true };
    if (event.action === 'die') return { ...LOOK, changes: changed(ended(owner, undefined)), outdates: true };
    return event.action === 'exec_create' || event.action === 'kill' ? NOTHING : LOOK;
  }

  #putWithBorrowers(container: EngineContainer, stopping: boolean): readonly Change[] {
    return [...this.#put(container, stopping), ...this.#putBorrowersOf(container)];
  }

  #putBorrowersOf(owner: EngineContainer): readonly Change[] {
    return this.#lenders.borrowersOf(owner).flatMap((id) => {
      const entry = this.#entries.get(id);
      return entry === undefined ? [] : this.#put(entry.container, entry.stopping);
    });
  }

  /** @param complete everything there is of a replica was looked at */
  #put(container: EngineContainer, stopping: boolean, complete = false): readonly Change[] {
    const { id } = container;
    const former = this.#entries.get(id);
    // The entry stands before it is translated, so that containers which borrow a network find each other.
    if (former !== undefined) this.#entries.set(id, { ...former, container, stopping });
    const restored = former === undefined ? (this.#restored.get(id) ?? null) : null;
    const identity = former?.identity ?? restored?.contribution?.identity ?? null;
    const place = readPlace(new LabelReader(container.labels));
    if (place !== null) this.#pods.put(id, place);
    if (place !== null && restored !== null) this.#pods.wasMade(place.replica);
    const translation = translate(container, this.#context, { stopping, identity });
    const { contribution } = translation;
    const entry = { container, stopping, identity: contribution?.identity ?? identity };
    const before = former?.translation ?? restored;
    this.#restored.delete(id);
    // What is known of a replica from before a restart holds until all its members were looked at.
    const isRestored = restored !== null || former?.isRestored === true;
    const expected = isRestored ? (before?.contribution?.replica.members ?? []) : [];
    const waits = !complete && expected.some((one) => !this.#entries.has(one.containerId));
    if (waits && before !== null) {
      this.#entries.set(id, { ...entry, translation: before, isRestored: true });
      return [];
    }
    this.#entries.set(id, { ...entry, translation, isRestored: false });
    const change = { replica: this.#replica(id), before, after: translation };
    return [change, ...(place?.role === 'member' ? this.#putPod(place.replica) : [])];
  }

  /** A member of a replica looks different: so does the replica. */
  #putPod(replica: string): readonly Change[] {
    const pause = this.#entries.get(this.#pods.pauseOf(replica) ?? '');
    return pause === undefined ? [] : this.#put(pause.container, pause.stopping);
  }

  #pod(replica: string): Pod {
    const members: PodMember[] = [];
    for (const [id, name] of this.#pods.membersOf(replica)) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) members.push({ ...name, container: entry.container, stopping: entry.stopping });
    }
    const standing = inOrder(members);
    const main = standing.find((one) => one.index === this.#pods.mainIndexOf(replica)) ?? null;
    const isWhole = this.#pods.isWhole(replica);
    return { members: standing, main, isWhole, wasWhole: this.#pods.wasWhole(replica) };
  }

  /** Our containers without the members of replicas. */
  *#standing(): Generator<EngineContainer> {
    for (const [id, { container }] of this.#entries) if (this.#pods.standFor(id) === id) yield container;
  }

  #replica(id: string): string {
    return `${this.#context.host}/${id}`;
  }
}
