/**
 * Other members in the place of some, while the replica stays up: whoever is not named goes on undisturbed, and where a
 * new one cannot be created or started, the old ones run on. A change that was cut off at any step is brought to an end by
 * the next one, or by a sweep: who is up stays, and of two that are not the one that was there first.
 */
import { isTidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { INSTANCE_LABEL, REPLICA_LABEL } from '#core/replica-labels';
import type { Containers } from './containers.ts';
import type { HostSize } from './host-size.ts';
import { type InspectAnswer, nameFrom } from './inspect.ts';
import type { Pod } from './replica-bodies.ts';
import { allOf, isUp, type ListedPart, nameOf, type ReplicaMaker, sweepEach } from './replica-maker.ts';
import type { MemberPlan } from './replica-plan.ts';

const DEFAULT_STOP_TIMEOUT_S = 10;
/** At the end of the name of a member that is to take another's place. No member itself can be called so. */
const NEXT_SUFFIX = '.next';
/** What a replica is known by, whatever its revision. */
const IDENTITY = ['tidegate.tenant', 'tidegate.app', 'tidegate.set', 'tidegate.revision', INSTANCE_LABEL];

export interface ReplicaChangesOptions {
  readonly containers: Containers;
  readonly maker: ReplicaMaker;
  readonly size: HostSize;
  readonly log: Log;
}

export class ReplicaChanges {
  readonly #containers: Containers;
  readonly #maker: ReplicaMaker;
  readonly #size: HostSize;
  readonly #log: Log;
  /** By id of the pause container: a change that is under way. */
  readonly #changes = new Map<string, { readonly replica: string; readonly done: Promise<void> }>();

  constructor({ containers, maker, size, log }: ReplicaChangesOptions) {
    this.#containers = containers;
    this.#maker = maker;
    this.#size = size;
    this.#log = log;
  }

  /** Resolves when no change of the replica is under way. */
  async idle(pauseId: string): Promise<void> {
    while (this.#changes.has(pauseId)) await this.#turnOf(pauseId);
  }

  isChanging(replica: string): boolean {
    return [...this.#changes.values()].some((change) => change.replica === replica);
  }

  /** As in {@link HostEngine.replaceMembers}; one at a time for each replica. */
  async replace(
    pauseId: string,
    members: readonly MemberPlan[],
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const pause = await this.#containers.inspect(pauseId);
    const replica = pause.Config.Labels?.[REPLICA_LABEL] ?? '';
    await this.#alone(pauseId, replica, () => this.#replace(pause, members, labels));
  }

  /** Brings changes to an end that a process that died had begun. @returns ids of the replicas */
  async sweep(instance: string): Promise<readonly string[]> {
    return await sweepEach(this.#log, [...(await this.#maker.all(instance))], async ([replica, parts]) => {
      const pause = parts.find(({ part }) => part.role === 'pause');
      if (pause === undefined || !parts.some(isNext) || this.isChanging(replica)) return null;
      // What the list says may be over by now.
      await this.finish(pause.id, replica);
      return replica;
    });
  }

  /** Brings a change of a replica to an end that was cut off. */
  async finish(pauseId: string, replica: string): Promise<void> {
    await this.#alone(pauseId, replica, async () => this.#end(await this.#maker.parts(replica)));
  }

  /** Never rejects: whoever asked for the change is told. */
  #turnOf(pauseId: string): Promise<void> | undefined {
    return this.#changes.get(pauseId)?.done.catch(() => {});
  }

  async #alone(pauseId: string, replica: string, change: () => Promise<void>): Promise<void> {
    // Nothing may come between the last look and the begin.
    while (this.#changes.has(pauseId)) await this.#turnOf(pauseId);
    const done = change().finally(() => this.#changes.delete(pauseId));
    this.#changes.set(pauseId, { replica, done });
    await done;
  }

  /** Of a change that was cut off: one member is left in each place, under its own name. */
  async #end(parts: readonly ListedPart[]): Promise<void> {
    const members = parts.filter(({ part }) => part.role === 'member');
    // By index: what takes the place of a member may have another name.
    const byPlace = Map.groupBy(members, ({ part }) => (part.role === 'member' ? part.index : 0));
    for (const inPlace of byPlace.values()) {
      const next = inPlace.find(isNext);
      if (next === undefined) continue;
      const others = inPlace.filter((one) => one !== next);
      const isInForce = others.length === 0 || (isUp(next) && !others.some(isUp));
      const doomed = isInForce ? others : [next];
      await allOf(doomed.map(({ id }) => this.#containers.destroy(id)));
      if (isInForce) await this.#rename(next);
    }
  }

  /** It is in force under whatever name: one that is taken is no obstacle. */
  async #rename({ id, name }: ListedPart): Promise<void> {
    try {
      await this.#containers.rename(id, name.slice(0, -NEXT_SUFFIX.length));
    } catch (error) {
      if (!isTidegateError(error, 'engine.refused')) throw error;
      this.#log.warn('a member cannot have its name', { container: id, error });
    }
  }

  async #replace(
    pause: InspectAnswer,
    members: readonly MemberPlan[],
    labels: Readonly<Record<string, string>>,
  ): Promise<void> {
    const known = pause.Config.Labels ?? {};
    const replica = known[REPLICA_LABEL] ?? '';
    const identity = Object.fromEntries(IDENTITY.flatMap((name) => (known[name] ? [[name, known[name]]] : [])));
    await this.#end(await this.#maker.parts(replica));
    const parts = await this.#maker.parts(replica);
    const old = membersAt(
      parts,
      members.map(({ index }) => index),
    );
    const pod = await this.#pod(pause, parts, replica);
    const made = await this.#create(members, pod, { ...identity, ...labels }, nameFrom(pause));
    if (pause.State.Status === 'running') await this.#swap(old, made);
    await allOf(old.map(({ id }) => this.#containers.destroy(id)));
    for (const { id, member } of made) await this.#containers.rename(id, nameOf(nameFrom(pause), member));
  }

  async #create(
    members: readonly MemberPlan[],
    pod: Pod,
    labels: Readonly<Record<string, string>>,
    pauseName: string,
  ): Promise<MadeMember[]> {
    const made: MadeMember[] = [];
    try {
      await allOf(
        members.map(async (member) => {
          const name = nameOf(pauseName, member) + NEXT_SUFFIX;
          made.push({ id: await this.#maker.createMember(member, pod, labels, name), member });
        }),
      );
      return made.sort((a, b) => a.member.index - b.member.index);
    } catch (error) {
      await this.#discard(made);
      throw error;
    }
  }

  /** Stops the old ones, last first, and starts the new ones, first first; back to the old ones if that fails. */
  async #swap(old: readonly ListedPart[], made: readonly MadeMember[]): Promise<void> {
    const running = old.filter(({ status }) => status === 'running' || status === 'paused').sort(byMemberIndex);
    try {
      for (const { id } of running.toReversed()) await this.#stop(id);
      for (const { id } of made) await this.#containers.start(id);
    } catch (error) {
      await this.#discard(made);
      for (const { id } of running) {
        await this.#containers.start(id).catch((failure: unknown) => {
          this.#log.warn('a member could not be started again', { container: id, error: failure });
        });
      }
      throw error;
    }
  }

  async #stop(id: string): Promise<void> {
    const { Config: config } = await this.#containers.inspect(id);
    await this.#containers.stop(id, config.StopTimeout ?? DEFAULT_STOP_TIMEOUT_S);
  }

  async #discard(made: readonly MadeMember[]): Promise<void> {
    await allOf(made.map(({ id }) => this.#containers.destroy(id))).catch((failure: unknown) => {
      this.#log.warn('a member that is not wanted is left behind', { error: failure });
    });
  }

  /** Where members of the replica live shows on those that are there. */
  async #pod(pause: InspectAnswer, parts: readonly ListedPart[], replica: string): Promise<Pod> {
    const some = parts.find(({ part }) => part.role === 'member');
    const modes = some === undefined ? undefined : (await this.#containers.inspect(some.id)).HostConfig;
    const pauseId = pause.Id;
    const { cores } = await this.#size.get();
    const ipcMode = modes?.IpcMode || `container:${pauseId}`;
    return { pauseId, replica, pidMode: modes?.PidMode ?? '', ipcMode, cores };
  }
}

interface MadeMember {
  readonly id: string;
  readonly member: MemberPlan;
}

function isNext({ name }: ListedPart): boolean {
  return name.endsWith(NEXT_SUFFIX);
}

/** Those of some indices. */
export function membersAt(parts: readonly ListedPart[], indices: readonly number[]): ListedPart[] {
  return parts.filter(({ part }) => part.role === 'member' && indices.includes(part.index));
}

function byMemberIndex(a: ListedPart, b: ListedPart): number {
  return (a.part.role === 'member' ? a.part.index : 0) - (b.part.role === 'member' ? b.part.index : 0);
}
