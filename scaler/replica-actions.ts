/**
 * The actions on one container. Each checks after every wait whether it is still wanted, so that a request which arrives
 * while the replica goes to sleep turns it back as early as the Engine allows.
 */
import type { Engine } from '#docker/engine';
import type { ReplicaState } from './replica-state.ts';
import type { ReplicaAction } from './replica-step.ts';

export interface ActionContext {
  readonly state: ReplicaState;
  readonly engine: Engine;
  /** False: the set changed its mind. */
  readonly isWanted: () => boolean;
  /** A fresh look at the container. Never rejects. */
  readonly refresh: () => Promise<void>;
}

/** Resolves when it is done or no longer wanted. @throws what the Engine throws */
export async function perform(action: ReplicaAction, context: ActionContext): Promise<void> {
  const { state, engine, refresh } = context;
  const { containerId } = state.snapshot;
  switch (action) {
    case 'adopt':
      return adopt(context);
    case 'start':
      await engine.start(containerId);
      state.woke();
      return refresh();
    case 'mend':
      await engine.start(containerId);
      return refresh();
    case 'thaw':
      if (state.frozenDirect) return thawDirect(context);
      await engine.unpause(containerId);
      state.unpaused();
      state.woke();
      return state.snapshot.endpoints.length === 0 ? refresh() : undefined;
    case 'freeze':
      return freeze(context);
    case 'rest':
      await stop(context, 'sandbox');
      break;
    case 'stop':
      await stop(context, 'stopped');
      break;
    case 'remove':
      await stop(context, 'stopped');
      if (!context.isWanted()) break;
      await engine.remove(containerId);
      state.removed();
  }
  // What was done is known already: nobody has to wait for the picture of it.
  void refresh();
}

/** Turns a freeze that the Engine does not know of into its own pause. @throws what the Engine throws */
export async function handOver(state: ReplicaState, engine: Engine): Promise<void> {
  if (!state.frozenDirect) return;
  await engine.thaw(state.freezeTarget);
  await engine.pause(state.snapshot.containerId);
  state.froze(false);
}

/** Finds out whether an earlier Tidegate froze a run. One whose freezer cannot be read was not frozen by writing it. */
async function adopt({ state, engine }: ActionContext): Promise<void> {
  const run = state.snapshot.startedAt;
  let frozen = false;
  try {
    frozen = await engine.isFrozen(state.freezeTarget);
  } finally {
    if (state.snapshot.startedAt === run) state.adopt(frozen && state.status === 'running');
  }
}

async function freeze(context: ActionContext): Promise<void> {
  const { state, engine } = context;
  const run = state.snapshot.startedAt;
  if (await engine.freeze(state.freezeTarget)) {
    if (state.snapshot.startedAt === run) {
      if (state.isUp) state.froze(true);
      return;
    }
    // It began anew meanwhile: whichever run was frozen is not to stay so.
    await engine.thaw(state.freezeTarget);
    return;
  }
  if (!context.isWanted() || state.status !== 'running') return;
  await engine.pause(state.snapshot.containerId);
  if (state.snapshot.startedAt === run && state.isUp) state.froze(false);
}

/** Also when it is no longer wanted: nothing holds back a request as long as the freezer. */
async function thawDirect({ state, engine, refresh }: ActionContext): Promise<void> {
  const run = state.snapshot.startedAt;
  const thawed = await engine.thaw(state.freezeTarget);
  if (state.snapshot.startedAt !== run || !state.frozenDirect) return;
  if (thawed) {
    state.thawed();
    state.woke();
    return;
  }
  await refresh();
  if (state.frozenDirect) throw new Error('the cgroup freezer cannot be written');
}

async function stop(context: ActionContext, tier: 'sandbox' | 'stopped'): Promise<void> {
  const { state, engine, isWanted } = context;
  if (state.frozenDirect) await thawDirect(context);
  const { containerId, startedAt, stopTimeoutS, members } = state.snapshot;
  // Of a replica that Tidegate made more than its main member may run.
  if (!isWanted() || (state.isDown && members === undefined)) return;
  state.willSleep(tier);
  state.save();
  await (tier === 'sandbox' ? engine.rest(containerId, stopTimeoutS) : engine.stop(containerId, stopTimeoutS));
  state.stopped(startedAt, tier);
}
