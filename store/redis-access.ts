/**
 * The one connection to Redis: it comes back by itself, also when it dies without a word; every call has a deadline, and what
 * goes wrong is a TidegateError. A call that was under way when the connection broke is sent again: all of ours may be made
 * twice. Where one has run out of time the next ones fail at once, for a moment: nobody waits in a row.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { messageOf, TidegateError } from '#core/errors';
import { parseRedisAddress, type RedisSentinelAddress } from '#core/redis-address';
import { RedisCopies } from './redis-copies.ts';

/** Of every key; one slot in a cluster. */
export const PREFIX = '{tidegate}:';
const CONNECT_MS = 5000;
const CALL_MS = 5000;
/** For a sentinel, or the server it names: the next one is asked then. */
const SENTINEL_MS = 2000;
const RETRY_MAX_MS = 1000;
/** Connections that fail before calls that wait for one are given up: within a second. */
const RETRIES = 5;
const HANGING_MS = 1000;
/** Of ioredis. */
const TIMED_OUT = 'Command timed out';

export class RedisAccess {
  readonly #redis: Redis;
  /** Null: there is one server, and no replica that could take its place. */
  readonly #copies: RedisCopies | null;
  /** Without user and password. */
  readonly where: string;
  #closed = false;
  #wasConnected = false;
  #lastWords = '';
  /** What the sentinel that was asked last has said, if it did not name a master. */
  #sentinelWords = '';
  /** Until then calls fail at once. */
  #hangsUntil = 0;
  #refusal: TidegateError | null = null;

  /**
   * @param address as TIDEGATE_STORE has it
   * @param onAlone see {@link RedisCopies}
   * @throws TidegateError `store.failed` when it is no address
   */
  constructor(address: string, onAlone: (isAlone: boolean) => void = () => {}) {
    const parsed = parseRedisAddress(address);
    if (!('value' in parsed)) throw new TidegateError('store.failed', `the address of the store: ${parsed.problem}`);
    const { value } = parsed;
    this.where = value.where;
    const options = {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: CALL_MS,
      // Nothing is heard of one that the network has forgotten.
      socketTimeout: 2 * CALL_MS,
      maxRetriesPerRequest: RETRIES,
      // After a fail-over the old master takes no writes any more.
      reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
      retryStrategy: (tries: number) => Math.min(RETRY_MAX_MS, 50 * tries),
    } satisfies RedisOptions;
    this.#redis =
      value.kind === 'server'
        ? new Redis(value.url, options)
        : new Redis({ ...options, ...this.#throughSentinels(value) });
    this.#copies = value.kind === 'server' ? null : new RedisCopies(this.#redis, { where: this.where, onAlone });
    // Each call says it for itself, but the words of why there is no connection.
    this.#redis.on('error', (error: Error) => {
      this.#lastWords = this.#sentinelWords === '' ? error.message : this.#sentinelWords;
    });
    this.#redis.on('sentinelError', (error: Error) => {
      const isUnknown = /No such master|invalid reply: null/.test(error.message);
      this.#sentinelWords = isUnknown ? 'the sentinels know no master of this name' : 'no sentinel answers';
    });
    this.#redis.on('connect', () => {
      this.#sentinelWords = '';
    });
  }

  /** @throws TidegateError `store.failed` when it cannot be reached within seconds */
  async connect(): Promise<void> {
    try {
      await this.#redis.connect();
      this.#wasConnected = true;
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

  /** The same for what changes something. */
  write<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    return this.use((redis) => this.#copies?.write(redis, work) ?? work(redis));
  }

  /** Whether the master has replicas that may take its place. */
  get isReplicated(): boolean {
    return this.#copies !== null;
  }

  /** Runs one of our scripts. */
  script(text: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    return this.write((redis) => redis.eval(text, keys.length, ...keys, ...values));
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

  #throughSentinels({ sentinels, master, database, ...rest }: RedisSentinelAddress) {
    const { username, password, sentinelPassword, isTls } = rest;
    return {
      ...{ sentinels: [...sentinels], name: master, db: database, connectTimeout: SENTINEL_MS },
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password }),
      ...(sentinelPassword === null ? {} : { sentinelPassword }),
      ...(isTls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
      sentinelCommandTimeout: SENTINEL_MS,
      // Once it has been connected it never gives up; at the start somebody waits for an answer.
      sentinelRetryStrategy: (tries: number) =>
        this.#wasConnected || tries < RETRIES ? Math.min(RETRY_MAX_MS, 50 * tries) : null,
    } satisfies RedisOptions;
  }

  #fault(error: unknown): TidegateError {
    if (error instanceof TidegateError) return error;
    return new TidegateError('store.failed', `${this.where}: ${messageOf(error)}`, { cause: error });
  }
}
