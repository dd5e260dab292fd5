/**
 * The admin API, asked over HTTP. What is no success is thrown as a CommandFailure with the words of the API; every request
 * has a deadline and ends with Ctrl-C. The token goes to the one URL and is never said.
 */
import type { Clock } from '#core/clock';
import { CommandFailure } from './command-failure.ts';
import type { Credential } from './credentials.ts';
import { EXIT } from './exit-codes.ts';
import { failureOf } from './problem.ts';
import { unreachable } from './unreachable.ts';

/** Looks at DNS take the longest, with several resolvers that do not answer. */
const DEADLINE_MS = 60_000;
const PAGE_ITEMS = 500;
const OK = 200;

export interface ApiOptions {
  readonly url: string;
  readonly credential: Credential | null;
  readonly tenant: string | null;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

export interface Asked {
  readonly query?: Readonly<Record<string, string | null | undefined>>;
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** All pages of a list as one; further fields are those of the first page. */
export interface Items<T> {
  readonly items: readonly T[];
}

export class Api {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#options.url;
  }

  get credential(): Credential | null {
    return this.#options.credential;
  }

  /** @throws CommandFailure when the answer is no success */
  async json<T>(method: string, path: string, asked: Asked = {}): Promise<T> {
    return this.parsed<T>(await this.ask(method, path, asked));
  }

  get<T>(path: string, query: Asked['query'] = {}): Promise<T> {
    return this.json('GET', path, { query });
  }

  /** A list to its end. */
  async list<T>(path: string, query: Asked['query'] = {}): Promise<Items<T>> {
    const items: T[] = [];
    let rest: object | null = null;
    let cursor: string | null = null;
    do {
      const paged = { ...query, limit: String(PAGE_ITEMS), cursor };
      const page: Items<T> & { next_cursor?: string | null } = await this.get(path, paged);
      const { items: some, next_cursor: next = null, ...others } = page;
      if (!Array.isArray(some)) throw this.failure(OK, '');
      items.push(...some);
      rest ??= others;
      cursor = next;
    } while (cursor !== null);
    return { items, ...rest };
  }

  /** The answer whatever its status. @throws CommandFailure when there is none */
  async ask(method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const late = new AbortController();
    const timer = this.#options.clock.after(DEADLINE_MS, () => late.abort());
    try {
      const response = await this.#send(method, path, asked, late.signal);
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch (error) {
      if (late.signal.aborted) throw tooLate(`${method} ${path}`);
      throw this.#options.interrupted.aborted ? error : unreachable(this.url, error);
    } finally {
      timer.cancel();
    }
  }

  /** The beginning of an answer without end. @param ended closes it */
  stream(path: string, asked: Asked, ended: AbortSignal): Promise<Response> {
    return this.#send('GET', path, asked, ended);
  }

  /** @throws CommandFailure when it is not gone */
  async remove(path: string): Promise<void> {
    this.checked(await this.ask('DELETE', path));
  }

  /** @throws CommandFailure when it is no success, or not JSON */
  parsed<T>(answered: Answered): T {
    const { status, text } = this.checked(answered);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw this.failure(status, text);
    }
  }

  checked(answered: Answered): Answered {
    const { status, text } = answered;
    if (status < 200 || status > 299) throw this.failure(status, text);
    return answered;
  }

  failure(status: number, text: string): CommandFailure {
    return failureOf(status, text, { url: this.url, from: this.credential?.from ?? null });
  }

  #send(
    method: string,
    path: string,
    { query = {}, body, headers = {} }: Asked,
    signal: AbortSignal,
  ): Promise<Response> {
    const { url, credential, tenant, fetch, interrupted } = this.#options;
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      if (value !== null && value !== undefined) parameters.set(name, value);
    const search = parameters.size === 0 ? '' : `?${parameters}`;
    const sent = {
      ...(credential === null ? {} : { authorization: `Bearer ${credential.token}` }),
      ...(tenant === null ? {} : { 'tidegate-tenant': tenant }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      accept: 'application/json, application/problem+json',
      ...headers,
    };
    return fetch(`${url}${path}${search}`, {
      method,
      headers: sent,
      // A redirect would carry the token to another place, or a POST on as a GET.
      redirect: 'manual',
      signal: AbortSignal.any([signal, interrupted]),
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  }
}

function tooLate(what: string): CommandFailure {
  const fix = ['Try it again; `tide doctor` says how the gateway is.'];
  return new CommandFailure(`${what} was not answered within ${DEADLINE_MS / 1000} s.`, { exit: EXIT.timeout, fix });
}
