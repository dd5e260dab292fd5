/**
 * Stands between Tidegate and a test Engine, passes on all that is said, and cuts one call that a test names, so that
 * something happens exactly before an Engine does what it was asked for, or exactly after. The call gets no answer.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';

/** What the Engine hears of the call: `lost`: nothing; `late`: it hears of it later; `done`: it has done what it was asked for. */
export type CutKind = 'lost' | 'late' | 'done';

export interface Cut {
  readonly kind: CutKind;
  /** @param call `METHOD /path?query`, without the version of the API */
  readonly isIt: (call: string) => boolean;
  readonly onCut: (call: string) => void;
}

const LATE_MS = 1500;

export class EngineFront implements AsyncDisposable {
  readonly #socketPath: string;
  readonly #folder = mkdtempSync('/tmp/tg-front-');
  readonly #server: Server;
  #cut: Cut | null = null;

  /** @param socketPath where the Engine listens */
  static async start(socketPath: string): Promise<EngineFront> {
    const front = new EngineFront(socketPath);
    await once(front.#server.listen(front.#listensAt), 'listening');
    return front;
  }

  private constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#server = createServer((call, answer) => this.#take(call, answer));
  }

  /** `unix:///…` */
  get socket(): string {
    return `unix://${this.#listensAt}`;
  }

  /** The next call that is it; null: none. */
  set cut(cut: Cut | null) {
    this.#cut = cut;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #listensAt(): string {
    return path.join(this.#folder, 'engine.sock');
  }

  #take(call: IncomingMessage, answer: ServerResponse): void {
    const cut = this.#cut;
    const name = `${call.method} ${call.url?.replace(/^\/v\d+\.\d+/, '')}`;
    if (cut?.isIt(name) !== true) {
      call.pipe(this.#forward(call, answer));
      return;
    }
    this.#cut = null;
    const body: Buffer[] = [];
    call.on('data', (piece: Buffer) => body.push(piece));
    call.on('end', () => {
      const told = (): void => cut.onCut(name);
      const tell = (): void => void this.#forward(call, cut.kind === 'done' ? told : answer).end(Buffer.concat(body));
      if (cut.kind === 'done') return tell();
      told();
      if (cut.kind === 'late') setTimeout(tell, LATE_MS);
    });
  }

  /** @param to who is told the answer, or only that there is one */
  #forward(call: IncomingMessage, to: ServerResponse | (() => void)): ReturnType<typeof request> {
    const { method, url, headers } = call;
    const onward = request({ socketPath: this.#socketPath, method, path: url, headers }, (said) => {
      if (typeof to === 'function') {
        said.resume();
        to();
        return;
      }
      to.writeHead(said.statusCode ?? 502, said.headers);
      to.flushHeaders();
      said.pipe(to);
      to.on('close', () => said.destroy());
    });
    onward.on('error', () => typeof to !== 'function' && to.destroy());
    return onward;
  }
}
