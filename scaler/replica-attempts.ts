/**
 * Carries out the actions on one replica and remembers how they went: what fails is tried again after a wait that grows,
 * and an Engine that is away is not the replica's failure. An attempt never rejects.
 */
import { isTidegateError, messageOf } from '#core/errors';
import type { ReplicaSnapshot } from '#core/set';
import { Backoff } from './backoff.ts';
import { isEngineAway, UnknownHost } from './engine-away.ts';
import type { ScalerPorts } from './ports.ts';
import { perform } from './replica-actions.ts';
import type { ReplicaState } from './replica-state.ts';
import { isStepDown, type ReplicaAction, type ReplicaWish, stepTowards } from './replica-step.ts';
import type { MemberLoss } from './side-members.ts';

/** How soon a start or thaw is tried again while the Engine itself is away. */
const AWAY_MS = 500;
/** Going to sleep has time. */
const AWAY_DOWN_MS = 5000;
/** A start that succeeded is not repeated for so long, although discovery shows nothing of it. */
const SHOWN_WITHIN_MS = 2000;
/** Whoever stopped a part of a replica may be about to start it again, or to put another in its place. */
const OTHERS_AT_WORK_MS = 2000;
/** Who was ready, or a member that was up, for so long starts over with a clean record. */
const PROVEN_MS = 10_000;
const RAISE_MEMORY = { oom_killed: true, hint: 'raise memory' } as const;

export interface AttemptsOptions {
  readonly ports: ScalerPorts;
  readonly state: ReplicaState;
  readonly wish: () => ReplicaWish;
  readonly onFailed: (cause: string, facts: Record<string, unknown>) => void;
}

export class Attempts {
  readonly #options: AttemptsOptions;
  /** Of starting and thawing. */
  readonly #up: Backoff;
  /** Of freezing, stopping and removing. */
  readonly #down: Backoff;
  /** Of starting side members. */
  readonly #mend: Backoff;
  #cause: string | null = null;
  #engineAway = false;
  /** Monotonic ms. */
  #readySince: number | null = null;

  constructor(options: AttemptsOptions) {
    this.#options = options;
    this.#up = new Backoff(options.ports.clock);
    this.#down = new Backoff(options.ports.clock);
    this.#mend = new Backoff(options.ports.clock);
  }

  /** Failures in a row to come up. */
  get failures(): number {
    return this.#up.failures;
  }

  /** Of the last failure to come up; null: there was none. */
  get cause(): string | null {
    return this.failures === 0 ? null : this.#cause;
  }

  /** Ms until the action may be tried; 0: now. */
  waitMs(action: ReplicaAction): number {
    return action === 'adopt' ? 0 : this.#backoffOf(action).waitMs;
  }

  /** Forgets failures: it is tried again at once. */
  forgive(): void {
    this.#up.reset();
    this.#down.reset();
    this.#mend.reset();
  }

  becameReady(): void {
    this.#readySince ??= this.#options.ports.clock.now();
  }

  /** Its run is over, however that came. */
  runEnded(): void {
    const readyMs = this.#readySince === null ? 0 : this.#options.ports.clock.now() - this.#readySince;
    this.#readySince = null;
    if (readyMs >= PROVEN_MS) this.forgive();
  }

  /** It ended although it was to be up: counts as a failure to come up. */
  endedItself({ exitCode, members }: ReplicaSnapshot): void {
    const wasStarved = members?.[0]?.oomKilled === true;
    const why = wasStarved ? ': it ran out of memory' : '';
    this.#fail(this.#up, `it ended with exit code ${exitCode ?? 'unknown'}${why}`, wasStarved ? RAISE_MEMORY : {});
  }

  /** Somebody else stopped it: before it is started again he may do so himself. */
  wasStopped(): void {
    this.#up.postpone(OTHERS_AT_WORK_MS);
  }

  /** A side member ended while the replica is to run. */
  lost({ member, asked, upMs }: MemberLoss): void {
    if (asked) {
      this.#mend.postpone(OTHERS_AT_WORK_MS);
      return;
    }
    if (upMs >= PROVEN_MS) this.#mend.reset();
    const { name, exitCode, oomKilled } = member;
    const cause = `its member ${name} ended with exit code ${exitCode ?? 'unknown'}`;
    const why = oomKilled ? ': it ran out of memory' : '';
    this.#fail(this.#mend, cause + why, { member: name, ...(oomKilled ? RAISE_MEMORY : {}) });
  }

  /** Tries once. Resolves when it is done, no longer wanted, or failed. */
  async make(action: ReplicaAction): Promise<void> {
    // Never in the same turn: an action that ends at once must not begin the next one from within itself.
    await null;
    const failures = this.failures;
    try {
      await this.#perform(action);
      this.#engineAway = false;
    } catch (error) {
      if (isEngineAway(error)) this.#away(action, error);
      else if (action === 'adopt') this.#warn('it could not be seen whether a replica is frozen', error);
      else await this.#failed(action, error, failures);
    }
  }

  async #perform(action: ReplicaAction): Promise<void> {
    const { state, ports, wish } = this.#options;
    const { host, startedAt } = state.snapshot;
    const engine = ports.engine(host);
    if (engine === null) {
      // Nobody could have frozen it from here either.
      if (action === 'adopt') return state.adopt();
      throw new UnknownHost(host);
    }
    const isWanted = (): boolean => stepTowards(wish(), state) === action;
    await perform(action, { state, engine, isWanted, refresh: () => this.#refresh() });
    const isUnseen = state.isDown && state.snapshot.startedAt === startedAt;
    if (action === 'start' && isUnseen) this.#up.postpone(SHOWN_WITHIN_MS);
    if (action === 'mend' && state.isMaimed) this.#mend.postpone(SHOWN_WITHIN_MS);
    const isHalfDown = state.hasStragglers || (action === 'stop' && state.isSandbox);
    if ((action === 'stop' || action === 'rest') && isHalfDown) this.#down.postpone(SHOWN_WITHIN_MS);
  }

  #away(action: ReplicaAction, error: unknown): void {
    this.#backoffOf(action).postpone(isStepDown(action) ? AWAY_DOWN_MS : AWAY_MS);
    if (!this.#engineAway) this.#warn(`the Engine is away; ${action} is tried again`, error);
    this.#engineAway = true;
  }

  async #failed(action: ReplicaAction, error: unknown, failuresBefore: number): Promise<void> {
    const { state, wish } = this.#options;
    const backoff = this.#backoffOf(action);
    await this.#refresh();
    // Somebody else was faster, or it began and ended by itself, which was counted then.
    if (stepTowards(wish(), state) !== action || this.failures > failuresBefore) return;
    if (isTidegateError(error, 'engine.not_found')) backoff.postpone(AWAY_MS);
    else this.#fail(backoff, `${action} failed: ${messageOf(error)}`);
  }

  #fail(backoff: Backoff, cause: string, facts: Record<string, unknown> = {}): void {
    const waitMs = backoff.fail();
    if (backoff === this.#up) this.#cause = cause;
    this.#options.onFailed(cause, { failures: backoff.failures, retry_in_ms: waitMs, ...facts });
  }

  #backoffOf(action: ReplicaAction): Backoff {
    if (action === 'mend') return this.#mend;
    return isStepDown(action) ? this.#down : this.#up;
  }

  async #refresh(): Promise<void> {
    const { host, containerId } = this.#options.state.snapshot;
    try {
      await this.#options.ports.refresh(host, containerId);
    } catch (error) {
      this.#warn('a replica could not be looked at', error);
    }
  }

  #warn(message: string, error: unknown): void {
    this.#options.ports.log.warn(message, { replica: this.#options.state.snapshot.id, error });
  }
}
