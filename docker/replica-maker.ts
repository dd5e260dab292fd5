/**
 * Makes replicas, and takes away what a failure leaves of them. A replica that is handed out has all its containers; of
 * one that could not be made there is nothing.
 */
import { TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { INSTANCE_LABEL, REPLICA_LABEL } from '#core/replica-labels';
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import { orGone } from './engine-error.ts';
import type { HostSize } from './host-size.ts';
import type { Images } from './images.ts';
import { containerFrom, summaryFrom } from './inspect.ts';
import type { Ownership } from './ownership.ts';
import { memberBody, type Pod, pauseBody, podOf } from './replica-bodies.ts';
import { type ReplicaPart, replicaPart } from './replica-index.ts';
import type { ReplicaNetworks } from './replica-networks.ts';
import type { MemberPlan, ReplicaPlan } from './replica-plan.ts';
import { filters, request } from './request.ts';
import { wasSpare } from './spare-book.ts';
import type { Spares } from './spares.ts';

const READ_MS = 5000;
/** How long one that nobody stands for may take to end. */
const STOP_MAX_S = 10;

export interface ReplicaMakerOptions {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: ReplicaNetworks;
  readonly ownership: Ownership;
  readonly size: HostSize;
  readonly log: Log;
  /** Null: none are kept. */
  readonly spares: Spares | null;
}

/** Of what the Engine says of a container in a list. */
interface ListedLine {
  readonly Names?: readonly string[] | null;
  readonly NetworkSettings?: { readonly Networks?: Readonly<Record<string, unknown>> | null } | null;
}

/** A container of a replica, as listed. */
export interface ListedPart {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly part: ReplicaPart;
  /** It ran before it was of this replica. */
  readonly wasSpare: boolean;
  /** It was a spare, and never was in the network of its app, as far as is known. */
  readonly isApart: boolean;
}

export class ReplicaMaker {
  readonly #client: EngineClient;
  readonly #containers: Containers;
  readonly #images: Images;
  readonly #networks: ReplicaNetworks;
  readonly #ownership: Ownership;
  readonly #size: HostSize;
  readonly #log: Log;
  readonly #spares: Spares | null;
  /** By id: replicas that are being made. */
  readonly #making = new Map<string, Promise<string>>();

  constructor({ client, containers, images, networks, ownership, size, log, spares }: ReplicaMakerOptions) {
    this.#spares = spares;
    this.#client = client;
    this.#containers = containers;
    this.#images = images;
    this.#networks = networks;
    this.#ownership = ownership;
    this.#size = size;
    this.#log = log;
  }

  /** As in {@link HostEngine.makeReplica}. */
  make(plan: ReplicaPlan, signal?: AbortSignal): Promise<string> {
    const making = this.#make(plan, signal).finally(() => this.#making.delete(plan.id));
    this.#making.set(plan.id, making);
    return making;
  }

  /** Resolves when the replica is not being made, or not any more. */
  async settled(replica: string): Promise<void> {
    await this.#making.get(replica)?.catch(() => {}); // whoever asked for it is told
  }

  /** The signal is looked at between calls: a create that was cut off may still happen. */
  async #make(plan: ReplicaPlan, signal?: AbortSignal): Promise<string> {
    try {
      const { cores } = await this.#size.get();
      signal?.throwIfAborted();
      const spare = await this.#takeSpare(plan);
      const pauseId = spare ?? (await this.#createPause(plan));
      signal?.throwIfAborted();
      const pod = podOf(plan, pauseId, cores);
      // Who finds all members after a crash takes the replica for made.
      await allOf((plan.joins ?? []).map((place) => this.#networks.join(pauseId, place)));
      signal?.throwIfAborted();
      await allOf<unknown>([
        ...(spare === null
          ? []
          : [this.#networks.join(spare, plan.network), this.#containers.rename(spare, plan.name)]),
        ...plan.members.map((member) => this.createMember(member, pod, plan.labels, nameOf(plan.name, member))),
      ]);
      signal?.throwIfAborted();
      if (spare !== null) this.#spares?.joined(spare);
      return pauseId;
    } catch (error) {
      await this.#clear(plan.id);
      throw error;
    }
  }

  /** @returns its id @throws TidegateError `image.not_found` */
  createMember(member: MemberPlan, pod: Pod, labels: Readonly<Record<string, string>>, name: string): Promise<string> {
    return this.#containers.create(name, memberBody(member, pod, labels));
  }

  /** Every container of a replica that there is. */
  async parts(replica: string): Promise<ListedPart[]> {
    const labelled = await this.#list({ label: [`${REPLICA_LABEL}=${replica}`] });
    const spare = this.#ownership.spareOf(replica);
    return spare === null ? labelled : [...labelled, ...(await this.#list({ id: [spare] }))];
  }

  /** By replica, every container of those of an instance. */
  async all(instance: string): Promise<ReadonlyMap<string, readonly ListedPart[]>> {
    const all = await this.#list({ label: [`${INSTANCE_LABEL}=${instance}`] });
    return Map.groupBy(all, ({ part }) => part.replica);
  }

  /**
   * Removes what nobody can use any more, and says of which replicas. Nothing goes that was not of no use twice: a list may be older than the end of
   * a making or a change that it shows in the middle.
   */
  async sweep(instance: string, isChanging: (replica: string) => boolean): Promise<readonly string[]> {
    const isBusy = (replica: string): boolean => this.#making.has(replica) || isChanging(replica);
    const first = await this.#leftovers(instance);
    // What is busy when the second list is asked for may be in the middle there, and be whole when it comes.
    const idle = [...first].filter(([replica]) => !isBusy(replica));
    const suspects = new Set(idle.flatMap(([, parts]) => parts.map(({ id }) => id)));
    if (suspects.size === 0) return [];
    const second = await this.#leftovers(instance);
    return await sweepEach(this.#log, [...second], async ([replica, parts]) => {
      const doomed = parts.filter(({ id }) => suspects.has(id));
      if (doomed.length === 0 || isBusy(replica)) return null;
      await this.#discard(doomed);
      return replica;
    });
  }

  async #leftovers(instance: string): Promise<ReadonlyMap<string, readonly ListedPart[]>> {
    return new Map([...(await this.all(instance))].map(([replica, parts]) => [replica, leftovers(parts)]));
  }

  /** Members before what they run in; who runs is asked to end first. */
  async #discard(parts: readonly ListedPart[]): Promise<void> {
    for (const role of ['member', 'pause']) {
      await allOf(parts.filter(({ part }) => part.role === role).map((one) => this.#discardOne(one)));
    }
  }

  async #discardOne(one: ListedPart): Promise<void> {
    if (one.part.role === 'member' && isUp(one)) await orGone(this.#stop(one.id));
    await this.#containers.destroy(one.id);
  }

  async #stop(id: string): Promise<void> {
    const { stopTimeoutS } = containerFrom(await this.#containers.inspect(id));
    await this.#containers.stop(id, Math.min(stopTimeoutS, STOP_MAX_S));
  }

  /** Null: there is none for it. */
  async #takeSpare(plan: ReplicaPlan): Promise<string | null> {
    const id = this.#spares?.take(plan) ?? null;
    if (id === null) return null;
    try {
      await this.#spares?.become(id, plan);
      return id;
    } catch (error) {
      this.#log.warn('a spare sandbox could not be taken; one is made instead', { replica: plan.id, error });
      return null;
    }
  }

  async #createPause(plan: ReplicaPlan): Promise<string> {
    try {
      return await this.#containers.create(plan.name, pauseBody(plan, await this.#images.ensurePause()));
    } catch (error) {
      if (!(error instanceof TidegateError) || error.code !== 'image.not_found') throw error;
    }
    // Somebody pruned it.
    this.#images.forgetPause();
    return this.#containers.create(plan.name, pauseBody(plan, await this.#images.ensurePause()));
  }

  async #clear(replica: string): Promise<void> {
    try {
      const parts = await this.parts(replica);
      await allOf(parts.map(({ id }) => this.#containers.destroy(id)));
    } catch (error) {
      this.#log.warn('what there is of a replica that could not be made is left behind', { replica, error });
    }
  }

  async #list(wanted: Readonly<Record<string, readonly string[]>>): Promise<ListedPart[]> {
    const query = { all: '1', ...filters(wanted) };
    const answer = await this.#client.call({ name: 'list replicas', deadlineMs: READ_MS }, (docker, signal) =>
      request(docker, { method: 'GET', path: '/containers/json', query }, signal),
    );
    const lines: readonly unknown[] = Array.isArray(answer) ? answer : [];
    return lines.flatMap((line) => {
      const summary = summaryFrom(line);
      const labels = summary === null ? {} : this.#ownership.labelsOf(summary.id, summary.labels);
      const part = replicaPart(labels);
      if (summary === null || part === null) return [];
      this.#ownership.saw(summary.id, summary.labels);
      const { Names: names, NetworkSettings: settings } = line as ListedLine;
      const home = this.#ownership.homeToJoin(summary.id);
      return [
        {
          id: summary.id,
          name: (names?.[0] ?? '').replace(/^\//, ''),
          status: summary.status,
          part,
          wasSpare: wasSpare(summary.labels),
          isApart: home !== null && settings?.Networks != null && settings.Networks[home] === undefined,
        },
      ];
    });
  }
}

/** Name of the container of a member. */
export function nameOf(pauseName: string, member: { readonly name: string }): string {
  return `${pauseName}-${member.name}`;
}

/**
 * Waits for all, also when one fails, so that nothing goes on behind the back of who cleans up.
 * @throws the first failure
 */
export async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(work);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

/**
 * Tidies up each that needs it, all at a time: one that cannot be tidied up keeps nobody from the others.
 * @param tidy gives the id of the replica; null: there was nothing to do
 * @returns the ids
 */
export async function sweepEach<T>(
  log: Log,
  all: readonly T[],
  tidy: (one: T) => Promise<string | null>,
): Promise<readonly string[]> {
  const work = all.map((one) =>
    tidy(one).catch((error: unknown) => {
      log.warn('what was left in the middle of a replica could not be tidied up', { error });
      return null;
    }),
  );
  return (await Promise.all(work)).filter((one) => one !== null);
}

/**
 * What nobody can use any more: members without their pause container; a replica that lacks members and is down, since
 * nothing starts such a one (it never became whole, or its removal was cut off); one without any, or without its network.
 * One that is up and lost a member serves until another stands in for it.
 */
function leftovers(parts: readonly ListedPart[]): readonly ListedPart[] {
  const pause = parts.find(({ part }) => part.role === 'pause');
  const members = parts.filter(({ part }) => part.role === 'member');
  if (pause?.part.role !== 'pause') return members;
  const isWhole = new Set(members.map(memberOf)).size >= pause.part.memberCount;
  if (pause.isApart) return [...members, pause];
  const neverRan = pause.wasSpare && members.every((one) => one.status === 'created');
  const isDown = !isUp(pause) || neverRan || members.length === 0;
  return isDown && !isWhole ? [...members, pause] : [];
}

function memberOf({ part }: ListedPart): string {
  return part.role === 'member' ? `${part.index}.${part.name}` : '';
}

/** It has a process, running or frozen. */
export function isUp({ status }: ListedPart): boolean {
  return status === 'running' || status === 'paused' || status === 'restarting';
}
