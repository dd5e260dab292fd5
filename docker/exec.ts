/**
 * Commands run in containers, with their input and output. A command that is ended here ends with everything that it
 * began, whatever became of its terminal.
 */
import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { type Clock, pause } from '#core/clock';
import { TidegateError } from '#core/errors';
import type { Containers } from './containers.ts';
import type { EngineClient } from './engine-client.ts';
import { engineError } from './engine-error.ts';
import { EXEC_MARK, killCommand, signalMarked } from './exec-processes.ts';
import { get } from './get.ts';
import type { LogStream } from './log-lines.ts';
import type { Ownership } from './ownership.ts';
import { StdFrames, type StdPiece } from './std-frames.ts';

const CALL_MS = 10_000;
/** A command that was asked to end gets this long. */
const GRACE_MS = 2000;
/** Its exit code is known a moment after its output has ended. */
const EXIT_WITHIN_MS = 5000;
const EXIT_EVERY_MS = 20;
/** The Engine leaves a terminal at a sequence of keys (ctrl-p ctrl-q): one that nobody types. */
const DETACH_KEYS = 'ctrl-^,ctrl-_,ctrl-^,ctrl-_';

export const EXEC_SIGNALS = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL', 'SIGUSR1', 'SIGUSR2'] as const;
export type ExecSignal = (typeof EXEC_SIGNALS)[number];

export interface ExecOptions {
  readonly command: readonly string[];
  /** With a terminal: stdout and stderr are one. */
  readonly tty: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Null: as the container has it. */
  readonly workdir: string | null;
  readonly user: string | null;
  readonly size: TerminalSize;
  /** Marks its processes; unique. */
  readonly mark: string;
}

export interface TerminalSize {
  readonly cols: number;
  readonly rows: number;
}

/** A command that runs. */
export interface RunningExec {
  /** Ends when the command has ended, or its output has. @throws TidegateError `engine.…` when the connection is lost */
  output(): AsyncIterable<{ readonly stream: LogStream; readonly bytes: Buffer }>;
  /** Resolves when more may be written. */
  write(bytes: Buffer): Promise<void>;
  endInput(): void;
  resize(size: TerminalSize): Promise<void>;
  signal(signal: ExecSignal): Promise<void>;
  /** After its output has ended; null: it has left its output and runs on. */
  exitCode(): Promise<number | null>;
  /** Ends it with everything that it began, first asking, then not. Never throws. */
  kill(): Promise<void>;
}

/** An Engine that runs commands in containers. */
export interface ExecEngine {
  /** @throws TidegateError `engine.not_ours` for one without our labels, or a pause container, which has nothing to run */
  exec(containerId: string, options: ExecOptions): Promise<RunningExec>;
}

interface ExecsOptions {
  readonly client: EngineClient;
  readonly containers: Containers;
  readonly ownership: Ownership;
  readonly clock: Clock;
  /** Null: the Engine is on another machine. */
  readonly procRoot: string | null;
}

export class Execs {
  readonly #options: ExecsOptions;

  constructor(options: ExecsOptions) {
    this.#options = options;
  }

  async start(containerId: string, options: ExecOptions): Promise<RunningExec> {
    const { containers, ownership } = this.#options;
    await containers.requireOurs(containerId);
    if (ownership.replicas.ofPause(containerId) !== null) {
      throw new TidegateError(
        'engine.not_ours',
        `container ${containerId} holds a replica together; nothing runs in it`,
      );
    }
    const { command, tty, env, workdir, user, mark } = options;
    const made = await this.#call(`exec in ${containerId}`, (docker, abortSignal) =>
      docker.getContainer(containerId).exec({
        ...{ Cmd: [...command], Tty: tty, AttachStdin: true, AttachStdout: true, AttachStderr: true },
        ...{ DetachKeys: DETACH_KEYS, abortSignal },
        Env: [...Object.entries(env).map(([name, value]) => `${name}=${value}`), `${EXEC_MARK}=${mark}`],
        ...(workdir === null ? {} : { WorkingDir: workdir }),
        ...(user === null ? {} : { User: user }),
      }),
    );
    const stream = await this.#call(`exec in ${containerId}`, (docker, abortSignal) =>
      docker.getExec(made.id).start({ hijack: true, stdin: true, Tty: tty, Detach: false, abortSignal }),
    );
    const running = new Running({ ...this.#options, id: made.id, containerId, stream, tty, mark });
    if (tty) await running.resize(options.size).catch(() => {}); // one that has ended already has no terminal
    return running;
  }

  #call<T>(name: string, run: (docker: Docker, signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#options.client.call({ name, deadlineMs: CALL_MS, slow: true, isAboutOneContainer: true }, run);
  }
}

interface RunningOptions extends ExecsOptions {
  readonly id: string;
  readonly containerId: string;
  readonly stream: Duplex;
  readonly tty: boolean;
  readonly mark: string;
}

interface ExecState {
  readonly running: boolean;
  readonly exitCode: number | null;
  readonly pid: number;
}

class Running implements RunningExec {
  readonly #options: RunningOptions;

  constructor(options: RunningOptions) {
    this.#options = options;
    // Whoever reads hears of it; a write that comes too late needs no answer.
    options.stream.on('error', () => {});
  }

  async *output(): AsyncGenerator<StdPiece> {
    const { stream, tty, containerId } = this.#options;
    const frames = new StdFrames();
    try {
      for await (const bytes of stream as AsyncIterable<Buffer>) {
        if (tty) yield { stream: 'stdout', bytes };
        else yield* frames.push(bytes);
      }
    } catch (error) {
      throw engineError(error, `exec in ${containerId}`, false);
    }
  }

  async write(bytes: Buffer): Promise<void> {
    const { stream } = this.#options;
    if (stream.destroyed || stream.writableEnded || stream.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stream.off('drain', done);
        stream.off('close', done);
        resolve();
      };
      stream.on('drain', done);
      stream.on('close', done);
    });
  }

  endInput(): void {
    this.#options.stream.end();
  }

  async resize({ cols, rows }: TerminalSize): Promise<void> {
    await this.#call('resize', (docker, abortSignal) =>
      docker.getExec(this.#options.id).resize({ h: rows, w: cols, abortSignal }),
    );
  }

  async signal(signal: ExecSignal): Promise<void> {
    const { containerId, mark, procRoot } = this.#options;
    if (procRoot !== null) {
      const { pid } = await this.#state();
      if ((await signalMarked({ containerId, mark, pid }, signal, procRoot)) !== null) return;
    }
    await this.#call(`signal to a command in ${containerId}`, async (docker, abortSignal) => {
      const helper = await docker.getContainer(containerId).exec({ Cmd: killCommand(mark, signal), abortSignal });
      await helper.start({ Detach: true, abortSignal });
    });
  }

  async exitCode(): Promise<number | null> {
    const { clock } = this.#options;
    const deadline = clock.now() + EXIT_WITHIN_MS;
    for (;;) {
      const { running, exitCode } = await this.#state();
      if (!running) return exitCode;
      if (clock.now() >= deadline) return null;
      await pause(clock, EXIT_EVERY_MS);
    }
  }

  async kill(): Promise<void> {
    const { stream, clock } = this.#options;
    stream.destroy();
    try {
      for (const signal of ['SIGHUP', 'SIGTERM'] as const) {
        await this.signal(signal);
      }
      const deadline = clock.now() + GRACE_MS;
      while (clock.now() < deadline && (await this.#state()).running) await pause(clock, EXIT_EVERY_MS);
      // Also when it has ended itself: what it began may go on.
      await this.signal('SIGKILL');
    } catch {
      // The container or its Engine is gone, and the command with it or out of reach.
    }
  }

  async #state(): Promise<ExecState> {
    const answer = await this.#call('inspect', (docker, signal) =>
      get(docker, `/exec/${this.#options.id}/json`, signal),
    );
    const { Running: running, ExitCode: code, Pid: pid } = answer as Readonly<Record<string, unknown>>;
    return {
      running: running === true,
      exitCode: typeof code === 'number' ? code : null,
      pid: typeof pid === 'number' ? pid : 0,
    };
  }

  #call<T>(verb: string, run: (docker: Docker, signal: AbortSignal) => Promise<T>): Promise<T> {
    const call = { name: `${verb} exec ${this.#options.id}`, deadlineMs: CALL_MS, isAboutOneContainer: true };
    return this.#options.client.call(call, run);
  }
}
