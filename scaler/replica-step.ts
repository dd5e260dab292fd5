/**
 * The next step of one replica towards the tier its set wants it in. Pure: whoever asks again after every step gets there.
 *
 * | sees ↓  wants →    | awake     | frozen    | sandbox   | stopped   | removed   |
 * |--------------------|-----------|-----------|-----------|-----------|-----------|
 * | running            | –         | freeze    | rest      | stop      | remove    |
 * | frozen             | thaw      | –         | rest      | stop      | remove    |
 * | sandbox            | start     | –         | –         | stop      | remove    |
 * | created, exited    | start     | –         | –         | –         | remove    |
 * | restarting         | –         | –         | rest      | stop      | remove    |
 * | running, maimed    | mend      | freeze    | rest      | stop      | remove    |
 * | down, stragglers   | start     | –         | rest      | stop      | remove    |
 * | down, adrift       | stop      | –         | stop      | stop      | remove    |
 * | stopping           | –         | –         | –         | –         | –         |
 *
 * `leave` wants nothing: what runs serves (and is mended), what is down stays down. Sandbox: its members are down and its
 * pause container is up; a step down never goes up again, so what is stopped is no sandbox because one is wanted. Maimed:
 * a side member of it is down. Stragglers: it is down, and members of it run. Adrift: its main member runs in a network
 * that is gone. Before anything else a run that somebody else began is adopted: an earlier Tidegate may have frozen it. One that is stopping while frozen is thawed, whatever is wanted: it
 * could not even see the signal.
 */
import type { ContainerStatus } from '#core/set';

/** `absent` of a whole set is `removed` for each of its replicas. */
export type ReplicaWish = 'awake' | 'frozen' | 'sandbox' | 'stopped' | 'removed' | 'leave';
export type ReplicaAction = 'adopt' | 'start' | 'mend' | 'thaw' | 'freeze' | 'rest' | 'stop' | 'remove';

export interface StepFacts {
  readonly status: ContainerStatus;
  /** In whatever way. */
  readonly isFrozen: boolean;
  /** Frozen by the cgroup freezer, while the Engine says it runs. */
  readonly frozenDirect: boolean;
  readonly isAdopted: boolean;
  /** Removed; discovery has not said so yet. */
  readonly isGone: boolean;
  /** It runs, and a side member of it does not. */
  readonly isMaimed: boolean;
  /** It does not run as a whole, and members of it do. */
  readonly hasStragglers: boolean;
  /** All members of it are down, and its pause container is up. */
  readonly isSandbox: boolean;
  /** Its main member runs without its pause container: in a network that is gone. */
  readonly isAdrift: boolean;
}

/** The step, or null: there is nothing to do, or somebody else is doing it. */
export function stepTowards(wish: ReplicaWish, facts: StepFacts): ReplicaAction | null {
  const { status, isFrozen } = facts;
  if (facts.isGone) return null;
  if (!facts.isAdopted) return 'adopt';
  if (status === 'stopping') return facts.frozenDirect ? 'thaw' : null;
  switch (wish) {
    case 'awake':
      if (isFrozen) return 'thaw';
      if (facts.isMaimed) return 'mend';
      if (facts.isAdrift) return 'stop';
      return status === 'created' || status === 'exited' ? 'start' : null;
    case 'frozen':
      return status === 'running' && !isFrozen ? 'freeze' : null;
    case 'sandbox':
      if (facts.isAdrift) return 'stop';
      return isDown(status) && !facts.hasStragglers ? null : 'rest';
    case 'stopped':
      return isDown(status) && !facts.hasStragglers && !facts.isSandbox ? null : 'stop';
    case 'removed':
      return 'remove';
    case 'leave':
      return facts.isMaimed && !isFrozen ? 'mend' : null;
  }
}

/** True for steps down, before which what is in flight is finished. */
export function isStepDown(action: ReplicaAction): boolean {
  return action === 'freeze' || action === 'rest' || action === 'stop' || action === 'remove';
}

/** True when there are no processes and none are about to be. */
export function isDown(status: ContainerStatus): boolean {
  return status === 'created' || status === 'exited' || status === 'dead';
}

/** True when there are processes, running or frozen. */
export function isUp(status: ContainerStatus): boolean {
  return status === 'running' || status === 'paused' || status === 'stopping';
}
