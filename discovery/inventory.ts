/**
 * What is known of the containers of one host, as pure state: lists, inspects and events in, changed translations out.
 * An event changes at once what it says for certain; what it leaves open is said to want an inspect.
 */
import type { EngineContainer, EngineContainerSummary, EngineEvent } from '#docker/engine';
import { networkOwner } from './addresses.ts';
import type { Identity } from './identity.ts';
import { carriesOurLabels } from './label-reader.ts';
import { asksToEnd } from './signal.ts';
import { type Contribution, isUp, type Translation, type TranslationContext, translate } from './translation.ts';

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

export type InventoryOptions = Omit<TranslationContext, 'lookup'>;

interface Entry {
  readonly container: EngineContainer;
  readonly stopping: boolean;
  /** The last good identity. */
  readonly identity: Identity | null;
  readonly translation: Translation;
}

const NOTHING: Reaction = { changes: [], look: false, outdates: false, stopsWithinS: null };
const LOOK: Reaction = { ...NOTHING, look: true };

export class Inventory {
  readonly #context: TranslationContext;
  readonly #entries = new Map<string, Entry>();
  /** From before a restart, until the host itself spoke of them. */
  readonly #restored = new Map<string, Translation>();
  /** Containers that are not ours but lend their network to one of ours; null: looked for and not there. */
  readonly #owners = new Map<string, EngineContainer | null>();
  /** Stop signals that did not end their container: the Engine's word counts again. */
  readonly #overdue = new Set<string>();

  constructor(options: InventoryOptions) {
    this.#context = { ...options, lookup: (reference) => this.#lookup(reference) };
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

  /** Owners of borrowed networks that were never looked at. */
  missingOwners(): readonly string[] {
    const missing = new Set<string>();
    for (const { networkMode } of this.#containers()) {
      const reference = networkOwner(networkMode);
      if (reference !== null && this.#lookup(reference) === null && !this.#owners.has(reference))
        missing.add(reference);
    }
    return [...missing];
  }

  /** Takes in what an inspect says. */
  inspected(container: EngineContainer): readonly Change[] {
    const { id } = container;
    if (!carriesOurLabels(container.labels)) {
      if (this.#borrowers(container).length === 0) return [];
      this.#owners.set(id, container);
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
    const container = entry?.container ?? this.#owners.get(id) ?? null;
    const before = entry?.translation ?? this.#restored.get(id) ?? null;
    this.#entries.delete(id);
    this.#restored.delete(id);
    this.#overdue.delete(id);
    const lends = [...this.#containers()].some(({ networkMode }) => networkOwner(networkMode) === id);
    if (lends) this.#owners.set(id, null);
    else this.#forgetOwners();
    return [
      ...(before === null ? [] : [{ replica: this.#replica(id), before, after: null }]),
      ...(container === null ? [] : this.#putBorrowersOf(container)),
    ];
  }

  /** Takes in an event. */
  happened(event: EngineEvent): Reaction {
    const entry = this.#entries.get(event.containerId);
    if (entry !== undefined) return this.#happenedToOurs(entry, event);
    const owner = this.#owners.get(event.containerId);
    if (owner != null) return this.#happenedToOwner(owner, event);
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

  #happenedToOurs(entry: Entry, event: EngineEvent): Reaction {
    const { container, stopping } = entry;
    const { attributes } = event;
    switch (event.action) {
      case 'exec_create':
      case 'oom':
        return NOTHING;
      case 'destroy':
        return { ...NOTHING, changes: this.gone(container.id), outdates: true };
      case 'kill': {
        const runs = isUp(container) || container.status === 'restarting';
        if (!runs || !asksToEnd(attributes.signal ?? 'SIGKILL', container.stopSignal)) return NOTHING;
        this.#overdue.delete(container.id);
        return { ...NOTHING, changes: this.#put(container, true), stopsWithinS: container.stopTimeoutS };
      }
      case 'die':
        return this.#changed(ended(container, attributes.exitCode), false);
      case 'stop':
        return isUp(container) ? this.#changed(ended(container, undefined), false) : NOTHING;
      case 'pause':
        return container.status === 'running' ? this.#changed({ ...container, status: 'paused' }, stopping) : LOOK;
      case 'unpause':
        return container.status === 'paused' ? this.#changed({ ...container, status: 'running' }, stopping) : LOOK;
      case 'network_connect':
      case 'network_disconnect':
        // While it is down it has no address; its start brings a look anyway.
        return isUp(container) ? LOOK : NOTHING;
      default:
        return LOOK;
    }
  }

  #happenedToOwner(owner: EngineContainer, event: EngineEvent): Reaction {
    const changed = (now: EngineContainer | null): readonly Change[] => {
      this.#owners.set(owner.id, now);
      return this.#putBorrowersOf(owner);
    };
    if (event.action === 'destroy') return { ...NOTHING, changes: changed(null), outdates: true };
    if (event.action === 'die') return { ...LOOK, changes: changed(ended(owner, undefined)), outdates: true };
    return event.action === 'exec_create' || event.action === 'kill' ? NOTHING : LOOK;
  }

  #changed(container: EngineContainer, stopping: boolean): Reaction {
    return { ...LOOK, changes: this.#putWithBorrowers(container, stopping), outdates: true };
  }

  #putWithBorrowers(container: EngineContainer, stopping: boolean): readonly Change[] {
    return [...this.#put(container, stopping), ...this.#putBorrowersOf(container)];
  }

  #putBorrowersOf(owner: EngineContainer): readonly Change[] {
    return this.#borrowers(owner).flatMap((entry) => this.#put(entry.container, entry.stopping));
  }

  #put(container: EngineContainer, stopping: boolean): readonly Change[] {
    const { id } = container;
    const former = this.#entries.get(id);
    // The entry stands before it is translated, so that containers which borrow a network find each other.
    if (former !== undefined) this.#entries.set(id, { ...former, container });
    const identity = former?.identity ?? this.#restored.get(id)?.contribution?.identity ?? null;
    const translation = translate(container, this.#context, { stopping, identity });
    this.#entries.set(id, {
      container,
      stopping,
      identity: translation.contribution?.identity ?? identity,
      translation,
    });
    const before = former?.translation ?? this.#restored.get(id) ?? null;
    this.#restored.delete(id);
    return [{ replica: this.#replica(id), before, after: translation }];
  }

  #lookup(reference: string): EngineContainer | null {
    const known = this.#entries.get(reference)?.container ?? this.#owners.get(reference);
    if (known != null) return known;
    for (const { container } of this.#entries.values()) if (container.name === reference) return container;
    for (const owner of this.#owners.values()) if (owner?.name === reference) return owner;
    return null;
  }

  /** Entries whose network belongs to a container, directly or through others. */
  #borrowers(owner: EngineContainer): readonly Entry[] {
    const lenders = new Map([[owner.id, owner]]);
    for (const lender of lenders.values()) {
      for (const container of this.#containers()) {
        const reference = networkOwner(container.networkMode);
        if (reference === lender.id || reference === lender.name) lenders.set(container.id, container);
      }
    }
    lenders.delete(owner.id);
    return [...lenders.keys()].flatMap((id) => this.#entries.get(id) ?? []);
  }

  /** Lets go of owners whose network nobody borrows any more. */
  #forgetOwners(): void {
    for (const [reference, owner] of this.#owners) {
      const lends = [...this.#containers()].some(({ networkMode }) => {
        const wanted = networkOwner(networkMode);
        return wanted !== null && (wanted === reference || wanted === owner?.name);
      });
      if (!lends) this.#owners.delete(reference);
    }
  }

  *#containers(): Generator<EngineContainer> {
    for (const { container } of this.#entries.values()) yield container;
    for (const owner of this.#owners.values()) if (owner !== null) yield owner;
  }

  #replica(id: string): string {
    return `${this.#context.host}/${id}`;
  }
}

function ended(container: EngineContainer, exitCode: string | undefined): EngineContainer {
  const code = Number(exitCode);
  return {
    ...container,
    status: 'exited',
    pid: 0,
    exitCode: exitCode !== undefined && Number.isInteger(code) ? code : container.exitCode,
    networks: container.networks.map((network) => ({ ...network, ip: '' })),
  };
}
