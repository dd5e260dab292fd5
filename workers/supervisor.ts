/**
 * The supervisor: holds the listening sockets, keeps one control and the workers running, and carries their mail. It
 * knows nothing of sets, so there is next to nothing in it that could fail; what dies beneath it is started again.
 */
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { Log } from '#core/log';
import { Child, type Role } from './child.ts';
import { Respawn } from './respawn.ts';
import type { Report } from './roles.ts';
import type { ControlSeat, WorkerSeat } from './seats.ts';
import { SharedSockets } from './shared-listeners.ts';
import { Takeover } from './takeover.ts';
import { Watchdog } from './watchdog.ts';

/** Longer than workers and control grant to what is in flight. */
const DRAIN_WITHIN_MS = 35_000;
const END_WITHIN_MS = 30_000;

export interface SupervisorOptions {
  readonly config: Config;
  readonly count: number;
  readonly program: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Tidegate cannot start, or cannot go on. */
  readonly onFailed: (words: string) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #sockets = new SharedSockets();
  readonly #workers = new Map<number, WorkerSeat>();
  readonly #controls = new Set<ControlSeat>();
  readonly #respawn: Respawn;
  readonly #watchdog: Watchdog;
  /** The one that acts, or is about to. */
  #control: ControlSeat | null = null;
  #takeover: Takeover | null = null;
  #lastWorker = 0;
  #lastEpoch = 0;
  /** How the last control that acted ended, if it was not asked to. */
  #lost: string | null = null;
  /** Control was ready once: from now on a failure is not one to start. */
  #wasReady = false;
  #announced = false;
  #ending = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#respawn = new Respawn(options.clock);
    this.#watchdog = new Watchdog({ ...options, seats: () => [...this.workers, ...this.#controls] });
  }

  /** @throws TidegateError when a listener cannot be had */
  async start(): Promise<void> {
    const { config, count, log } = this.#options;
    await this.#sockets.open({ http: config.http, https: config.https, admin: config.admin });
    log.info('supervising', { pid: process.pid, workers: count });
    this.#control = this.seatControl();
    for (let n = 1; n <= count; n++) this.seatWorker(n);
    this.#watchdog.start();
  }

  /** Starts a new generation from the code on disk, which takes over without a connection being refused. */
  upgrade(): void {
    const { log } = this.#options;
    if (this.#ending) return;
    if (this.#takeover !== null || this.#control?.ready !== true) {
      log.warn('a new version cannot take over now', { cause: this.#takeover === null ? 'not ready yet' : 'one does' });
      return;
    }
    this.#takeover = new Takeover({ supervisor: this, clock: this.#options.clock, log, count: this.#options.count });
    void this.#takeover.run(this.#control).then((control) => {
      this.#control = control;
      this.#takeover = null;
      // What died meanwhile is replaced now.
      if (control.leaving) this.#replaceControl(control);
    });
  }

  /** Ends everything in order: first the workers, with control to let in who waits, then control. */
  async end(cause: string): Promise<void> {
    this.#ending = true;
    this.#respawn.close();
    this.#control?.child.tell({ type: 'ending' });
    await this.drain([...this.#workers.values()], false);
    await Promise.all([...this.#controls].map((seat) => this.endControl(seat, cause)));
    this.#watchdog.close();
    this.#sockets.close();
  }

  /** Ends everything at once. */
  kill(): void {
    this.#ending = true;
    for (const { child } of this.#workers.values()) child.kill();
    for (const { child } of this.#controls) child.kill();
  }

  get workers(): readonly WorkerSeat[] {
    return [...this.#workers.values()];
  }

  seatControl(): ControlSeat {
    const seat: ControlSeat = {
      child: this.#fork('control', 0, {
        onReport: (report) => this.#fromControl(seat, report),
        onExit: (how) => this.#controlGone(seat, how),
      }),
      epoch: 0,
      booted: false,
      ready: false,
      handedOver: false,
      leaving: false,
    };
    this.#controls.add(seat);
    return seat;
  }

  seatWorker(n: number): WorkerSeat {
    const id = ++this.#lastWorker;
    const seat: WorkerSeat = {
      id,
      n,
      child: this.#fork('worker', n, {
        onReport: (report) => this.#fromWorker(seat, report),
        onExit: (how) => this.#workerGone(seat, how),
      }),
      booted: false,
      fed: false,
      serving: false,
      leaving: false,
    };
    this.#workers.set(id, seat);
    return seat;
  }

  /** Lets a control act from now on: the only one that does. */
  begin(seat: ControlSeat): void {
    this.#control = seat;
    seat.epoch = ++this.#lastEpoch;
    seat.handedOver = false;
    const workers = this.workers.filter((one) => one.fed).map((one) => one.id);
    seat.child.tell({ type: 'begin', workers, lost: this.#lost });
    this.#lost = null;
    for (const worker of this.workers) {
      if (worker.booted) worker.child.tell({ type: 'control-here', epoch: seat.epoch });
    }
  }

  /** No control acts any more. */
  silence(seat: ControlSeat): void {
    seat.epoch = 0;
    seat.ready = false;
    for (const { child } of this.workers) child.tell({ type: 'control-gone' });
  }

  /** Resolves when they have ended. */
  async drain(seats: readonly WorkerSeat[], successor: boolean): Promise<void> {
    const { clock } = this.#options;
    const timer = clock.after(DRAIN_WITHIN_MS, () => {
      for (const { child } of seats) child.kill();
    });
    for (const seat of seats) {
      seat.leaving = true;
      seat.child.tell({ type: 'drain', successor });
    }
    await Promise.all(seats.map(({ child }) => child.gone));
    timer.cancel();
  }

  /** Resolves when it has ended. */
  async endControl(seat: ControlSeat, cause: string): Promise<void> {
    const { child } = seat;
    seat.leaving = true;
    const timer = this.#options.clock.after(END_WITHIN_MS, () => child.kill());
    child.tell({ type: 'end', cause });
    await child.gone;
    timer.cancel();
  }

  #fork(role: Role, n: number, hears: { onReport: (report: Report) => void; onExit: (how: string) => void }): Child {
    return new Child({ program: this.#options.program, role, n, sockets: this.#sockets, ...hears });
  }

  #fromWorker(seat: WorkerSeat, report: Report): void {
    const control = this.#control;
    switch (report.type) {
      case 'booted':
        seat.booted = true;
        if (!this.#wasReady) seat.child.tell({ type: 'listen-early' });
        if (control !== null && control.epoch > 0) seat.child.tell({ type: 'control-here', epoch: control.epoch });
        break;
      case 'serving':
        seat.serving = true;
        this.#serves(seat);
        break;
      case 'ask':
        if (control !== null && control.epoch > 0 && control.epoch === report.epoch) {
          control.child.tell({ type: 'to-control', worker: seat.id, mail: report.mail });
        }
        break;
      case 'failed':
        this.#failed(report.words);
        // Another one may be able to.
        seat.child.kill(report.words);
        break;
      default:
    }
    this.#takeover?.look();
  }

  #fromControl(seat: ControlSeat, report: Report): void {
    switch (report.type) {
      case 'booted':
        seat.booted = true;
        if (seat === this.#control) this.begin(seat);
        break;
      case 'handed-over':
        seat.handedOver = true;
        break;
      case 'ready':
        seat.ready = true;
        this.#wasReady = true;
        break;
      case 'post': {
        const worker = this.#workers.get(report.worker);
        if (seat.epoch === 0 || worker === undefined) break;
        worker.fed = true;
        worker.child.tell({ type: 'to-worker', epoch: seat.epoch, mail: report.mail });
        break;
      }
      case 'give-up':
        this.#options.log.error('a worker is given up', { worker: report.worker, cause: report.why });
        this.#workers.get(report.worker)?.child.kill(report.why);
        break;
      case 'failed':
        if (seat === this.#control) this.#failed(report.words);
        seat.child.kill(report.words);
        break;
      default:
    }
    this.#takeover?.look();
  }

  #serves(seat: WorkerSeat): void {
    for (const [listener, address] of Object.entries(this.#sockets.listeners)) {
      if (this.#announced || listener === 'admin') continue;
      this.#options.log.info('listening', { listener, host: address.host, port: address.port });
    }
    this.#announced = true;
    const { id, n, child } = seat;
    this.#control?.child.tell({ type: 'worker-started', worker: id, n, pid: child.pid });
  }

  #workerGone(seat: WorkerSeat, how: string): void {
    const { log } = this.#options;
    const { id, n, leaving } = seat;
    this.#workers.delete(id);
    this.#control?.child.tell({ type: 'worker-gone', worker: id, n, crashed: leaving ? null : how });
    if (leaving || this.#ending) return;
    log.error('a worker ended', { worker: n, how });
    if (this.#takeover?.lost(seat) === true) return;
    this.#respawn.in(`worker ${n}`, () => {
      // A takeover may have filled the place meanwhile; one that may yet fail has not.
      const isFilled = this.workers.some((one) => one.n === n && !one.leaving && this.#takeover?.owns(one) !== true);
      if (!isFilled) this.seatWorker(n);
    });
  }

  #controlGone(seat: ControlSeat, how: string): void {
    const words = `control ended with ${how}`;
    const crashed = !seat.leaving && !this.#ending;
    if (crashed && seat.epoch > 0) this.#lost = how;
    this.#controls.delete(seat);
    seat.leaving = true;
    seat.booted = false;
    if (this.#takeover !== null && crashed) this.#options.log.error('a process cannot go on', { cause: words });
    this.#takeover?.lost(seat);
    if (this.#takeover !== null || !crashed || seat !== this.#control) return;
    this.silence(seat);
    this.#failed(words);
    if (this.#wasReady) this.#replaceControl(seat);
  }

  #replaceControl(seat: ControlSeat): void {
    this.#respawn.in('control', () => {
      if (this.#control === seat) this.#control = this.seatControl();
    });
  }

  /** What cannot even start is not started again and again. */
  #failed(words: string): void {
    if (this.#ending) return;
    if (this.#wasReady) this.#options.log.error('a process cannot go on', { cause: words });
    else this.#options.onFailed(words);
  }
}
