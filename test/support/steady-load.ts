/**
 * Requests at a steady rate, whatever happens to them, over connections kept alive as browsers do; and the count of what
 * came back.
 */
import { Agent, request } from 'node:http';

const TICK_MS = 5;
const TIMEOUT_MS = 60_000;

export interface SteadyLoadOptions {
  readonly port: number;
  readonly hostname: string;
  readonly perSecond: number;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  /** Ends by itself after so many. */
  readonly total?: number;
}

export interface LoadResult {
  readonly sent: number;
  /** By status, or by the words of the error and the gateway's own code. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Sent minus those answered 200. */
  readonly failed: number;
}

export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 500 });
  readonly #outcomes = new Map<string, number>();
  readonly #begun = performance.now();
  readonly #ticker: NodeJS.Timeout;
  readonly done: Promise<LoadResult>;
  #finish: (result: LoadResult) => void = () => {};
  #sent = 0;
  #open = 0;
  #stopped = false;

  constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  get sent(): number {
    return this.#sent;
  }

  /** Sends no more; resolves when everything sent has ended. */
  stop(): Promise<LoadResult> {
    this.#stopped = true;
    this.#settle();
    return this.done;
  }

  #tick(): void {
    const due = Math.floor(((performance.now() - this.#begun) / 1000) * this.#options.perSecond);
    while (this.#sent < Math.min(due, this.#options.total ?? Number.POSITIVE_INFINITY) && !this.#stopped) this.#send();
    if (this.#sent === this.#options.total) void this.stop();
  }

  #send(): void {
    const { port, hostname, path = '/', method = 'GET', body } = this.#options;
    this.#sent++;
    this.#open++;
    let counted = false;
    const count = (outcome: string): void => {
      if (counted) return;
      counted = true;
      this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
      this.#open--;
      this.#settle();
    };
    const call = request({ host: '127.0.0.1', port, path, method, agent: this.#agent, headers: { host: hostname } });
    call.setTimeout(TIMEOUT_MS, () => call.destroy(new Error('no answer in time')));
    call.on('error', (error) => count(error.message));
    call.on('response', (response) => {
      response.resume();
      response.on('error', (error) => count(`cut: ${error.message}`));
      response.on('end', () => {
        const code = response.headers['x-tidegate-error'];
        count(code === undefined ? String(response.statusCode) : `${response.statusCode} ${String(code)}`);
      });
    });
    call.end(body);
  }

  #settle(): void {
    if (!this.#stopped || this.#open > 0) return;
    clearInterval(this.#ticker);
    this.#agent.destroy();
    const outcomes = Object.fromEntries(this.#outcomes);
    this.#finish({ sent: this.#sent, outcomes, failed: this.#sent - (outcomes['200'] ?? 0) });
  }
}
