/**
 * Tidegate as its users run it: a process of its own on free ports, with a state directory of its own. Stopped, killed and
 * started again by tests; gone when the test's process ends.
 * `TEST_STORE=redis` in the environment gives each a Redis of its own, where a test does not name its store;
 * `TEST_TRANSPORT=net` has the gateway on public sockets.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import path from 'node:path';
import { endWithUs } from './child-end.ts';
import { RedisServer } from './redis.ts';
import { secretIn, secretInListing } from './secrets.ts';
import { until } from './until.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_MS = 60_000;
const STOP_MS = 60_000;
const LOG_TAIL = 4000;

export interface TidegateOptions {
  /** `unix:///…` */
  readonly docker: string;
  /** More settings, by their full names. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Folder of the program; default: this one. */
  readonly root?: string;
  /** Wait until it is ready (default), or only until its listeners stand. */
  readonly awaitReady?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface AskOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
  /** Otherwise each request comes on a connection of its own. */
  readonly agent?: Agent;
}

/** Starts a Tidegate; `close` ends it and removes its state. */
export async function startTidegate(options: TidegateOptions): Promise<TidegateProcess> {
  const tidegate = new TidegateProcess(options);
  try {
    await tidegate.start();
  } catch (error) {
    await tidegate.close();
    throw error;
  }
  return tidegate;
}

export class TidegateProcess implements AsyncDisposable {
  readonly data = mkdtempSync('/tmp/tg-data-');
  readonly #options: TidegateOptions;
  #process: ChildProcess | null = null;
  #log = '';
  #redis: RedisServer | null = null;
  #http: { host: string; port: number } | null = null;
  #admin: { host: string; port: number } | null = null;
  /** Where a secret was to be read, which is told at the end. */
  readonly #leaks = new Set<string>();

  constructor(options: TidegateOptions) {
    this.#options = options;
  }

  /** Port of the plain HTTP listener. */
  get port(): number {
    if (this.#http === null) throw new Error('Tidegate does not listen');
    return this.#http.port;
  }

  get adminPort(): number {
    if (this.#admin === null) throw new Error('Tidegate does not listen');
    return this.#admin.port;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** For requests whose answers may hold a token: {@link admin} takes that for a leak. */
  get operatorToken(): string {
    return this.#token() ?? '';
  }

  /** Everything it wrote since its last start. */
  get log(): string {
    return this.#log;
  }

  async start(): Promise<void> {
    this.#log = '';
    this.#http = null;
    this.#admin = null;
    const isOnRedis = process.env.TEST_STORE === 'redis' && this.#options.settings?.TIDEGATE_STORE === undefined;
    if (isOnRedis) this.#redis ??= await RedisServer.start();
    const child = spawn(process.execPath, [path.join(this.#options.root ?? ROOT, 'main.ts')], {
      env: {
        PATH: process.env.PATH,
        TIDEGATE_HTTP: '127.0.0.1:0',
        TIDEGATE_HTTPS: 'off',
        TIDEGATE_ADMIN: '127.0.0.1:0',
        TIDEGATE_DATA: this.data,
        TIDEGATE_DOCKER: this.#options.docker,
        ...(this.#redis === null ? {} : { TIDEGATE_STORE: this.#redis.url() }),
        ...(process.env.TEST_TRANSPORT === undefined ? {} : { TIDEGATE_TRANSPORT: process.env.TEST_TRANSPORT }),
        ...this.#options.settings,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process = child;
    endWithUs(child);
    child.stdout.on('data', (chunk) => this.#read(String(chunk)));
    child.stderr.on('data', (chunk) => this.#read(String(chunk)));
    const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
    const isHttpOff = this.#options.settings?.TIDEGATE_HTTP === 'off';
    await until(() => ended() || ((isHttpOff || this.#http !== null) && this.#admin !== null), {
      what: 'Tidegate listens',
      timeoutMs: READY_MS,
    }).catch((error) => this.#fail(error));
    if (ended()) this.#fail(new Error(`Tidegate ended with ${child.exitCode ?? child.signalCode}`));
    if (this.#options.awaitReady === false) return;
    await until(async () => (await this.admin('/readyz')).status === 200, {
      what: 'Tidegate is ready',
      timeoutMs: READY_MS,
    }).catch((error) => this.#fail(error));
  }

  /** Asks the gateway as a client of `hostname` would. */
  ask(hostname: string, options: AskOptions = {}): Promise<Answer> {
    return ask(this.port, { ...options, headers: { host: hostname, ...options.headers } });
  }

  /** Asks the admin API, with the operator's token. */
  async admin(pathname: string, options: AskOptions = {}): Promise<Answer> {
    const token = this.#token();
    const headers = { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...options.headers };
    const answer = await ask(this.adminPort, { ...options, path: pathname, headers });
    this.#watch(`the answer to ${pathname}`, secretIn(answer.body));
    return answer;
  }

  /** The body of an admin answer. */
  async adminJson<T>(pathname: string, options: AskOptions = {}): Promise<T> {
    const answer = await this.admin(pathname, options);
    if (answer.status >= 300) throw new Error(`${pathname} answered ${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  /** Asks it to end. Returns its exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#process;
    if (child === null) return null;
    this.#watch('the process listing', secretInListing(child.pid ?? 0));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await until(() => child.exitCode !== null || child.signalCode !== null, {
        what: 'Tidegate ends',
        timeoutMs: STOP_MS,
      }).catch((error) => {
        child.kill('SIGKILL');
        this.#fail(error);
      });
    }
    this.#process = null;
    this.#watch('the log', secretIn(this.#log));
    return child.exitCode;
  }

  async kill9(): Promise<void> {
    await this.stop('SIGKILL');
  }

  /** @throws Error when it has said a secret to anybody */
  async close(): Promise<void> {
    await this.stop('SIGTERM');
    await this.#redis?.[Symbol.asyncDispose]();
    rmSync(this.data, { recursive: true, force: true });
    if (this.#leaks.size > 0) throw new Error(`secrets can be read: ${[...this.#leaks].join(', ')}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #read(text: string): void {
    this.#log += text;
    for (const line of text.split('\n')) {
      if (!line.includes('"listening"')) continue;
      const record = JSON.parse(line) as { listener?: string; host?: string; port?: number };
      const address = { host: record.host ?? '', port: record.port ?? 0 };
      if (record.listener === 'http') this.#http = address;
      if (record.listener === 'admin') this.#admin = address;
    }
  }

  #watch(where: string, secret: string | null): void {
    if (secret !== null) this.#leaks.add(`${secret}… in ${where}`);
  }

  #token(): string | null {
    try {
      return readFileSync(path.join(this.data, 'operator.token'), 'utf8').trim();
    } catch {
      return null;
    }
  }

  #fail(error: unknown): never {
    throw new Error(`${String(error)}\n${this.#log.slice(-LOG_TAIL)}`, { cause: error });
  }
}

/** One request on a connection of its own. Rejects when the answer is cut. */
export function ask(port: number, options: AskOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      path: options.path ?? '/',
      method: options.method ?? 'GET',
      agent: options.agent ?? false,
      // Node itself says nothing of a body after DELETE.
      headers: {
        ...(options.body === undefined || options.headers?.['transfer-encoding'] !== undefined
          ? {}
          : { 'content-length': String(Buffer.byteLength(options.body)) }),
        ...options.headers,
      },
    });
    call.setTimeout(options.timeoutMs ?? 60_000, () => call.destroy(new Error('no answer in time')));
    call.on('error', reject);
    call.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.end(options.body);
  });
}
