/** WebSocket clients that say nothing until they are asked to: the generator `websockets` in its idle mode. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { killed } from '../../test/support/child-end.ts';

export interface IdleClientsOptions {
  readonly port: number;
  readonly hostname: string;
  readonly connections: number;
}

export interface Said {
  readonly open: number;
  readonly echoed: number;
  readonly errors: number;
  readonly maxUs: number;
}

/** The generator in its idle mode: a line for each question. */
export class IdleClients implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(file: string, { port, hostname, connections }: IdleClientsOptions) {
    const child = spawn(file, [String(port), hostname, String(connections), 'idle'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error when it ends before it has said anything, or the signal aborts */
  async next(signal: AbortSignal): Promise<Said> {
    const stop = (): void => void this.#child.kill('SIGKILL');
    signal.addEventListener('abort', stop);
    try {
      const { done, value } = await this.#lines.next();
      signal.throwIfAborted();
      if (done === true) throw new Error('the WebSocket clients have ended');
      return JSON.parse(value) as Said;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** One message on each connection. */
  ask(): void {
    this.#child.stdin?.write('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await killed(this.#child);
  }
}
