/**
 * Calls to one Engine. Each ends by its deadline, with its request aborted, and each is counted by the breaker; the API
 * version is agreed on before the first call and again whenever the Engine may have changed.
 */
import type Docker from 'dockerode';
import type { Clock } from '#core/clock';
import { TidegateError } from '#core/errors';
import { chooseApiVersion } from './api-version.ts';
import type { Breaker } from './breaker.ts';
import type { Endpoint } from './endpoint.ts';
import { engineError, isVersionRefusal } from './engine-error.ts';
import { get } from './get.ts';

const PING_MS = 1500;
const VERSION_MS = 5000;

/** One kind of call. */
export interface Call {
  /** What is asked, for messages: `inspect 4f1c…`. */
  readonly name: string;
  readonly deadlineMs: number;
  /** It may take long for good reasons, so that missing its deadline says nothing about the Engine. */
  readonly slow?: boolean;
  /** A 404 means that this container is gone. */
  readonly isAboutOneContainer?: boolean;
  /** Ends the call, and what it opened, because nobody wants it any more. */
  readonly signal?: AbortSignal;
}

export interface EngineClientOptions {
  readonly endpoint: Endpoint;
  readonly clock: Clock;
  readonly breaker: Breaker;
}

type Run<T> = (signal: AbortSignal) => Promise<T>;

export class EngineClient {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  /** Speaks no version in particular. */
  readonly #plain: Docker;
  readonly #pending = new Set<AbortController>();
  #agreed: Promise<Agreed> | null = null;
  #closed = false;

  constructor(options: EngineClientOptions) {
    this.#endpoint = options.endpoint;
    this.#clock = options.clock;
    this.#breaker = options.breaker;
    this.#plain = options.endpoint.client(null);
  }

  /**
   * Makes a call in the agreed API version.
   * @param run gets a signal that aborts at the deadline and must hand it to every request
   * @throws TidegateError `engine.breaker_open` at once, `engine.timeout`, `engine.unreachable`, `engine.version`,
   *   `engine.refused` (`detail.status`, `detail.said`), `engine.not_found`
   */
  async call<T>(call: Call, run: (docker: Docker, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { docker } = await this.#agree(call.name);
    try {
      return await this.#attempt(call, (signal) => run(docker, signal));
    } catch (error) {
      if (!isVersionRefusal(error)) throw error;
      this.forgetVersion();
    }
    const renewed = await this.#agree(call.name);
    return this.#attempt(call, (signal) => run(renewed.docker, signal));
  }

  /** Asks for a sign of life, whatever the breaker says. */
  ping(): Promise<unknown> {
    return this.#attempt({ name: 'ping', deadlineMs: PING_MS }, (signal) => get(this.#plain, '/_ping', signal));
  }

  /** The API version agreed on, such as `1.41`. */
  async apiVersion(): Promise<string> {
    return (await this.#agree('version')).version;
  }

  /** The Engine may be another one than before: agree on the version again. */
  forgetVersion(): void {
    this.#agreed = null;
  }

  /** Ends every call that is under way, and all later ones at once. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#pending) controller.abort(closedError());
    this.#endpoint.close();
  }

  #agree(name: string): Promise<Agreed> {
    if (!this.#breaker.admits) {
      const message = `${name}: the Engine at ${this.#endpoint.url} does not answer; calls are held back`;
      return Promise.reject(new TidegateError('engine.breaker_open', message));
    }
    if (this.#agreed !== null) return this.#agreed;
    const agreed = this.#negotiate();
    this.#agreed = agreed;
    agreed.catch(() => {
      if (this.#agreed === agreed) this.#agreed = null;
    });
    return agreed;
  }

  async #negotiate(): Promise<Agreed> {
    const range: unknown = await this.#attempt({ name: 'version', deadlineMs: VERSION_MS }, (signal) =>
      get(this.#plain, '/version', signal),
    );
    const version = chooseApiVersion(range);
    return { version, docker: this.#endpoint.client(version) };
  }

  async #attempt<T>(call: Call, run: Run<T>): Promise<T> {
    if (this.#closed) throw closedError();
    const startedAt = this.#clock.now();
    const controller = new AbortController();
    this.#pending.add(controller);
    const timer = this.#clock.after(call.deadlineMs, () => {
      const message = `${call.name}: no answer from the Engine within ${call.deadlineMs} ms`;
      controller.abort(new TidegateError('engine.timeout', message));
    });
    const signal = call.signal === undefined ? controller.signal : AbortSignal.any([controller.signal, call.signal]);
    try {
      const value = await raceAbort(run(signal), signal);
      this.#breaker.succeeded();
      return value;
    } catch (thrown) {
      const error = engineError(thrown, call.name, call.isAboutOneContainer ?? false);
      if (!this.#closed && !call.signal?.aborted) this.#count(error, call, startedAt);
      throw error;
    } finally {
      timer.cancel();
      this.#pending.delete(controller);
    }
  }

  #count(error: TidegateError, call: Call, startedAt: number): void {
    if (error.code === 'engine.unreachable') {
      this.forgetVersion();
      this.#breaker.failed(startedAt, error.message);
    } else if (error.code !== 'engine.timeout') {
      this.#breaker.succeeded();
    } else if (!call.slow) {
      this.#breaker.failed(startedAt, error.message);
    }
  }
}

interface Agreed {
  readonly version: string;
  readonly docker: Docker;
}

/** Settles as `work` does, or rejects with the signal's reason: a request whose answer breaks off settles never. */
function raceAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function closedError(): TidegateError {
  return new TidegateError('engine.unreachable', 'the connection to the Engine was closed by Tidegate');
}
