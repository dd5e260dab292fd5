/** A client that measures: one request on a connection of its own, timed from the first packet to the last octet. */
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

/** A port nobody listens on refuses at once; an address that is not there yet must not cost the kernel's second try. */
const IMPATIENT_CONNECT_MS = 100;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface AskOptions extends Address {
  /** Host field; null: the address. */
  readonly hostname: string | null;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Over TLS, whoever signed the certificate. */
  readonly secure?: boolean;
  readonly timeoutMs: number;
  /** Of the connection alone; `timeoutMs` if not given. */
  readonly connectTimeoutMs?: number;
}

export interface TimedAnswer {
  readonly status: number;
  /** From the attempt to connect to the end of the answer. */
  readonly ms: number;
  /** Monotonic time at the end of the answer. */
  readonly endedAt: number;
  /** What the gateway says the wake took; null: there was none. */
  readonly wakeMs: number | null;
  /** All that its Server-Timing field says, in ms. */
  readonly timings: ReadonlyMap<string, number>;
}

/** @throws Error when there is no whole answer in time */
export function ask(options: AskOptions): Promise<TimedAnswer> {
  const {
    host,
    port,
    hostname,
    path = '/',
    headers = {},
    secure = false,
    timeoutMs,
    connectTimeoutMs = timeoutMs,
  } = options;
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const fields = hostname === null ? headers : { ...headers, host: hostname };
    const target = { host, port, path, agent: false, headers: fields } as const;
    const call = secure
      ? secureRequest({ ...target, servername: hostname ?? '', rejectUnauthorized: false })
      : request(target);
    const answerTimer = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const connectTimer = setTimeout(() => call.destroy(new Error('no connection in time')), connectTimeoutMs);
    call.on('socket', (socket) => socket.on('connect', () => clearTimeout(connectTimer)));
    call.on('close', () => {
      clearTimeout(answerTimer);
      clearTimeout(connectTimer);
    });
    call.on('error', reject);
    call.on('response', (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () => {
        const endedAt = performance.now();
        const timings = timingsOf(String(response.headers['server-timing'] ?? ''));
        const wakeMs = timings.get('wake') ?? null;
        resolve({ status: response.statusCode ?? 0, ms: endedAt - begun, endedAt, wakeMs, timings });
      });
    });
    call.end();
  });
}

export interface FirstAnswerOptions extends AskOptions {
  /** Pause between two tries; a try that is held is not repeated. */
  readonly everyMs: number;
}

/** Asks until the answer is 200. @throws Error when none came within `timeoutMs`, or the signal aborts */
export async function firstAnswer(options: FirstAnswerOptions, signal: AbortSignal): Promise<TimedAnswer> {
  const deadline = performance.now() + options.timeoutMs;
  let last: unknown = 'nothing';
  while (performance.now() < deadline) {
    signal.throwIfAborted();
    try {
      const answer = await ask({ connectTimeoutMs: IMPATIENT_CONNECT_MS, ...options });
      if (answer.status === 200) return answer;
      last = answer.status;
    } catch (error) {
      last = error;
    }
    await sleep(options.everyMs);
  }
  throw new Error(`no 200 within ${options.timeoutMs} ms (last: ${String(last)})`, { cause: last });
}

/** Asks at a steady pace until it is stopped: what an onlooker sees. */
export class Sampler {
  readonly #options: AskOptions;
  readonly #everyMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #asked = 0;
  readonly #open = new Set<Promise<void>>();
  readonly #times: number[] = [];
  readonly #failures: string[] = [];

  constructor(options: AskOptions, everyMs: number) {
    this.#options = options;
    this.#everyMs = everyMs;
    this.#timer = setInterval(() => this.#catchUp(), everyMs);
  }

  /** Requests asked each second so far. */
  get rate(): number {
    return (this.#asked * 1000) / (performance.now() - this.#startedAt);
  }

  /** Ms of every answer with status 200. */
  get times(): readonly number[] {
    return this.#times;
  }

  /** What came instead of those. */
  get failures(): readonly string[] {
    return this.#failures;
  }

  /** Resolves when everything asked has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#open);
  }

  /** Timers come late on a busy machine; what is due is asked all the same. */
  #catchUp(): void {
    const due = Math.floor((performance.now() - this.#startedAt) / this.#everyMs);
    for (; this.#asked < due; this.#asked++) this.#sample();
  }

  #sample(): void {
    const sample: Promise<void> = ask(this.#options)
      .then(
        ({ status, ms }) => void (status === 200 ? this.#times.push(ms) : this.#failures.push(`status ${status}`)),
        (error: unknown) => void this.#failures.push(String(error)),
      )
      .finally(() => this.#open.delete(sample));
    this.#open.add(sample);
  }
}

/** Durations of a Server-Timing field (W3C Server Timing) by metric, in ms; one without is left out. */
export function timingsOf(serverTiming: string): ReadonlyMap<string, number> {
  const timings = new Map<string, number>();
  for (const metric of serverTiming.split(',')) {
    const [name = '', ...parameters] = metric.split(';').map((part) => part.trim());
    const duration = parameters.find((parameter) => parameter.startsWith('dur='));
    if (duration !== undefined) timings.set(name, Number(duration.slice('dur='.length)));
  }
  return timings;
}

/** Whether something answers `GET /` with 200 on this port of the loopback. */
export async function answers(port: number, hostname: string | null, secure = false): Promise<boolean> {
  const answer = await ask({ host: '127.0.0.1', port, hostname, secure, timeoutMs: 1000 }).catch(() => null);
  return answer?.status === 200;
}
