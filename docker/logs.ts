/**
 * What containers write, as the Engine keeps it: what was written since a moment, and with `follow` what is written until
 * the container ends. The reader sets the pace; what it does not take stays with the Engine.
 */
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import { engineError } from './engine-error.ts';
import { type EngineLogLine, engineTime, LogLineReader } from './log-lines.ts';
import { type EngineBytes, requestStream } from './request.ts';

/** An Engine that has a long log to skip answers late. */
const OPEN_MS = 30_000;

export interface LogOptions {
  /** Only lines of this moment or later, as in {@link EngineLogLine}; null: all that are kept. */
  readonly since: string | null;
  /** Of those at most so many, the newest; left out: all. */
  readonly tail?: number;
  /** Goes on until the container ends. */
  readonly follow: boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
}

export interface EngineLogBatch {
  readonly lines: readonly EngineLogLine[];
  /** What was received for them. */
  readonly bytes: number;
}

/** An Engine whose containers' output can be read. */
export interface LogEngine {
  readonly host: string;
  /**
   * Lines of a container in the order in which the Engine kept them; those of stdout and stderr may be out of order of
   * time by a little. Ends when the container has ended and all is read.
   * @throws TidegateError `engine.not_found`, `engine.refused` (501: its log driver cannot be read), also while it is read
   */
  logs(id: string, options: LogOptions): Promise<AsyncIterable<EngineLogBatch>>;
  onState(listener: (state: 'reachable' | 'degraded', cause: string) => void): () => void;
}

export class Logs {
  readonly #client: EngineClient;
  readonly #containers: Containers;

  constructor({ client, containers }: { readonly client: EngineClient; readonly containers: Containers }) {
    this.#client = client;
    this.#containers = containers;
  }

  async open(id: string, { since, tail, follow, signal }: LogOptions): Promise<AsyncIterable<EngineLogBatch>> {
    const { Config } = await this.#containers.inspect(id);
    const query = {
      ...{ stdout: 'true', stderr: 'true', timestamps: 'true', follow: String(follow) },
      ...(tail === undefined ? {} : { tail: String(tail) }),
      ...(since === null ? {} : { since: engineTime(since) }),
    };
    const path = `/containers/${encodeURIComponent(id)}/logs`;
    const call = { name: `logs ${id}`, deadlineMs: OPEN_MS, slow: true, isAboutOneContainer: true, signal };
    const stream = await this.#client.call(call, (docker, abortSignal) =>
      requestStream(docker, { method: 'GET', path, query }, abortSignal),
    );
    return batches(stream, Config.Tty === true, call.name);
  }
}

async function* batches(stream: EngineBytes, tty: boolean, name: string): AsyncGenerator<EngineLogBatch> {
  const reader = new LogLineReader(tty);
  try {
    for await (const piece of stream) yield { lines: reader.push(piece), bytes: piece.length };
  } catch (error) {
    throw engineError(error, name, true);
  } finally {
    stream.destroy();
  }
  yield { lines: reader.end(), bytes: 0 };
}
