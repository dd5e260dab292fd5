/**
 * A hold on a Redis store: one Tidegate at a time works on it, by the clock of the server. Whoever has lost it writes nothing
 * any more: what it holds in memory is old.
 */
import type { Clock, Timer } from '#core/clock';
import { messageOf, TidegateError } from '#core/errors';
import type { Log } from '#core/log';
import { PREFIX, type RedisAccess } from './redis-access.ts';
import { LET_GO, TAKE_HOLD } from './redis-scripts.ts';

const KEY = `${PREFIX}hold`;
/** Another one may have it so long after the last sign of life. */
const HOLD_MS = 30_000;
const RENEW_MS = 5000;

export interface HoldTools {
  /** The same for all processes that go on with each other's work. */
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class RedisHold {
  readonly #access: RedisAccess;
  readonly #tools: HoldTools;
  #timer: Timer | null = null;
  #renewal: Promise<void> = Promise.resolve();
  #isOver = false;

  private constructor(access: RedisAccess, tools: HoldTools) {
    this.#access = access;
    this.#tools = tools;
  }

  /** @throws TidegateError `store.locked` when another instance has it */
  static async take(access: RedisAccess, tools: HoldTools): Promise<RedisHold> {
    const hold = new RedisHold(access, tools);
    if (!(await hold.#take())) {
      const words = 'another Tidegate works on the store that TIDEGATE_STORE names';
      throw new TidegateError('store.locked', `${access.where}: ${words}`);
    }
    hold.#later();
    return hold;
  }

  async letGo(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    // One that is under way would take it once more.
    await this.#renewal;
    await this.#access.script(LET_GO, [KEY], [this.#tools.instance]).catch(() => {});
  }

  async #take(): Promise<boolean> {
    return (await this.#access.script(TAKE_HOLD, [KEY], [this.#tools.instance, HOLD_MS])) === 1;
  }

  #later(): void {
    if (this.#isOver) return;
    this.#timer = this.#tools.clock.after(RENEW_MS, () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const { log } = this.#tools;
    try {
      if (!(await this.#take())) {
        this.#isOver = true;
        const words = 'another Tidegate has taken the store over';
        log.error(`${words}: nothing is written any more; stop one of the two, and start this one again`, {});
        this.#access.refuse(new TidegateError('store.locked', `${this.#access.where}: ${words}`));
        return;
      }
    } catch (error) {
      log.warn('the hold on the store could not be renewed', { error: messageOf(error) });
    }
    this.#later();
  }
}
