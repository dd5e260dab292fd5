/**
 * Deadlines of everything that waits in the gateway: connects, answers, idle streams. They cost one timer per distinct
 * duration however many thousand wait, and starting, touching and stopping one allocates nothing.
 */
import type { Clock, Timer } from '#core/clock';

/** Something that waits. Lives in the object that owns it and is used again and again; touched by {@link Deadlines} alone. */
export class Deadline {
  readonly onExpired: () => void;
  /** @internal */ queue: DeadlineQueue | null = null;
  /** @internal Monotonic ms. */ dueAt = 0;
  /** @internal */ before: Deadline | null = null;
  /** @internal */ after: Deadline | null = null;

  constructor(onExpired: () => void) {
    this.onExpired = onExpired;
  }

  get isRunning(): boolean {
    return this.queue !== null;
  }
}

/** All running deadlines of one duration: as they start in order, they fall due in order. */
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

export class Deadlines {
  readonly #clock: Clock;
  readonly #queues = new Map<number, DeadlineQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Starts a deadline, anew if it runs already. It expires once, not before `durationMs` from now. */
  start(deadline: Deadline, durationMs: number): void {
    if (deadline.queue !== null) unlink(deadline);
    let queue = this.#queues.get(durationMs);
    if (queue === undefined) {
      queue = { durationMs, first: null, last: null, timer: null, looked: false };
      this.#queues.set(durationMs, queue);
    }
    deadline.dueAt = this.#clock.now() + durationMs;
    append(queue, deadline);
    if (queue.timer === null) this.#arm(queue, durationMs);
  }

  /** Gives a running deadline its whole duration again: something moved. */
  touch(deadline: Deadline): void {
    const queue = deadline.queue;
    if (queue === null) return;
    deadline.dueAt = this.#clock.now() + queue.durationMs;
    if (queue.last === deadline) return;
    unlink(deadline);
    append(queue, deadline);
  }

  /** Harmless when it does not run. */
  stop(deadline: Deadline): void {
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
