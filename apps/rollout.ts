/**
 * How traffic moves from one revision of a set to the next, for each strategy, as steps that may be taken up in the
 * middle: old serves until new has proved itself, weights move before replicas go, and what is asked for twice is done
 * once. What is done at each step is the ground's; here is only the order.
 *
 * | strategy  | old replicas                     | new replicas        | traffic                            |
 * |-----------|----------------------------------|---------------------|------------------------------------|
 * | rolling   | one less with each that is ready | one more at a time  | in proportion                      |
 * | bluegreen | all, until after the switch      | all before it       | at once                            |
 * | canary    | all, until it is promoted        | their part          | by steps, watched                  |
 * | recreate  | gone first                       | after that          | waits meanwhile                    |
 */
import type { RevisionShare } from '#core/set';
import type { CanaryStep, DeploymentState, Strategy } from './deployment-record.ts';

/** Weight of all traffic. */
const WHOLE = 100;

export interface RolloutGround {
  readonly strategy: Exclude<Strategy, 'member'>;
  readonly steps: readonly CanaryStep[];
  /** Name of the share that is to take over. */
  readonly next: string;
  /** Name of the share in force; null: there is none. */
  readonly previous: string | null;
  /** Replicas that the previous one runs now, whether ready or not. */
  readonly running: number;
  /** Replicas the scale asks for while the set is awake: 1 at least. */
  readonly wanted: number;
  /** Steps that were done before a restart. */
  readonly done: number;
  enter(state: DeploymentState): Promise<void>;
  /** From now on the old revision cannot simply carry on: it is gone through with. @throws when its end was wanted before */
  commit(): Promise<void>;
  /** Kept: so many steps are done. */
  stepDone(count: number): Promise<void>;
  /** Puts shares in force; resolves when every gateway goes by them. */
  share(shares: readonly RevisionShare[]): Promise<void>;
  /** Resolves when so many replicas of a share are ready. @throws when they will not be */
  ready(name: string, count: number): Promise<void>;
  /** Resolves when no replica of a share is left. */
  gone(name: string): Promise<void>;
  /** Waits, and compares the new revision with the old one meanwhile. Ends early when it is to be promoted. @throws when it is worse */
  hold(ms: number): Promise<void>;
}

/** Brings the next revision into force. @throws what the ground throws; shares are then to be put back by the caller */
export async function rollOut(ground: RolloutGround): Promise<void> {
  const { next, previous, strategy } = ground;
  if (previous === null) await first(ground);
  else if (strategy === 'recreate') await recreate(ground, previous);
  // Who has nothing running has nothing to move: the new one proves itself, and the old one goes.
  else if (ground.running === 0 && strategy !== 'canary') await blueGreen({ ...ground, wanted: 1 }, previous);
  else if (strategy === 'rolling') await rolling(ground, previous);
  else if (strategy === 'bluegreen') await blueGreen(ground, previous);
  else await canary(ground, previous);
  await ground.enter('draining');
  await ground.commit();
  await ground.share([{ revision: next, weight: WHOLE, replicas: null, held: false }]);
  if (previous !== null) await ground.gone(previous);
}

async function first(ground: RolloutGround): Promise<void> {
  const { next } = ground;
  await ground.enter('creating');
  // A container of a person that serves under the same name goes on until this one can take over from it.
  await ground.share([{ revision: next, weight: 0, replicas: null, held: true }]);
  await ground.enter('probing');
  await ground.ready(next, 1);
  await ground.enter('shifting');
  await ground.share([{ revision: next, weight: WHOLE, replicas: null, held: true }]);
}

async function recreate(ground: RolloutGround, previous: string): Promise<void> {
  const { next } = ground;
  if (ground.done === 0) {
    await ground.enter('draining');
    // Requests wait for the new one.
    await ground.share([{ revision: next, weight: WHOLE, replicas: 0, held: true }]);
    await ground.gone(previous);
    await ground.stepDone(1);
  }
  await first(ground);
}

async function rolling(ground: RolloutGround, previous: string): Promise<void> {
  const { next, wanted, done } = ground;
  for (let count = done + 1; count <= wanted; count++) {
    const left = wanted - count;
    await ground.enter('creating');
    await ground.share([
      { revision: previous, weight: left + 1, replicas: left + 1, held: true },
      { revision: next, weight: count - 1, replicas: count, held: true },
    ]);
    await ground.enter('probing');
    await ground.ready(next, count);
    await ground.enter('shifting');
    if (left === 0) await ground.commit();
    await ground.share([
      { revision: previous, weight: left, replicas: left, held: true },
      { revision: next, weight: count, replicas: count, held: true },
    ]);
    await ground.stepDone(count);
  }
}

async function blueGreen(ground: RolloutGround, previous: string): Promise<void> {
  const { next, wanted, steps, done } = ground;
  const replicas = Math.max(wanted, ground.running);
  if (done === 0) {
    await ground.enter('creating');
    await ground.share([
      { revision: previous, weight: WHOLE, replicas: ground.running === 0 ? null : replicas, held: false },
      { revision: next, weight: 0, replicas, held: true },
    ]);
    await ground.enter('probing');
    await ground.ready(next, replicas);
    await ground.enter('shifting');
    await ground.share([
      { revision: previous, weight: 0, replicas: ground.running === 0 ? null : replicas, held: ground.running > 0 },
      { revision: next, weight: WHOLE, replicas, held: true },
    ]);
    await ground.stepDone(1);
  }
  const watch = steps[0]?.holdMs ?? 0;
  if (watch === 0) return;
  await ground.enter('holding');
  await ground.hold(watch);
}

async function canary(ground: RolloutGround, previous: string): Promise<void> {
  const { next, wanted, steps, done } = ground;
  const all = Math.max(wanted, ground.running, 1);
  for (let step = done; step < steps.length; step++) {
    const { weight, holdMs } = steps[step] as CanaryStep;
    const replicas = Math.max(1, Math.ceil((all * weight) / WHOLE));
    const before = step === 0 ? 0 : (steps[step - 1] as CanaryStep).weight;
    const old = { revision: previous, replicas: all, held: true };
    await ground.enter('creating');
    await ground.share([
      { ...old, weight: WHOLE - before },
      { revision: next, weight: before, replicas, held: true },
    ]);
    await ground.enter('probing');
    await ground.ready(next, replicas);
    await ground.enter('shifting');
    await ground.share([
      { ...old, weight: WHOLE - weight },
      { revision: next, weight, replicas, held: true },
    ]);
    await ground.enter('holding');
    await ground.hold(holdMs);
    await ground.stepDone(step + 1);
  }
  // Nobody is sent away from the old one before the new one can carry everything.
  await ground.enter('creating');
  const last = steps.at(-1)?.weight ?? 0;
  await ground.share([
    { revision: previous, weight: WHOLE - last, replicas: all, held: true },
    { revision: next, weight: last, replicas: all, held: true },
  ]);
  await ground.enter('probing');
  await ground.ready(next, all);
  await ground.enter('shifting');
  await ground.share([
    { revision: previous, weight: 0, replicas: all, held: true },
    { revision: next, weight: WHOLE, replicas: all, held: true },
  ]);
}
