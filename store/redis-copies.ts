/**
 * A write to a master that sentinels watch counts as done when a replica has it too: the master may be gone the next moment,
 * and the replica in its place. Where no replica is connected there is none to take its place, and the master's word has to do.
 */
import type { Redis } from 'ioredis';
import { TidegateError } from '#core/errors';

/** Nothing else is answered on the connection meanwhile. */
const COPY_MS = 500;

export interface RedisCopiesOptions {
  /** For messages. */
  readonly where: string;
  /** The master has lost its last replica, or has one again. */
  readonly onAlone: (isAlone: boolean) => void;
}

export class RedisCopies {
  readonly #options: RedisCopiesOptions;
  /** Connections made so far: a copy is one of this connection's writes only. */
  #connections = 0;
  #isAlone = false;

  constructor(redis: Redis, options: RedisCopiesOptions) {
    this.#options = options;
    redis.on('connect', () => {
      this.#connections++;
    });
  }

  /**
   * Does a write and waits for its copy.
   * @throws TidegateError `store.failed`: it may be kept, or be lost with the master
   */
  async write<T>(redis: Redis, work: (redis: Redis) => Promise<T>): Promise<T> {
    const result = await work(redis);
    // From here on, as the write was answered on this connection.
    const connection = this.#connections;
    const isAlone = this.#isAlone ? await this.#lacksReplicas(redis) : false;
    const copies = isAlone ? 0 : await redis.wait(1, COPY_MS);
    if (connection !== this.#connections) throw this.#fault('the connection broke before a replica had the write');
    if (copies > 0) this.#note(false);
    else if (isAlone || (await this.#lacksReplicas(redis))) this.#note(true);
    else throw this.#fault(`no replica has taken the write within ${COPY_MS} ms`);
    return result;
  }

  async #lacksReplicas(redis: Redis): Promise<boolean> {
    const [, , replicas] = await redis.role();
    return Array.isArray(replicas) && replicas.length === 0;
  }

  #note(isAlone: boolean): void {
    if (isAlone === this.#isAlone) return;
    this.#isAlone = isAlone;
    this.#options.onAlone(isAlone);
  }

  #fault(words: string): TidegateError {
    return new TidegateError('store.failed', `${this.#options.where}: ${words}; it may be kept all the same`);
  }
}
