/**
 * What is known of one replica: the latest picture of its container, and what no picture shows: whether it was frozen
 * behind the Engine's back, who put it to sleep, which of its runs are over. An old picture that arrives late is told
 * from a new one: every start has its own `startedAt`, and a run that ended, or began earlier, does not come back. Such
 * a picture is put off, and believed after all when no newer one follows.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { ReplicaSnapshot } from '#core/set';
import type { FreezeTarget } from '#docker/engine';
import type { SleepNote, SleepNotes } from './ports.ts';
import { isDown, isUp, type StepFacts } from './replica-step.ts';

/** Ended runs that are remembered. Pictures are late by milliseconds, so a few are plenty. */
const ENDED_RUNS_MAX = 16;

/** What a new picture tells. */
export interface Observation {
  /** Another run than the one seen before. */
  readonly anew: boolean;
  /** It was up and is not any more: it was asked to stop, or ended by itself. Null: neither. */
  readonly ended: 'asked' | 'itself' | null;
  /** It runs, and did not before. */
  readonly woke: boolean;
}

export interface ReplicaStateOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly notes: SleepNotes;
  readonly snapshot: ReplicaSnapshot;
}

export class ReplicaState implements StepFacts {
  readonly #options: ReplicaStateOptions;
  readonly #endedRuns: string[] = [];
  #snapshot: ReplicaSnapshot;
  /** The run of which is known whether it is frozen. */
  #adoptedRun: string | null = null;
  #frozenDirect = false;
  #isGone = false;
  #putOff: ReplicaSnapshot | null = null;
  #note: SleepNote | null;
  #savedNote: SleepNote | null;
  #since: number;

  constructor(options: ReplicaStateOptions) {
    this.#options = options;
    this.#snapshot = options.snapshot;
    this.#since = options.clock.now();
    this.#savedNote = this.#read();
    // One that we froze and that is down now was stopped by somebody else.
    this.#note = this.#savedNote?.tier === 'frozen' && this.isDown ? null : this.#savedNote;
    if (!this.isUp) this.#runEnded();
  }

  get snapshot(): ReplicaSnapshot {
    return this.#snapshot;
  }

  get status(): ReplicaSnapshot['status'] {
    return this.#snapshot.status;
  }

  get frozenDirect(): boolean {
    return this.#frozenDirect;
  }

  get isFrozen(): boolean {
    return this.#frozenDirect || this.status === 'paused';
  }

  get isRunning(): boolean {
    return this.status === 'running' && !this.#frozenDirect;
  }

  /** It has processes, running or frozen. */
  get isUp(): boolean {
    return isUp(this.status);
  }

  /** It has none, and none are about to be. */
  get isDown(): boolean {
    return isDown(this.status);
  }

  /** What has a HEALTHCHECK is never frozen behind the Engine's back. */
  get isAdopted(): boolean {
    const { status, hasHealthcheck, startedAt } = this.#snapshot;
    return status !== 'running' || hasHealthcheck || startedAt === this.#adoptedRun;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  get isMaimed(): boolean {
    const sides = this.#snapshot.members?.slice(1) ?? [];
    return this.status === 'running' && sides.some((one) => one.status === 'created' || one.status === 'exited');
  }

  get isAdrift(): boolean {
    const main = this.#snapshot.members?.[0];
    return this.isDown && main !== undefined && isUp(main.status);
  }

  get isSandbox(): boolean {
    return this.isDown && this.#snapshot.isSandbox === true;
  }

  get hasStragglers(): boolean {
    return this.isDown && (this.#snapshot.members ?? []).some((one) => isUp(one.status));
  }

  /** It sleeps, or slept last, because Tidegate put it to sleep. */
  get sleptByUs(): boolean {
    return this.#note !== null;
  }

  /** Monotonic ms since when it is down, or running and not frozen. */
  get since(): number {
    return this.#since;
  }

  get freezeTarget(): FreezeTarget {
    const { containerId, pid, hasHealthcheck } = this.#snapshot;
    return { containerId, pid, hasHealthcheck };
  }

  /** Takes a new picture. Null: it looks older than what is known, and is put off. */
  observe(next: ReplicaSnapshot): Observation | null {
    this.#putOff = this.#looksOld(next) ? next : null;
    return this.#putOff === null ? this.#take(next) : null;
  }

  /** Takes the picture that was put off: no newer one came. Null: one did. */
  believe(): Observation | null {
    const next = this.#putOff;
    this.#putOff = null;
    return next === null ? null : this.#take(next);
  }

  /** This run is known: Tidegate began it, or looked whether it is frozen. */
  adopt(frozen = false): void {
    this.#adoptedRun = this.#snapshot.startedAt;
    if (frozen) this.froze(true);
  }

  froze(direct: boolean): void {
    this.#frozenDirect = direct;
    this.#note = { tier: 'frozen', direct };
    if (!direct && this.status === 'running') this.#snapshot = { ...this.#snapshot, status: 'paused' };
  }

  thawed(): void {
    this.#frozenDirect = false;
    this.#since = this.#options.clock.now();
  }

  /** The Engine confirmed the end of a pause; its event is on the way and says the same. */
  unpaused(): void {
    if (this.status === 'paused') this.#snapshot = { ...this.#snapshot, status: 'running' };
    this.adopt();
    this.thawed();
  }

  /** Tidegate is about to stop it, or wanted it stopped when it ended. */
  willSleep(tier: 'sandbox' | 'stopped' = 'stopped'): void {
    this.#note = { tier, direct: false };
  }

  woke(): void {
    this.#note = null;
  }

  /** The Engine confirmed the end of a run; its event is on the way and says the same. */
  stopped(run: string | null, tier: 'sandbox' | 'stopped' = 'stopped'): void {
    this.willSleep(tier);
    if (this.#snapshot.startedAt !== run) return;
    const wasDown = this.isDown;
    if (this.#snapshot.members !== undefined) this.#snapshot = { ...this.#snapshot, isSandbox: tier === 'sandbox' };
    if (wasDown) return;
    this.#snapshot = { ...this.#snapshot, status: 'exited', pid: 0, endpoints: [] };
    this.#since = this.#options.clock.now();
    this.#runEnded();
  }

  removed(): void {
    this.#isGone = true;
  }

  /** Writes down who put it to sleep, if that changed. */
  save(): void {
    if (this.#note?.tier === this.#savedNote?.tier && this.#note?.direct === this.#savedNote?.direct) return;
    this.#savedNote = this.#note;
    try {
      this.#options.notes.put(this.#snapshot.id, this.#note);
    } catch (error) {
      this.#options.log.warn('who put a replica to sleep could not be written down', {
        replica: this.#snapshot.id,
        error,
      });
    }
  }

  #read(): SleepNote | null {
    try {
      return this.#options.notes.get(this.#snapshot.id);
    } catch (error) {
      this.#options.log.warn('who put a replica to sleep could not be read', { replica: this.#snapshot.id, error });
      return null;
    }
  }

  #runEnded(): void {
    this.#frozenDirect = false;
    const { startedAt } = this.#snapshot;
    if (startedAt === null || this.#endedRuns.includes(startedAt)) return;
    this.#endedRuns.push(startedAt);
    if (this.#endedRuns.length > ENDED_RUNS_MAX) this.#endedRuns.shift();
  }

  #take(next: ReplicaSnapshot): Observation {
    const before = this.#snapshot;
    const anew = next.startedAt !== before.startedAt;
    if (anew) this.#runEnded();
    this.#snapshot = next;
    // What the Engine knows to be paused is the Engine's to thaw.
    if (next.status === 'paused' && this.#frozenDirect) this.froze(false);
    if (isUp(next.status)) {
      const hasWoken = anew || !isUp(before.status) || (before.status === 'paused' && next.status === 'running');
      if (hasWoken) {
        this.#since = this.#options.clock.now();
        this.#note = null;
      }
      return { anew, ended: null, woke: hasWoken && next.status === 'running' };
    }
    this.#runEnded();
    if (!isUp(before.status) && !anew) return { anew, ended: null, woke: false };
    this.#since = this.#options.clock.now();
    if (this.#note?.tier === 'frozen') this.#note = null;
    return { anew, ended: before.status === 'stopping' ? 'asked' : 'itself', woke: false };
  }

  #looksOld({ startedAt, status }: ReplicaSnapshot): boolean {
    const known = this.#snapshot.startedAt;
    if (startedAt === null) return known !== null;
    if (startedAt !== known) return this.#endedRuns.includes(startedAt) || isEarlier(startedAt, known);
    return isUp(status) && this.#endedRuns.includes(startedAt);
  }
}

/** Of two times in the Engine's words. What cannot be read is not known to be earlier than anything. */
function isEarlier(startedAt: string, than: string | null): boolean {
  return than !== null && Date.parse(startedAt) < Date.parse(than);
}
