/**
 * Finds processes that hang: each is asked for a sign of life every second, and one that gives none for all of its
 * patience is ended, so that another takes its place. When whoever looks has slept himself (a suspended machine, a stopped
 * process group, a starved processor), nothing that he missed counts.
 */
import type { Clock, Timer } from '#core/clock';
import type { Log } from '#core/log';
import type { Child } from './child.ts';

/** How long a process may be silent: generous, because its end costs what it has in flight. */
const PATIENCE_MS = { booting: 60_000, worker: 10_000, control: 30_000 } as const;
const LOOK_EVERY_MS = 1000;
/** A look that comes so much too late means that the looker was not awake. */
const OVERSLEPT_MS = 2000;

type Subject = Pick<Child, 'role' | 'n' | 'pid' | 'heard' | 'tell' | 'kill'>;

interface Mark {
  readonly heard: number;
  /** Monotonic ms of the look that found it so first. */
  readonly at: number;
}

export interface WatchdogOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Processes that live. */
  readonly seats: () => Iterable<{ readonly child: Subject; readonly booted: boolean }>;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  #marks = new Map<Subject, Mark>();
  #lookedAt = Number.POSITIVE_INFINITY;
  #timer: Timer | null = null;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /** Looks from now on. */
  start(): void {
    const { clock } = this.#options;
    this.#timer = clock.after(LOOK_EVERY_MS, () => {
      this.#look(clock.now());
      this.start();
    });
  }

  close(): void {
    this.#timer?.cancel();
  }

  #look(now: number): void {
    const overslept = now - this.#lookedAt > LOOK_EVERY_MS + OVERSLEPT_MS;
    this.#lookedAt = now;
    const before = this.#marks;
    this.#marks = new Map();
    for (const { child, booted } of this.#options.seats()) {
      const mark = overslept ? undefined : before.get(child);
      const silent = mark !== undefined && mark.heard === child.heard;
      this.#marks.set(child, silent ? mark : { heard: child.heard, at: now });
      const patienceMs = booted ? PATIENCE_MS[child.role] : PATIENCE_MS.booting;
      if (silent && now - mark.at >= patienceMs) this.#end(child, patienceMs);
      else child.tell({ type: 'ping' });
    }
  }

  #end(child: Subject, patienceMs: number): void {
    const { role, n, pid } = child;
    const cause = `it gave no sign of life for ${patienceMs / 1000} s`;
    this.#options.log.error('a process hangs and is ended', { role, n, pid, cause });
    child.kill(cause);
  }
}
