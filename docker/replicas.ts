/**
 * What is done to a container, done to the whole replica when the container is the pause container of one: whoever puts
 * replicas to sleep and wakes them needs to know nothing of members.
 */
import { isTidegateError, TidegateError } from '#core/errors';
import type { Containers } from './containers.ts';
import type { FreezeTarget } from './engine.ts';
import { orGone } from './engine-error.ts';
import type { Freezer } from './freezer.ts';
import { containerFrom } from './inspect.ts';
import type { Ownership } from './ownership.ts';
import type { ReplicaChanges } from './replica-changes.ts';
import { ReplicaFreezer } from './replica-freezer.ts';
import { byIndex, type KnownReplica, type Member } from './replica-index.ts';
import { allOf, type ReplicaMaker } from './replica-maker.ts';
import type { ReplicaNetworks } from './replica-networks.ts';

/** The program of a pause container ends at once. */
const PAUSE_STOP_S = 2;

export interface ReplicasOptions {
  readonly containers: Containers;
  readonly ownership: Ownership;
  readonly maker: ReplicaMaker;
  readonly changes: ReplicaChanges;
  readonly networks: ReplicaNetworks;
  /** Null: the Engine is on another machine. */
  readonly freezer: Freezer | null;
}

export class Replicas {
  readonly #containers: Containers;
  readonly #ownership: Ownership;
  readonly #maker: ReplicaMaker;
  readonly #changes: ReplicaChanges;
  readonly #networks: ReplicaNetworks;
  readonly #freezer: Freezer | null;
  readonly #replicaFreezer: ReplicaFreezer | null;

  constructor({ containers, ownership, maker, changes, networks, freezer }: ReplicasOptions) {
    this.#containers = containers;
    this.#ownership = ownership;
    this.#maker = maker;
    this.#changes = changes;
    this.#networks = networks;
    this.#freezer = freezer;
    this.#replicaFreezer = freezer === null ? null : new ReplicaFreezer(freezer, containers);
  }

  /** @throws TidegateError `replica.incomplete`, before anything is started */
  async start(id: string): Promise<void> {
    let replica = await this.#replica(id);
    if (replica === null) return void (await this.#containers.start(id));
    if (byIndex(replica.members).some((inPlace) => inPlace.length > 1)) {
      await this.#changes.finish(id, replica.replica);
      replica = await this.#whole(id);
    }
    requireWhole(replica);
    this.#replicaFreezer?.forget(id);
    const isFresh = await this.#startPause(id);
    for (const group of byIndex(replica.members)) {
      await this.#each(group, (member) => orGone(this.#startMember(member, isFresh)));
    }
    // One that was only thought to be there is forgotten by now; one that was removed is missed.
    requireWhole(await this.#whole(id));
  }

  async stop(id: string, timeoutS: number): Promise<void> {
    if (await this.#stopMembers(id, timeoutS)) await this.#containers.stop(id, PAUSE_STOP_S);
  }

  async rest(id: string, timeoutS: number): Promise<void> {
    await this.#stopMembers(id, timeoutS);
  }

  async pause(id: string): Promise<void> {
    const replica = await this.#replica(id);
    if (replica === null) return this.#containers.pause(id);
    await this.#eachUp(replica.members, (member) => this.#containers.pause(member));
  }

  async unpause(id: string): Promise<void> {
    const replica = await this.#replica(id);
    if (replica === null) return this.#containers.unpause(id);
    await this.#eachUp(replica.members, (member) => this.#containers.unpause(member));
  }

  async remove(id: string): Promise<void> {
    const replica = await orGone(this.#replica(id));
    const pause = replica === null ? null : await orGone(this.#containers.inspect(id));
    const status = pause === null ? null : containerFrom(pause).status;
    // One that runs is refused by the Engine, but its members alone would not be.
    if (replica !== null && status !== 'running' && status !== 'paused') {
      this.#replicaFreezer?.forget(id);
      await this.#each(replica.members, (member) => this.#containers.destroy(member));
    }
    await this.#containers.remove(id);
  }

  async freeze(target: FreezeTarget): Promise<boolean> {
    const { containerId } = target;
    const replica = await this.#replica(containerId);
    if (this.#replicaFreezer === null || target.hasHealthcheck) return false;
    if (replica !== null) return this.#replicaFreezer.freeze(containerId, replica.members);
    return this.#freezer?.freeze(target) ?? false;
  }

  async thaw(target: FreezeTarget): Promise<boolean> {
    const { containerId } = target;
    const replica = await this.#replica(containerId);
    if (this.#replicaFreezer === null) return false;
    if (replica !== null) return this.#replicaFreezer.thaw(containerId, replica.members);
    return this.#freezer?.thaw(target) ?? false;
  }

  async isFrozen(target: FreezeTarget): Promise<boolean> {
    const { containerId } = target;
    const replica = this.#ownership.replicas.ofPause(containerId);
    if (this.#replicaFreezer === null) return false;
    if (replica !== null) return this.#replicaFreezer.isFrozen(containerId, (await this.#whole(containerId)).members);
    return this.#freezer?.isFrozen(target) ?? false;
  }

  /** The lowest of its members for a pause container; any other container stands for itself. */
  async mainOf(id: string): Promise<string> {
    return (await this.#replica(id))?.members[0]?.id ?? id;
  }

  /** Null: a container that is no pause container. Waits while the replica is made or changed. */
  async #replica(id: string): Promise<KnownReplica | null> {
    await this.#containers.requireOurs(id);
    const seen = this.#ownership.replicas.ofPause(id);
    if (seen === null) return null;
    // Its pause container is heard of before it has members.
    await this.#maker.settled(seen.replica);
    await this.#changes.idle(id);
    return this.#whole(id);
  }

  /** Last first. False: it is no pause container, and was stopped itself. */
  async #stopMembers(id: string, timeoutS: number): Promise<boolean> {
    const replica = await this.#replica(id);
    if (replica === null) {
      await this.#containers.stop(id, timeoutS);
      return false;
    }
    this.#replicaFreezer?.forget(id);
    for (const group of byIndex(replica.members).toReversed()) {
      await this.#each(group, (member) => orGone(this.#containers.stop(member, timeoutS)));
    }
    return true;
  }

  /** @returns whether it was started now */
  async #startPause(id: string): Promise<boolean> {
    try {
      return await this.#containers.start(id);
    } catch (error) {
      if (!this.#networks.isLost(error)) throw error;
    }
    await this.#networks.mend(id);
    return this.#containers.start(id);
  }

  /** @param isFresh its network was made just now: a member that ran on without its pause container is in a lost one */
  async #startMember(id: string, isFresh: boolean): Promise<void> {
    const wasDown = await this.#containers.start(id);
    if (!isFresh || wasDown) return;
    const { stopTimeoutS } = containerFrom(await this.#containers.inspect(id));
    await this.#containers.stop(id, stopTimeoutS);
    await this.#containers.start(id);
  }

  /** Asks the Engine where not all members are known. */
  async #whole(pauseId: string): Promise<KnownReplica> {
    const known = this.#ownership.replicas.ofPause(pauseId);
    if (known === null) throw new TidegateError('engine.not_found', `there is no replica of container ${pauseId}`);
    if (known.isWhole) return known;
    await this.#maker.parts(known.replica);
    return this.#ownership.replicas.ofPause(pauseId) ?? known;
  }

  async #each(members: readonly Member[], act: (id: string) => Promise<unknown>): Promise<void> {
    await allOf(members.map(({ id }) => act(id)));
  }

  /** Members that are down are passed over, unless all are. */
  async #eachUp(members: readonly Member[], act: (id: string) => Promise<void>): Promise<void> {
    const results = await allOf(members.map(({ id }) => this.#refusalOfDown(id, act(id))));
    if (results.length > 0 && results.every((refusal) => refusal !== null)) throw results[0];
  }

  async #refusalOfDown(id: string, action: Promise<void>): Promise<TidegateError | null> {
    try {
      await action;
      return null;
    } catch (error) {
      if (isTidegateError(error, 'engine.not_found')) return error;
      if (!isTidegateError(error, 'engine.refused')) throw error;
      const { status } = containerFrom(await this.#containers.inspect(id));
      if (status === 'running' || status === 'paused' || status === 'restarting') throw error;
      return error;
    }
  }
}

/** @throws TidegateError `replica.incomplete` */
function requireWhole({ replica, isWhole }: KnownReplica): void {
  if (!isWhole) throw new TidegateError('replica.incomplete', `replica ${replica}: some of its containers are gone`);
}
