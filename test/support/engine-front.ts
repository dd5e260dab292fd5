/**
 * Stands between Tidegate and a test Engine, passes on all that is said, and loses or holds back one call that a test
 * names: so that something happens exactly before an Engine does what it was asked for, or exactly after.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import path from 'node:path';

export interface Cut {
  /** Of `METHOD /path?query`. */
  readonly call: RegExp;
  /** What happens when the call has come. */
  readonly onCut: () => void;
  /** Ms after which the Engine is told all the same; null: it never hears of it. */
  readonly lateMs: number | null;
}

export class EngineFront implements AsyncDisposable {
  readonly #socketPath: string;
  readonly #folder = mkdtempSync('/tmp/tg-front-');
  readonly #server: Server;
  #cut: Cut | null = null;

  /** @param socketPath where the Engine listens */
  constructor(socketPath: string) {
    this.#socketPath = socketPath;
    this.#server = createServer((call, answer) => this.#take(call, answer));
  }

  /** `unix:///…` */
  get socket(): string {
    return `unix://${this.#listensAt}`;
  }

  /** The call has not come yet. */
  get isArmed(): boolean {
    return this.#cut !== null;
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(this.#listensAt), 'listening');
  }

  /** The next call that matches. It gets no answer. */
  cutNext(cut: Cut): void {
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
    if (cut === null || !cut.call.test(`${call.method} ${call.url}`)) {
      call.pipe(this.#forward(call, answer));
      return;
    }
    this.#cut = null;
    const body: Buffer[] = [];
    call.on('data', (piece: Buffer) => body.push(piece));
    call.on('end', () => {
      cut.onCut();
      if (cut.lateMs !== null) setTimeout(() => this.#forward(call, answer).end(Buffer.concat(body)), cut.lateMs);
    });
  }

  #forward(call: IncomingMessage, answer: ServerResponse): ReturnType<typeof request> {
    const { method, url, headers } = call;
    const onward = request({ socketPath: this.#socketPath, method, path: url, headers }, (said) => {
      answer.writeHead(said.statusCode ?? 502, said.headers);
      answer.flushHeaders();
      said.pipe(answer);
      answer.on('close', () => said.destroy());
    });
    onward.on('error', () => answer.destroy());
    return onward;
  }
}
