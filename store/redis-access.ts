/**
 * The one connection to Redis: it comes back by itself, also when it dies without a word; every call has a deadline, and what
 * goes wrong is a TidegateError. A call that was under way when the connection broke is sent again: all of ours may be made
 * twice. Where one has run out of time the next ones fail at once, for a moment: nobody waits in a row.
 */
import { Redis } from 'ioredis';
import { messageOf, TidegateError } from '#core/errors';

/** Of every key; one slot in a cluster. */
export const PREFIX = '{tidegate}:';
const CONNECT_MS = 5000;
const CALL_MS = 5000;
const RETRY_MAX_MS = 1000;
/** Connections that fail before calls that wait for one are given up: within a second. */
const RETRIES = 5;
const HANGING_MS = 1000;
/** Of ioredis. */
const TIMED_OUT = 'Command timed out';

export class RedisAccess {
  readonly #redis: Redis;
  /** Without user and password. */
  readonly where: string;
  #closed = false;
  #lastWords = '';
  /** Until then calls fail at once. */
  #hangsUntil = 0;
  #refusal: TidegateError | null = null;

  constructor(url: string) {
    const { host, pathname } = new URL(url);
    this.where = `redis at ${host}${pathname === '/' ? '' : pathname}`;
    this.#redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: CALL_MS,
      // Nothing is heard of one that the network has forgotten.
      socketTimeout: 2 * CALL_MS,
      maxRetriesPerRequest: RETRIES,
      // After a fail-over the old master takes no writes any more.
      reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
      retryStrategy: (tries: number) => Math.min(RETRY_MAX_MS, 50 * tries),
    });
    // Each call says it for itself, but the words of why there is no connection.
    this.#redis.on('error', (error: Error) => {
      this.#lastWords = error.message;
    });
  }

  /** @throws TidegateError `store.failed` when it cannot be reached within seconds */
  async connect(): Promise<void> {
    try {
      await this.#redis.connect();
    } catch (error) {
      this.#redis.disconnect();
      throw this.#fault(this.#lastWords === '' ? error : new Error(this.#lastWords, { cause: error }));
    }
  }

  /** @throws TidegateError `store.failed` */
  async use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#closed) throw new TidegateError('store.failed', `${this.where}: the store is closed`);
    if (this.#refusal !== null) throw this.#refusal;
    if (performance.now() < this.#hangsUntil)
      throw new TidegateError('store.failed', `${this.where}: it does not answer`);
    try {
      return await work(this.#redis);
    } catch (error) {
      if (messageOf(error) === TIMED_OUT) this.#hangsUntil = performance.now() + HANGING_MS;
      throw this.#fault(error);
    }
  }

  /** Runs one of our scripts. */
  script(text: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.use((redis) => redis.eval(text, keys.length, ...keys, ...values));
  }

  /** From now on every call fails with this. */
  refuse(error: TidegateError): void {
    this.#refusal = error;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // What was sent is answered first; one that does not answer is left.
    if (performance.now() < this.#hangsUntil) this.#redis.disconnect();
    else await this.#redis.quit().catch(() => this.#redis.disconnect());
  }

  #fault(error: unknown): TidegateError {
    if (error instanceof TidegateError) return error;
    return new TidegateError('store.failed', `${this.where}: ${messageOf(error)}`, { cause: error });
  }
}
