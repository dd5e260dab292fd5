/**
 * Watches the containers of one host: follows its events, lists it when the stream stands, every minute and after every
 * failure, and looks at what changed. What the Engine does not say (it hangs, fails, or suddenly names nothing) changes
 * nothing.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf } from '#core/errors';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { Engine, EngineContainerSummary, EngineEvent } from '#docker/engine';
import { MOST_HOPS, type Reach } from './addresses.ts';
import { happenings, outOfMemory } from './happenings.ts';
import { HostTrouble } from './host-trouble.ts';
import { Inspections } from './inspections.ts';
import { type Change, Inventory } from './inventory.ts';
import { EMPTY_CONFIRM_MS, type ListingOutcome, Resync } from './resync.ts';
import type { Contribution, Translation } from './translation.ts';

export interface HostWatchOptions {
  readonly engine: Engine;
  readonly reach: Reach;
  readonly baseDomain: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  /** Takes what changed, in one piece; called in the moment it became known. */
  readonly onChanges: (changes: readonly Change[]) => void;
  /** The host was listed and everything on it looked at. */
  readonly onListed: () => void;
  /** The first try to list the host came to an end, good or bad. */
  readonly onTried: () => void;
  /** Somebody runs a command in a container of a set; of a replica that Tidegate made its pause container is named. */
  readonly onExec?: ((host: string, containerId: string) => void) | undefined;
}

/** Time a container gets, beyond its own stop timeout, to end after a stop signal. */
export const STOP_GRACE_MS = 2000;
/** Inspects of one listing under way at a time: the Engine has others to serve. */
const LOOKS_AT_ONCE = 8;

export class HostWatch {
  readonly #options: HostWatchOptions;
  readonly #inventory: Inventory;
  readonly #inspections: Inspections;
  readonly #ended = new AbortController();
  readonly #stopTimers = new Map<string, Timer>();
  /** Containers whose last look failed. */
  readonly #unseen = new Set<string>();
  readonly #trouble: HostTrouble;
  readonly #resync: Resync;
  #stopListening: () => void = () => {};
  #emptySince: number | null = null;
  #listed = false;
  #tried = false;
  /** Changes held back while the host is listed for the first time, to be delivered in order of age; null: none are. */
  #held: Change[] | null = null;

  constructor(options: HostWatchOptions) {
    const { engine, reach, baseDomain } = options;
    this.#options = options;
    this.#inventory = new Inventory({ host: engine.host, baseDomain, reach });
    this.#trouble = new HostTrouble(engine.host, options.emit);
    this.#resync = new Resync({ clock: options.clock, list: (thorough) => this.#list(thorough) });
    this.#inspections = new Inspections({
      engine,
      onSeen: (container) => {
        this.#unseen.delete(container.id);
        this.#deliver(this.#inventory.inspected(container));
      },
      onGone: (id) => {
        this.#unseen.delete(id);
        this.#deliver(this.#inventory.gone(id));
      },
      onFailed: (id, error) => this.#lookFailed(id, error),
    });
  }

  get host(): string {
    return this.#options.engine.host;
  }

  /** True once the host was listed. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Why the host is degraded, in words; null: it is well. */
  get degraded(): string | null {
    return this.#trouble.cause;
  }

  translations(): Generator<readonly [containerId: string, translation: Translation]> {
    return this.#inventory.translations();
  }

  /** Takes over what a container contributed before a restart. Before `start` only. */
  restore(contribution: Contribution): void {
    this.#inventory.restore(contribution);
  }

  start(): void {
    const { engine } = this.#options;
    this.#stopListening = engine.onState((state, cause) => {
      if (state === 'degraded') this.#trouble.begins('engine', cause);
      else {
        this.#trouble.ends('engine');
        this.#resync.now();
      }
    });
    if (engine.state === 'degraded') this.#trouble.begins('engine', 'the Engine does not answer');
    engine.follow(
      {
        onConnected: () => this.#connected(),
        onEvent: (event) => this.#happened(event),
        onLost: (error) => this.#lost(error),
      },
      this.#ended.signal,
    );
  }

  /** Looks at a container now. Resolves when what the Engine says was delivered, or when it could not be asked. */
  async refresh(containerId: string): Promise<void> {
    await this.#see(this.#inventory.wholeOf(containerId));
  }

  close(): void {
    this.#ended.abort();
    this.#stopListening();
    this.#inspections.close();
    this.#resync.close();
    for (const timer of this.#stopTimers.values()) timer.cancel();
    this.#stopTimers.clear();
  }

  #connected(): void {
    this.#resync.distrust();
    this.#resync.now();
  }

  #lost(error: unknown): void {
    this.#options.log.debug('the event stream of a host broke', { host: this.host, error });
    if (!this.#tried) this.#firstTryEnded();
    this.#resync.distrust();
    this.#resync.soon();
  }

  #happened(event: EngineEvent): void {
    const { containerId } = event;
    const reaction = this.#inventory.happened(event);
    const standing = this.#inventory.standFor(containerId);
    if (event.action === 'exec_create' && standing !== null) this.#options.onExec?.(this.host, standing);
    if (event.action === 'oom' && standing !== null) this.#ranOutOfMemory(containerId, standing);
    if (reaction.outdates) this.#inspections.outdate(containerId);
    this.#deliver(reaction.changes);
    if (reaction.stopsWithinS !== null) this.#expectEnd(containerId, reaction.stopsWithinS);
    if (reaction.look) void this.#see([containerId]);
  }

  /** `standing` stands for the container. */
  #ranOutOfMemory(containerId: string, standing: string): void {
    const own = this.#inventory.translation(containerId);
    const translation = this.#inventory.translation(standing);
    if (own === null || translation?.contribution == null) return;
    this.#options.emit(outOfMemory(`${this.host}/${standing}`, own.name, translation));
  }

  /** After a stop signal: a container that goes on running is put back to what it is. */
  #expectEnd(id: string, stopTimeoutS: number): void {
    this.#stopTimers.get(id)?.cancel();
    const timer = this.#options.clock.after(stopTimeoutS * 1000 + STOP_GRACE_MS, () => {
      this.#stopTimers.delete(id);
      this.#inventory.stopOverdue(id);
      void this.#see([id]);
    });
    this.#stopTimers.set(id, timer);
  }

  /** Lists once and looks at what the list leaves open. */
  async #list(thorough: boolean): Promise<ListingOutcome> {
    if (!this.#listed) this.#held ??= [];
    try {
      const list = await this.#options.engine.list();
      this.#trouble.ends('list');
      if (this.#doubts(list)) return 'doubtful';
      await this.#see([...this.#inventory.review(list, thorough), ...this.#unseen]);
      if (this.#unseen.size === 0) this.#deliver(this.#inventory.reviewed());
    } catch (error) {
      this.#trouble.begins('list', `its containers could not be listed: ${messageOf(error)}`);
      return 'failed';
    } finally {
      this.#release();
      if (!this.#tried) this.#firstTryEnded();
    }
    this.#listingDone();
    return this.#unseen.size > 0 ? 'partial' : 'done';
  }

  /** A list that suddenly names nothing is not believed at once: the Engine may have lost its way, not its containers. */
  #doubts(list: readonly EngineContainerSummary[]): boolean {
    if (list.length > 0 || this.#inventory.size === 0) {
      this.#emptySince = null;
      this.#trouble.ends('empty');
      return false;
    }
    const now = this.#options.clock.now();
    this.#emptySince ??= now;
    if (now - this.#emptySince >= EMPTY_CONFIRM_MS) {
      this.#trouble.ends('empty');
      return false;
    }
    this.#trouble.begins('empty', `it names no container any more, where there were ${this.#inventory.size}`);
    return true;
  }

  #listingDone(): void {
    if (!this.#listed) {
      this.#listed = true;
      this.#options.emit({
        type: 'host.connected',
        host: this.host,
        cause: `${this.#inventory.size} containers found`,
      });
    }
    this.#options.onListed();
  }

  #firstTryEnded(): void {
    this.#tried = true;
    this.#options.onTried();
  }

  /** Looks at containers, and then at those whose network they borrow. */
  async #see(ids: readonly string[]): Promise<void> {
    await this.#lookAtAll(ids);
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      const owners = this.#inventory.missingOwners();
      if (owners.length === 0 || this.#ended.signal.aborted) return;
      await this.#lookAtAll(owners);
    }
  }

  async #lookAtAll(ids: readonly string[]): Promise<void> {
    const queue = [...new Set(ids)];
    const next = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) await this.#inspections.look(id);
    };
    await Promise.all(Array.from({ length: Math.min(LOOKS_AT_ONCE, queue.length) }, next));
  }

  #lookFailed(id: string, error: unknown): void {
    this.#options.log.debug('a container could not be inspected', { host: this.host, container: id, error });
    const planned = this.#unseen.size > 0;
    this.#unseen.add(id);
    if (!planned) this.#resync.soon();
  }

  #deliver(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const { replica } of changes) {
      const id = replica.slice(this.host.length + 1);
      if (this.#inventory.isStopping(id)) continue;
      this.#stopTimers.get(id)?.cancel();
      this.#stopTimers.delete(id);
    }
    if (this.#held !== null) {
      this.#held.push(...changes);
      return;
    }
    this.#options.onChanges(changes);
    this.#tell(changes, false);
  }

  /** Delivers what was held back. */
  #release(): void {
    const held = this.#held;
    this.#held = null;
    if (held === null || held.length === 0 || this.#ended.signal.aborted) return;
    const changes = merged(held);
    this.#options.onChanges(changes);
    this.#tell(changes, true);
  }

  #tell(changes: readonly Change[], first: boolean): void {
    for (const change of changes) for (const draft of happenings(change, first)) this.#options.emit(draft);
  }
}

/** One change for each replica: on the way its parts became known one by one. */
function merged(changes: readonly Change[]): readonly Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) {
    const before = last.get(change.replica)?.before;
    last.set(change.replica, before === undefined ? change : { ...change, before });
  }
  return [...last.values()];
}
