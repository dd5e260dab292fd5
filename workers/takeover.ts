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
import type { ControlSeat, WorkerSeat } from './seats.ts';
import type { Supervisor } from './supervisor.ts';

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
  #next: ControlSeat | null = null;
  #fresh: WorkerSeat[] = [];
  #look: () => void = () => {};

  constructor(options: TakeoverOptions) {
    this.#options = options;
  }

  /** Belongs to the new generation. */
  owns(seat: ControlSeat | WorkerSeat): boolean {
    return seat === this.#next || this.#fresh.some((one) => one === seat);
  }

  /** Resolves with the control that acts afterwards. Never rejects. */
  async run(old: ControlSeat): Promise<ControlSeat> {
    const { supervisor, log, count } = this.#options;
    log.info('a new version takes over', { workers: count });
    const next = supervisor.seatControl();
    this.#next = next;
    this.#fresh = Array.from({ length: count }, (_, i) => supervisor.seatWorker(i + 1));
    const fresh = this.#fresh;
    const booted = (): boolean => next.booted && fresh.every((one) => one.booted);
    if (!(await this.#until(booted, BOOT_WITHIN_MS, true))) return this.#giveUp(old, 'it does not start');
    supervisor.silence(old);
    old.child.tell({ type: 'hand-over' });
    // Whatever becomes of the new one meanwhile: the old one can go on only after it has let go.
    if (!(await this.#until(() => old.handedOver || this.#lost.has(old), HAND_OVER_WITHIN_MS, false))) {
      // Two that act at a time would be worse than a cold start.
      old.child.kill('it did not hand over in time');
      await old.child.gone;
    }
    if (this.#isBroken) return this.#giveUp(old, 'it ended');
    supervisor.begin(next);
    const serving = (): boolean => next.ready && fresh.every((one) => one.serving);
    if (!(await this.#until(serving, READY_WITHIN_MS, true))) return this.#giveUp(old, 'it does not become ready');
    log.info('the new version serves', {});
    void supervisor.endControl(old, 'a new version has taken over');
    const before = supervisor.workers.filter((one) => !this.owns(one));
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
    return this.owns(seat);
  }

  get #isBroken(): boolean {
    return [this.#next, ...this.#fresh].some((one) => one !== null && this.#lost.has(one));
  }

  async #giveUp(old: ControlSeat, why: string): Promise<ControlSeat> {
    const { supervisor, log } = this.#options;
    log.error('the new version cannot take over; the old one goes on', { cause: why });
    // Its workers may have taken connections, which are theirs to finish.
    const taken = this.#fresh.filter((one) => one.serving);
    void supervisor.drain(taken, true);
    const useless = [this.#next, ...this.#fresh.filter((one) => !one.serving)].filter((one) => one !== null);
    for (const seat of useless) {
      seat.leaving = true;
      seat.child.kill();
    }
    await Promise.all(useless.map(({ child }) => child.gone));
    if (!this.#lost.has(old) && old.epoch === 0) supervisor.begin(old);
    return old;
  }

  /** False: time is over, or (`whole`) a process of the new generation ended. */
  #until(fact: () => boolean, withinMs: number, whole: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (holds: boolean): void => {
        timer.cancel();
        this.#look = () => {};
        resolve(holds);
      };
      const timer = this.#options.clock.after(withinMs, () => end(false));
      this.#look = () => {
        if (whole && this.#isBroken) end(false);
        else if (fact()) end(true);
      };
      this.#look();
    });
  }
}
