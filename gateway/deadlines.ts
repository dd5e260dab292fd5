/**
 * Deadlines of everything that waits in the gateway: connects, answers, idle streams. They cost one timer per distinct
 * duration however many thousand wait. Starting, touching and suspending one is a few assignments: what moved meanwhile is
 * found out when its time comes, and then it is given the rest.
 */
import type { Clock, Timer } from '#core/clock';

/** Something that waits. Lives in the object that owns it and is used again and again; touched by {@link Deadlines} alone. */
export class Deadline {
  readonly onExpired: () => void;
  /** @internal 0: it does not run. */ limitMs = 0;
  /** @internal Monotonic ms of the last start or touch. */ since = 0;
  /** @internal Where it is looked at next; it may be there without running. */ queue: DeadlineQueue | null = null;
  /** @internal Monotonic ms of that look. */ dueAt = 0;
  /** @internal */ before: Deadline | null = null;
  /** @internal */ after: Deadline | null = null;

  constructor(onExpired: () => void) {
    this.onExpired = onExpired;
  }

  get isRunning(): boolean {
    return this.limitMs > 0;
  }
}

/** All deadlines with one duration to their next look: as they come in order, they fall due in order. */
interface DeadlineQueue {
  readonly durationMs: number;
  first: Deadline | null;
  last: Deadline | null;
  timer: Timer | null;
  /** Something was found due once; it expires if it still is on a second look. */
  looked: boolean;
}

/** Long enough for one turn of the event loop. */
const SECOND_LOOK_MS = 1;
/** What is left of a deadline is rounded up to this part of the whole: a deadline is late by less than one such part. */
const PARTS = 64;

export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, DeadlineQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Starts a deadline, anew if it runs already. It expires once, not before `limitMs` from now, and by less than a 64th
   * later.
   */
  start(deadline: Deadline, limitMs: number): void {
    const now = this.#clock.now();
    deadline.limitMs = limitMs;
    deadline.since = now;
    if (deadline.queue !== null) {
      // It will be looked at before it can be due.
      if (deadline.dueAt <= now + limitMs) return;
      unlink(deadline);
    }
    this.#look(deadline, now, limitMs);
  }

  /** Gives a running deadline its whole time again: something moved. */
  touch(deadline: Deadline): void {
    deadline.since = this.#clock.now();
  }

  /** As `stop`, for one that will soon be started again: dearer to keep for long, and cheaper to take up. */
  suspend(deadline: Deadline): void {
    deadline.limitMs = 0;
  }

  /** Harmless when it does not run. */
  stop(deadline: Deadline): void {
    deadline.limitMs = 0;
    if (deadline.queue !== null) unlink(deadline);
  }

  /** Forgets everything that runs; nothing expires any more. */
  close(): void {
    for (const queue of this.#queues.values()) {
      queue.timer?.cancel();
      while (queue.first !== null) unlink(queue.first);
    }
    this.#queues.clear();
  }

  /** Has it looked at in `inMs`. */
  #look(deadline: Deadline, now: number, inMs: number): void {
    let queue = this.#queues.get(inMs);
    if (queue === undefined) {
      queue = { durationMs: inMs, first: null, last: null, timer: null, looked: false };
      this.#queues.set(inMs, queue);
    }
    deadline.dueAt = now + inMs;
    append(queue, deadline);
    if (queue.timer === null) this.#arm(queue, inMs);
  }

  #arm(queue: DeadlineQueue, delayMs: number): void {
    queue.timer = this.#clock.after(delayMs, () => this.#expire(queue));
  }

  #expire(queue: DeadlineQueue): void {
    queue.timer = null;
    const now = this.#clock.now();
    // After a stall what keeps a deadline alive has often arrived and only waits to be read: that goes first.
    if (!queue.looked && queue.first !== null && queue.first.dueAt <= now) {
      queue.looked = true;
      this.#arm(queue, SECOND_LOOK_MS);
      return;
    }
    queue.looked = false;
    while (queue.first !== null && queue.first.dueAt <= now) {
      const deadline = queue.first;
      unlink(deadline);
      const { limitMs } = deadline;
      if (limitMs === 0) continue;
      const restMs = deadline.since + limitMs - now;
      if (restMs > 0) {
        this.#look(deadline, now, roundedUp(restMs, limitMs));
        continue;
      }
      deadline.limitMs = 0;
      deadline.onExpired();
    }
    if (queue.first === null) this.#retire(queue);
    // A timer may fire a fraction of a millisecond early.
    else if (queue.timer === null) this.#arm(queue, Math.max(1, Math.ceil(queue.first.dueAt - now)));
  }

  /** Durations come from policies, which change: an empty queue is not kept for ever. */
  #retire(queue: DeadlineQueue): void {
    if (queue.timer === null && this.#queues.get(queue.durationMs) === queue) this.#queues.delete(queue.durationMs);
  }
}

function roundedUp(restMs: number, limitMs: number): number {
  const parts = Math.ceil((restMs * PARTS) / limitMs);
  return parts >= PARTS ? limitMs : (limitMs * parts) / PARTS;
}

function append(queue: DeadlineQueue, deadline: Deadline): void {
  deadline.queue = queue;
  deadline.before = queue.last;
  deadline.after = null;
  if (queue.last === null) queue.first = deadline;
  else queue.last.after = deadline;
  queue.last = deadline;
}

function unlink(deadline: Deadline): void {
  const queue = deadline.queue;
  if (queue === null) return;
  if (deadline.before === null) queue.first = deadline.after;
  else deadline.before.after = deadline.after;
  if (deadline.after === null) queue.last = deadline.before;
  else deadline.after.before = deadline.before;
  deadline.queue = null;
  deadline.before = null;
  deadline.after = null;
}
