/**
 * Freezes and thaws whole replicas by the cgroup freezers of their members. What was frozen is remembered, because a wake
 * has no time to ask the Engine for process ids.
 */
import type { Containers } from './containers.ts';
import type { FreezeTarget } from './engine.ts';
import { orGone } from './engine-error.ts';
import type { Freezer } from './freezer.ts';
import { containerFrom } from './inspect.ts';
import type { Member } from './replica-index.ts';
import { allOf } from './replica-maker.ts';

/** Members whose processes there are. */
type Targets = readonly FreezeTarget[];

export class ReplicaFreezer {
  readonly #freezer: Freezer;
  readonly #containers: Containers;
  /** By id of the pause container. */
  readonly #known = new Map<string, Targets>();

  constructor(freezer: Freezer, containers: Containers) {
    this.#freezer = freezer;
    this.#containers = containers;
  }

  /** All members that run stand still, or none, and then the answer is false. */
  async freeze(pauseId: string, members: readonly Member[]): Promise<boolean> {
    const targets = await this.#look(pauseId, members);
    // A healthcheck in a frozen container would hang.
    if (targets.length === 0 || targets.some(({ hasHealthcheck }) => hasHealthcheck)) return false;
    const frozen = await allOf(targets.map((target) => this.#freezer.freeze(target)));
    if (frozen.every(Boolean)) return true;
    for (const target of targets) this.#freezer.thaw(target);
    return false;
  }

  async thaw(pauseId: string, members: readonly Member[]): Promise<boolean> {
    const known = this.#known.get(pauseId);
    if (known?.length && this.#thaw(known)) return true;
    return this.#thaw(await this.#look(pauseId, members));
  }

  /** Whether any member is: one that stands still is enough to make a replica useless. */
  async isFrozen(pauseId: string, members: readonly Member[]): Promise<boolean> {
    const targets = this.#known.get(pauseId) ?? (await this.#look(pauseId, members));
    return targets.some((target) => this.#freezer.isFrozen(target));
  }

  /** Its processes are others from now on, or none. */
  forget(pauseId: string): void {
    this.#known.delete(pauseId);
  }

  #thaw(targets: Targets): boolean {
    return targets.length > 0 && targets.map((target) => this.#freezer.thaw(target)).every(Boolean);
  }

  async #look(pauseId: string, members: readonly Member[]): Promise<Targets> {
    const answers = await allOf(members.map(({ id }) => orGone(this.#containers.inspect(id))));
    const targets = answers
      .flatMap((answer) => (answer === null ? [] : containerFrom(answer)))
      .filter(({ status }) => status === 'running')
      .map(({ id: containerId, pid, hasHealthcheck }) => ({ containerId, pid, hasHealthcheck }));
    this.#known.set(pauseId, targets);
    return targets;
  }
}
