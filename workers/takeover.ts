/**
 * One takeover: a new generation of control and workers, from the code on disk, takes the place of the one that runs. The
 * old one lets go only step by step, and goes on whenever the new one turns out not to be able to: at any time exactly one
 * control acts, and somebody accepts connections.
 *
 *   booting ──▶ handing over ──▶ finding out ──▶ serving ──▶ (the old ones drain)
 *      │             │               │
 *      └─────────────┴───────────────┴── fails: the old control begins again
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import type { ControlSeat, Supervisor, WorkerSeat } from './supervisor.ts';

const BOOT_WITHIN_MS = 60_000;
const HAND_OVER_WITHIN_MS = 30_000;
const READY_WITHIN_MS = 60_000;

export interface TakeoverOptions {
  readonly supervisor: Supervisor;
  readonly clock: Clock;
  readonly log: Log;
  readonly count: number;
}

export class Takeover {
  readonly #options: TakeoverOptions;
  readonly #lost = new Set<ControlSeat | WorkerSeat>();
  #old: ControlSeat | null = null;
  #next: ControlSeat | null = null;
  #fresh: WorkerSeat[] = [];
  #look: () => void = () => {};

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** Controls that have to be ended when Tidegate ends meanwhile. */
  get controls(): ControlSeat[] {
    return [this.#old, this.#next].filter((one) => one !== null);
  }

  /** Resolves with the control that acts afterwards. Never rejects. */
  async run(old: ControlSeat): Promise<ControlSeat> {
    const { supervisor, log, count } = this.#options;
    const before = supervisor.workers;
    log.info('a new version takes over', { workers: count });
    const next = supervisor.seatControl();
    this.#old = old;
    this.#next = next;
    this.#fresh = Array.from({ length: count }, (_, i) => supervisor.seatWorker(i + 1));
    const fresh = this.#fresh;
    const booted = (): boolean => next.booted && fresh.every((one) => one.booted);
    if (!(await this.#until(booted, BOOT_WITHIN_MS))) return this.#giveUp(old, 'it does not start');
    supervisor.silence(old);
    old.child.tell({ type: 'hand-over' });
    if (!(await this.#until(() => old.handedOver || this.#lost.has(old), HAND_OVER_WITHIN_MS))) {
      // Two that act at a time would be worse than a cold start.
      old.child.kill();
      await old.child.gone;
    }
    supervisor.begin(next);
    const serving = (): boolean => next.ready && fresh.every((one) => one.serving);
    if (!(await this.#until(serving, READY_WITHIN_MS))) return this.#giveUp(old, 'it does not become ready');
    log.info('the new version serves', {});
    old.leaving = true;
    old.child.tell({ type: 'end', cause: 'a new version has taken over' });
    void supervisor.drain(before, true);
    return next;
  }

  /** Something changed about one of the processes. */
  look(): void {
    this.#look();
  }

  /** A process ended. True: it belonged to the new generation. */
  lost(seat: ControlSeat | WorkerSeat): boolean {
    this.#lost.add(seat);
    this.#look();
    return seat === this.#next || this.#fresh.some((one) => one === seat);
  }

  async #giveUp(old: ControlSeat, why: string): Promise<ControlSeat> {
    const { supervisor, log } = this.#options;
    log.error('the new version cannot take over; the old one goes on', { cause: why });
    const failed = [this.#next, ...this.#fresh].filter((one) => one !== null);
    for (const seat of failed) {
      seat.leaving = true;
      seat.child.kill();
    }
    await Promise.all(failed.map(({ child }) => child.gone));
    if (!this.#lost.has(old) && old.epoch === 0) supervisor.begin(old);
    return old;
  }

  /** False: time is over, or a process of the new generation ended. */
  #until(fact: () => boolean, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (holds: boolean): void => {
        timer.cancel();
        this.#look = () => {};
        resolve(holds);
      };
      const timer = this.#options.clock.after(withinMs, () => end(false));
      this.#look = () => {
        if ([this.#next, ...this.#fresh].some((one) => one !== null && this.#lost.has(one))) end(false);
        else if (fact()) end(true);
      };
      this.#look();
    });
  }
}
