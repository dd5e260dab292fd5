/**
 * The one connection to Redis: it comes back by itself, every call has a deadline, and what goes wrong is a TidegateError.
 * A call that was under way when the connection broke is sent again: all of ours may be made twice.
 */
import { Redis } from 'ioredis';
import { messageOf, TidegateError } from '#core/errors';

/** Of every key; one slot in a cluster. */
export const PREFIX = '{tidegate}:';
const CONNECT_MS = 5000;
const CALL_MS = 5000;
const RETRY_MAX_MS = 1000;

export class RedisAccess {
  readonly #redis: Redis;
  /** Without user and password. */
  readonly where: string;
  #closed = false;

  constructor(url: string) {
    const { host, pathname } = new URL(url);
    this.where = `redis at ${host}${pathname === '/' ? '' : pathname}`;
    this.#redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: CALL_MS,
      // The deadline of the call decides, not the number of tries.
      maxRetriesPerRequest: null,
      retryStrategy: (tries: number) => Math.min(RETRY_MAX_MS, 50 * tries),
    });
    // Each call says it for itself.
    this.#redis.on('error', () => {});
  }

  /** @throws TidegateError `store.failed` when it cannot be reached within seconds */
  async connect(): Promise<void> {
    try {
      await this.#redis.connect();
    } catch (error) {
      this.#redis.disconnect();
      throw this.#fault(error);
    }
  }

  /** @throws TidegateError `store.failed` */
  async use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#closed) throw new TidegateError('store.failed', `${this.where}: the store is closed`);
    try {
      return await work(this.#redis);
    } catch (error) {
      throw this.#fault(error);
    }
  }

  /** Runs one of our scripts. */
  script(text: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.use((redis) => redis.eval(text, keys.length, ...keys, ...values));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What was sent is answered first; one that does not answer is left.
    await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  #fault(error: unknown): TidegateError {
    if (error instanceof TidegateError) return error;
    return new TidegateError('store.failed', `${this.where}: ${messageOf(error)}`, { cause: error });
  }
}
