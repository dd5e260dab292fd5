/**
 * Discovery: keeps the picture of every set true to what runs on all hosts. Each host is watched by itself; one that
 * fails keeps its last good picture and harms no other.
 */
import type { Clock, Timer } from '#core/clock';
import type { EventSink } from '#core/event';
import type { Log } from '#core/log';
import type { SetKey, SetSnapshot } from '#core/set';
import type { Engine } from '#docker/engine';
import type { Reach } from './addresses.ts';
import type { KnownSet } from './composition.ts';
import type { DeclaredSet } from './declared-set.ts';
import { HostWatch } from './host-watch.ts';
import type { Change } from './inventory.ts';
import type { Rejection, UnknownLabel } from './label-reader.ts';
import { SetLedger } from './set-ledger.ts';

export interface DiscoveryOptions {
  readonly hosts: readonly { readonly engine: Engine; readonly reach: Reach }[];
  readonly baseDomain: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly emit: EventSink;
  /** Takes a new picture of a set, in the moment it became known. Must not throw. */
  readonly onSet: (snapshot: SetSnapshot) => void;
  /** A set is gone for good. Must not throw. */
  readonly onSetRemoved: (key: SetKey) => void;
  /** Somebody runs a command in a container: it has to be awake for that. Must not throw. */
  readonly onExec?: (host: string, containerId: string) => void;
  /** What `exportSnapshots` gave before a restart: served until the hosts say otherwise. */
  readonly initial?: readonly SetSnapshot[];
}

/** What is known of one container, for people who wonder why it is (not) served. */
export interface ContainerReport {
  readonly host: string;
  readonly containerId: string;
  readonly name: string;
  /** Null: it belongs to none. */
  readonly set: SetKey | null;
  /** Why it is left out although it carries labels of ours; null: it is not. */
  readonly ignored: string | null;
  readonly rejections: readonly Rejection[];
  readonly unknown: readonly UnknownLabel[];
}

export interface HostReport {
  readonly host: string;
  /** It was listed at least once since the start. */
  readonly listed: boolean;
  /** Why its last good picture is served instead of the present one; null: it is well. */
  readonly degraded: string | null;
}

/** A start waits no longer for hosts that do not answer. */
export const READY_WITHIN_MS = 10_000;
/** What a host that does not answer may run is not waited for any longer, before replicas are made in its place. */
export const SEEN_WITHIN_MS = 10_000;

export class Discovery {
  /**
   * Resolves when every host was listed once or could not be, or when that takes too long; but not before there is
   * something to serve by: a listed host, or a picture from before.
   */
  readonly ready: Promise<void>;
  readonly #options: DiscoveryOptions;
  readonly #ledger: SetLedger;
  readonly #watches = new Map<string, HostWatch>();
  readonly #waitingFor: Set<string>;
  #becomeReady: () => void = () => {};
  #readyTimer: Timer | null = null;
  #seenTimer: Timer | null = null;
  /** For hosts that do not answer. */
  #hasWaited = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    this.#ledger = new SetLedger(options);
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    for (const { engine, reach } of options.hosts) {
      const watch = new HostWatch({
        ...options,
        engine,
        reach,
        onChanges: (changes) => this.#ledger.apply(changes.map(contributionsOfChange)),
        onListed: () => this.#listed(),
        onTried: () => this.#tried(engine.host),
      });
      this.#watches.set(engine.host, watch);
    }
    this.#waitingFor = new Set(this.#watches.keys());
  }

  /** Delivers what was kept from before and begins to watch the hosts. */
  start(): void {
    for (const kept of this.#options.initial ?? []) {
      const contributions = this.#ledger.restore(kept, (host) => this.#watches.has(host));
      for (const one of contributions) this.#watches.get(one.replica.host)?.restore(one);
    }
    if (this.#waitingFor.size === 0) this.#becomeReady();
    else {
      this.#readyTimer = this.#options.clock.after(READY_WITHIN_MS, () => {
        this.#waitingFor.clear();
        this.#lookWhetherReady();
      });
    }
    if (this.#watches.size === 0) this.#ledger.saw([]);
    else this.#seenTimer = this.#options.clock.after(SEEN_WITHIN_MS, () => this.#waitedLongEnough());
    for (const watch of this.#watches.values()) watch.start();
  }

  /**
   * Puts a set in force from the store, or changes what is in force: its policy, its routes and the weights of its
   * revisions win over the labels of containers. Delivered at once, also before `start`; the same again changes nothing.
   */
  declare(declared: DeclaredSet): void {
    this.#ledger.declare(declared);
  }

  /** The store does not ask for the set any more. */
  undeclare(key: SetKey): void {
    this.#ledger.undeclare(key);
  }

  /**
   * Looks at a container now, as after an action on it. Resolves when its new picture was delivered, or when the Engine
   * could not be asked; never rejects.
   */
  async refresh(host: string, containerId: string): Promise<void> {
    await this.#watches.get(host)?.refresh(containerId);
  }

  /** Every set as it was delivered last. */
  sets(): IterableIterator<SetSnapshot> {
    return this.#ledger.sets();
  }

  set(key: SetKey): SetSnapshot | null {
    return this.#ledger.get(key);
  }

  /** Every container that carries labels of ours. */
  *containers(): Generator<ContainerReport> {
    for (const watch of this.#watches.values()) {
      for (const [containerId, translation] of watch.translations()) {
        const { name, contribution, ignored, rejections, unknown } = translation;
        const set = contribution?.identity.key ?? null;
        yield { host: watch.host, containerId, name, set, ignored, rejections, unknown };
      }
    }
  }

  hosts(): readonly HostReport[] {
    return [...this.#watches.values()].map(({ host, listed, degraded }) => ({ host, listed, degraded }));
  }

  /** The last good picture of every set as plain JSON, in the order in which they were found. */
  exportSnapshots(): readonly KnownSet[] {
    return [...this.#ledger.sets()];
  }

  close(): void {
    this.#readyTimer?.cancel();
    this.#seenTimer?.cancel();
    for (const watch of this.#watches.values()) watch.close();
    this.#ledger.close();
  }

  #listed(): void {
    this.#lookWhetherReady();
    const unlisted = this.#unlisted();
    if (this.#hasWaited || unlisted.length === 0) this.#ledger.saw(unlisted);
    if (unlisted.length > 0) return;
    this.#seenTimer?.cancel();
    this.#ledger.sweep();
  }

  #waitedLongEnough(): void {
    this.#hasWaited = true;
    this.#ledger.saw(this.#unlisted());
  }

  #unlisted(): readonly string[] {
    return [...this.#watches.values()].filter((watch) => !watch.listed).map((watch) => watch.host);
  }

  #tried(host: string): void {
    this.#waitingFor.delete(host);
    this.#lookWhetherReady();
  }

  /** Nothing to serve is no readiness: some host has to have been listed, or something kept from before. */
  #lookWhetherReady(): void {
    if (this.#waitingFor.size > 0) return;
    const knowsSomething = this.#ledger.sets().next().done === false;
    if (!knowsSomething && ![...this.#watches.values()].some((watch) => watch.listed)) return;
    this.#readyTimer?.cancel();
    this.#becomeReady();
  }
}

function contributionsOfChange(change: Change): Parameters<SetLedger['apply']>[0][number] {
  const { replica, before, after } = change;
  return { replica, before: before?.contribution ?? null, after: after?.contribution ?? null };
}
