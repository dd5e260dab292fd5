/**
 * A pool of pause containers that run and belong to nobody yet. Half of a cold start is the making of a network namespace;
 * a replica that takes a spare has that behind it, and only joins the network of its app. Spares wait in a network of their
 * own in which nobody reaches anybody. Filled off the hot path; found again after a restart; what is too many goes.
 */
import { pause as after, type Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { INSTANCE_LABEL, ROLE_LABEL } from '#core/replica-labels';
import type { SpareBook } from '#core/spare-book';
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import type { Images } from './images.ts';
import { summaryFrom } from './inspect.ts';
import type { Networks } from './networks.ts';
import type { Ownership } from './ownership.ts';
import { pauseBody, spareBody } from './replica-bodies.ts';
import type { ReplicaNetworks } from './replica-networks.ts';
import type { ReplicaPlan } from './replica-plan.ts';
import { filters, request } from './request.ts';
import { SPARE_ROLE } from './spare-book.ts';

const READ_MS = 5000;
/** Whoever took one may be about to take more, and starts members meanwhile: making spares would slow that down. */
const REFILL_AFTER_MS = 4000;
const AGAIN_AFTER_MS = 10_000;
const ID_TAIL = 8;

export interface SpareSettings {
  /** Spares kept. */
  readonly count: number;
  /** `ins_…` */
  readonly instance: string;
  readonly book: SpareBook;
  /** A new id with a prefix. */
  readonly newId: (prefix: string) => string;
}

export interface SparesOptions extends SpareSettings {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  readonly replicaNetworks: ReplicaNetworks;
  readonly ownership: Ownership;
  readonly clock: Clock;
  readonly log: Log;
}

interface ListedSpare {
  readonly id: string;
  readonly isRunning: boolean;
  readonly networks: readonly string[];
}

export class Spares {
  readonly #options: SparesOptions;
  /** Those that may be taken, the oldest first. */
  #ready: string[] = [];
  /** Those that are becoming somebody. */
  readonly #taken = new Set<string>();
  /** Lost since the fill under way looked: it may have seen them run, or have made them. */
  readonly #lost = new Set<string>();
  readonly #closing = new AbortController();
  #filling = false;
  #fillAgain = false;
  /** Monotonic ms. */
  #fillNotBefore = Number.NEGATIVE_INFINITY;

  constructor(options: SparesOptions) {
    this.#options = options;
  }

  get ready(): number {
    return this.#ready.length;
  }

  /** Finds those that are there, and fills up. To be called whenever what is known of the Engine may be old. */
  keep(): void {
    this.#fillAgain = true;
    if (!this.#filling) void this.#fill(0);
  }

  /** One that only this kind of replica may take; null: none is left. */
  take(plan: ReplicaPlan): string | null {
    const id = isPlain(plan) ? (this.#ready.shift() ?? null) : null;
    if (id === null) return null;
    this.#taken.add(id);
    this.#fillNotBefore = this.#options.clock.now() + REFILL_AFTER_MS;
    void this.#fill(REFILL_AFTER_MS);
    return id;
  }

  /** From now on it is the pause container of the replica, also for who comes after a crash. Its network is yet to be joined. */
  async become(id: string, plan: ReplicaPlan): Promise<void> {
    const { book, ownership } = this.#options;
    const { Labels: labels } = pauseBody(plan, '');
    try {
      await book.put(id, { labels, network: plan.network.name, exposedPort: plan.exposedPort, joined: false });
      ownership.saw(id, { [ROLE_LABEL]: SPARE_ROLE });
    } finally {
      this.#taken.delete(id);
    }
  }

  /** It is in the network of its app. What is not kept of that now shows in its networks. */
  joined(id: string): void {
    const { book, log } = this.#options;
    const identity = book.get(id);
    if (identity === null) return;
    void book.put(id, { ...identity, joined: true }).catch((error: unknown) => {
      log.warn('that a spare sandbox has joined its network could not be kept', { container: id, error });
    });
  }

  /** Somebody stopped or removed it. */
  lost(id: string): void {
    if (this.#filling) this.#lost.add(id);
    if (!this.#ready.includes(id)) return;
    this.#ready = this.#ready.filter((one) => one !== id);
    void this.#fill(REFILL_AFTER_MS);
  }

  close(): void {
    this.#closing.abort();
  }

  get #network(): string {
    return `tidegate-spares-${this.#options.instance.slice(-ID_TAIL).toLowerCase()}`;
  }

  async #fill(afterMs: number): Promise<void> {
    if (this.#filling) return;
    this.#filling = true;
    const { clock, log } = this.#options;
    const { signal } = this.#closing;
    let waitMs = afterMs;
    let isSaid = false;
    while (!signal.aborted) {
      if (waitMs > 0) await after(clock, waitMs, signal);
      if (signal.aborted) break;
      waitMs = this.#fillNotBefore - clock.now();
      if (waitMs > 0) continue;
      try {
        this.#fillAgain = false;
        const trouble = await this.#fillOnce();
        if (trouble !== null) throw trouble.error;
        if (!this.#fillAgain && this.#ready.length >= this.#options.count) break;
      } catch (error) {
        if (!isSaid) log.warn('spare sandboxes cannot be kept; it is tried again', { error });
        isSaid = true;
        waitMs = AGAIN_AFTER_MS;
      }
    }
    this.#filling = false;
  }

  /** What stood against some of it, with the rest done all the same; null: nothing. @throws what stood against all of it */
  async #fillOnce(): Promise<{ readonly error: unknown } | null> {
    const { clock, containers, count, book, replicaNetworks } = this.#options;
    const troubles: unknown[] = [];
    const apart = (act: Promise<void>): Promise<void> => act.catch((error) => void troubles.push(error));
    this.#lost.clear();
    const there = await this.#list();
    const free = there.filter((one) => book.get(one.id) === null && !this.#taken.has(one.id) && this.#isNobodys(one));
    const kept = free.filter(({ id, isRunning }) => isRunning && !this.#lost.has(id)).slice(0, count);
    this.#ready = kept.map(({ id }) => id);
    for (const { id } of free.filter((one) => !kept.includes(one))) await apart(containers.destroy(id));
    for (const { id, networks } of there) {
      if (book.get(id) === null || !networks.includes(this.#network)) continue;
      await apart(replicaNetworks.leave(id, this.#network));
    }
    while (this.#ready.length < count && this.#fillNotBefore <= clock.now() && !this.#closing.signal.aborted) {
      const id = await this.#make();
      // One that ends as soon as it runs: so would the next.
      if (this.#lost.has(id)) return { error: new TidegateError('engine.not_found', `the spare ${id} ended at once`) };
      // Those that were ready before may have been taken or lost meanwhile.
      this.#ready.push(id);
    }
    return troubles.length === 0 ? null : { error: troubles[0] };
  }

  /** One that is in a network of an app was taken by somebody, whatever the book says. */
  #isNobodys({ networks }: ListedSpare): boolean {
    return networks.every((one) => one === this.#network);
  }

  async #make(): Promise<string> {
    const { containers, images, instance, networks, newId } = this.#options;
    const labels = { [ROLE_LABEL]: SPARE_ROLE, [INSTANCE_LABEL]: instance };
    await networks.ensure({ name: this.#network, labels, isClosed: true });
    const name = `tidegate-spare-${newId('spr').slice(-ID_TAIL).toLowerCase()}`;
    const image = await images.ensurePause();
    const id = await containers.create(name, spareBody({ labels, network: this.#network, image }));
    await containers.start(id);
    return id;
  }

  async #list(): Promise<readonly ListedSpare[]> {
    const { client, instance } = this.#options;
    const wanted = [`${ROLE_LABEL}=${SPARE_ROLE}`, `${INSTANCE_LABEL}=${instance}`];
    const query = { all: '1', ...filters({ label: wanted }) };
    const answer = await client.call({ name: 'list spares', deadlineMs: READ_MS }, (docker, signal) =>
      request(docker, { method: 'GET', path: '/containers/json', query }, signal),
    );
    const lines: readonly unknown[] = Array.isArray(answer) ? answer : [];
    return lines.flatMap((line) => {
      const summary = summaryFrom(line);
      if (summary === null) return [];
      const { NetworkSettings: settings } = line as {
        readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null } | null;
      };
      const networks = Object.keys(settings?.Networks ?? {});
      return [{ id: summary.id, isRunning: summary.status === 'running', networks }];
    });
  }
}

/** What a pause container is made with, and cannot be given later, keeps a replica from taking one. */
function isPlain(plan: ReplicaPlan): boolean {
  const isSpecial = plan.sharePids || plan.hostNamespaces.length > 0 || Object.keys(plan.sysctls).length > 0;
  return !isSpecial && plan.publish.length === 0;
}
