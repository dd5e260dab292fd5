/**
 * An Engine on a socket whose only purpose is to misbehave: it hangs, answers garbage, speaks other versions, cuts its
 * event stream. What an Engine does when all is well is tested on a real one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import type { EngineAction } from '#docker/engine';

export interface Answer {
  readonly status?: number;
  /** Sent as JSON, or as it is when it is text. */
  readonly body?: unknown;
}

export interface Asked {
  readonly method: string;
  /** With the version in front, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/** What an Engine says to a path without its version, such as `GET /containers/json`; `hang`: nothing at all. */
export type Script = (asked: Asked) => Answer | 'hang' | 'break';

export interface FakeEventMessage {
  readonly type?: string;
  readonly action: EngineAction | string;
  readonly id: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** Ms since the epoch. */
  readonly at: number;
}

export class FakeEngine implements AsyncDisposable {
  /** What was asked, oldest first. */
  readonly asked: Asked[] = [];
  /** Answers to `METHOD /path`. */
  readonly script = new Map<string, Script>();
  version: Readonly<Record<string, unknown>> = { ApiVersion: '1.41', MinAPIVersion: '1.12' };
  /** Takes connections and requests, and answers none. */
  hangs = false;
  readonly #folder: string;
  readonly #server: http.Server;
  readonly #streams = new Set<http.ServerResponse>();
  readonly #unanswered = new Set<http.ServerResponse>();

  static async start(): Promise<FakeEngine> {
    const engine = new FakeEngine();
    await engine.listen();
    return engine;
  }

  constructor() {
    this.#folder = mkdtempSync('/tmp/tidegate-fake-engine-');
    this.#server = http.createServer((request, response) => this.#take(request, response));
    this.script.set('GET /_ping', () => ({ body: 'OK' }));
    this.script.set('GET /version', () => ({ body: this.version }));
    this.script.set('GET /containers/json', () => ({ body: [] }));
  }

  get socketPath(): string {
    return path.join(this.#folder, 'engine.sock');
  }

  get endpoint(): string {
    return `unix://${this.socketPath}`;
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.socketPath, resolve));
  }

  /** Stops listening and breaks every connection: the daemon was killed. */
  async die(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#streams.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A container that inspects as this; `labels` make it ours by default. */
  container(id: string, more: { labels?: Record<string, string>; status?: string } = {}): void {
    const { labels = { 'tidegate.app': 'shop' }, status = 'running' } = more;
    this.script.set(`GET /containers/${id}/json`, () => ({
      body: { Id: id, Name: '/one', State: { Status: status }, Config: { Labels: labels }, HostConfig: {} },
    }));
  }

  /** How often `METHOD /path` was asked, whatever the version. */
  count(what: string): number {
    return this.asked.filter((one) => nameOf(one) === what).length;
  }

  /** Requests without an answer, whose sender still waits. */
  get unansweredCount(): number {
    return this.#unanswered.size;
  }

  /** Event streams that stand. */
  get streamCount(): number {
    return this.#streams.size;
  }

  emit(message: FakeEventMessage): void {
    this.emitText(`${eventLine(message)}\n`);
  }

  emitText(text: string | Uint8Array): void {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Breaks the event streams in the middle of whatever they were saying. */
  cutStreams(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#streams.clear();
  }

  #take(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#unanswered.add(response);
    response.on('close', () => this.#unanswered.delete(response));
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece: string) => {
      body += piece;
    });
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://engine');
      const asked = { method: request.method ?? '', path: url.pathname, query: url.searchParams, body };
      this.asked.push(asked);
      if (!this.hangs) this.#answer(asked, response);
    });
  }

  #answer(asked: Asked, response: http.ServerResponse): void {
    const script = this.script.get(nameOf(asked));
    if (script === undefined && nameOf(asked) === 'GET /events') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      this.#unanswered.delete(response);
      this.#streams.add(response);
      response.on('close', () => this.#streams.delete(response));
      return;
    }
    const answer = script?.(asked) ?? { status: 404, body: { message: 'No such container' } };
    if (answer === 'hang') return;
    if (answer === 'break') {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"Id":', () => response.destroy());
      return;
    }
    const { status = 200, body } = answer;
    response.writeHead(status);
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  }
}

/** An event as the Engine writes it, without the line break. */
export function eventLine({ type = 'container', action, id, attributes = {}, at }: FakeEventMessage): string {
  return JSON.stringify({
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
    scope: 'local',
    time: Math.floor(at / 1000),
    timeNano: Math.round(at * 1e6),
  });
}

function nameOf(asked: Asked): string {
  return `${asked.method} ${asked.path.replace(/^\/v\d+\.\d+/, '')}`;
}
