/**
 * One command over one WebSocket. Neither side is read faster than the other takes it, and a client that leaves, falls
 * silent or loses its token takes the command with it.
 */
import type { RawData, WebSocket } from 'ws';
import type { Clock, Timer } from '#core/clock';
import { isTidegateError, messageOf } from '#core/errors';
import { EXEC_CHANNEL, type ExecStatus, execMessage } from '#core/exec-protocol';
import type { Log } from '#core/log';
import { EXEC_SIGNALS, type ExecSignal, type RunningExec } from '#docker/exec';

const PING_MS = 20_000;
/** Nothing was said by either side. */
const IDLE_MS = 1_800_000;
/** The set stays awake: well within what one touch lasts for. */
const TOUCH_EVERY_MS = 20_000;
const SIZE_MAX = 1000;
const CLOSE_NORMAL = 1000;
const CLOSE_POLICY = 1008;
const CLOSE_FAILED = 1011;

export interface ExecSessionOptions {
  readonly socket: WebSocket;
  readonly start: () => Promise<RunningExec>;
  /** Keeps the replica awake. */
  readonly touch: () => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Any of them ends it: the listener closes, the token ends. */
  readonly endings: readonly AbortSignal[];
}

/** Resolves when the command is over and the client told, or the client gone and the command ended. */
export async function runExecSession(options: ExecSessionOptions): Promise<void> {
  const session = new Session(options);
  try {
    await session.run();
  } finally {
    session.dispose();
  }
}

class Session {
  readonly #options: ExecSessionOptions;
  readonly #left = Promise.withResolvers<'left'>();
  readonly #timers = new Set<Timer>();
  /** What the client sent before the command ran, and what is being handed on: in order. */
  #inward: Promise<void> = Promise.resolve();
  #answered = true;
  #lastSaid: number;

  constructor(options: ExecSessionOptions) {
    this.#options = options;
    this.#lastSaid = options.clock.now();
  }

  async run(): Promise<void> {
    const { socket, endings, touch } = this.#options;
    socket.on('close', () => this.#left.resolve('left'));
    socket.on('error', () => this.#left.resolve('left'));
    socket.on('pong', () => {
      this.#answered = true;
    });
    for (const ending of endings) ending.addEventListener('abort', this.#end, { once: true });
    if (endings.some(({ aborted }) => aborted)) this.#end();
    this.#every(PING_MS, () => this.#ping());
    this.#every(TOUCH_EVERY_MS, touch);
    touch();
    const started = Promise.withResolvers<RunningExec>();
    started.promise.catch(() => {});
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary, started.promise));
    let command: RunningExec;
    try {
      command = await this.#options.start();
    } catch (error) {
      started.reject(error);
      await this.#finish({ error: faultOf(error) }, CLOSE_FAILED);
      return;
    }
    started.resolve(command);
    const outcome = await Promise.race([this.#relay(command), this.#left.promise]);
    if (outcome === 'left') {
      await command.kill();
      return;
    }
    await this.#finish(outcome, 'error' in outcome ? CLOSE_FAILED : CLOSE_NORMAL);
    if (!('exit_code' in outcome) || outcome.exit_code === null) await command.kill();
  }

  dispose(): void {
    for (const ending of this.#options.endings) ending.removeEventListener('abort', this.#end);
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#options.socket.terminate();
  }

  readonly #end = (): void => {
    this.#options.socket.close(CLOSE_POLICY, 'ended by Tidegate');
    this.#left.resolve('left');
  };

  /** The output to the client, at the pace of the client. @returns how it ended */
  async #relay(command: RunningExec): Promise<ExecStatus> {
    try {
      for await (const { stream, bytes } of command.output()) {
        this.#lastSaid = this.#options.clock.now();
        const channel = stream === 'stdout' ? EXEC_CHANNEL.stdout : EXEC_CHANNEL.stderr;
        if (!(await this.#send(execMessage(channel, bytes)))) break;
      }
      return { exit_code: await command.exitCode() };
    } catch (error) {
      return { error: faultOf(error) };
    }
  }

  /** False: the client is gone. */
  #send(message: Buffer): Promise<boolean> {
    const { socket } = this.#options;
    if (socket.readyState !== socket.OPEN) return Promise.resolve(false);
    return new Promise((resolve) => {
      // A socket that is cut never answers for what it did not send.
      void this.#left.promise.then(() => resolve(false));
      socket.send(message, { binary: true }, (error) => resolve(!error));
    });
  }

  async #finish(status: ExecStatus, code: number): Promise<void> {
    const { socket, clock } = this.#options;
    await this.#send(execMessage(EXEC_CHANNEL.status, JSON.stringify(status)));
    socket.close(code);
    const timer = clock.after(PING_MS, () => this.#left.resolve('left'));
    this.#timers.add(timer);
    await this.#left.promise;
  }

  #receive(data: RawData, isBinary: boolean, started: Promise<RunningExec>): void {
    const { socket, clock, log } = this.#options;
    this.#lastSaid = clock.now();
    if (!isBinary) {
      socket.close(CLOSE_POLICY, 'messages of this protocol are binary');
      return;
    }
    const message = data as Buffer;
    // What arrives while a write waits stays in the connection.
    socket.pause();
    this.#inward = this.#inward
      .then(async () => this.#obey(await started, message[0], message.subarray(1)))
      .catch((error: unknown) => log.debug('a message to a command was in vain', { cause: messageOf(error) }))
      .finally(() => socket.resume());
  }

  async #obey(command: RunningExec, channel: number | undefined, payload: Buffer): Promise<void> {
    switch (channel) {
      case EXEC_CHANNEL.stdin:
        if (payload.length === 0) command.endInput();
        else await command.write(payload);
        break;
      case EXEC_CHANNEL.resize: {
        const { cols, rows } = JSON.parse(payload.toString()) as Readonly<Record<string, unknown>>;
        if (isSize(cols) && isSize(rows)) await command.resize({ cols, rows });
        break;
      }
      case EXEC_CHANNEL.signal: {
        const signal = EXEC_SIGNALS.find((one) => one === payload.toString());
        if (signal !== undefined) await command.signal(signal satisfies ExecSignal);
        break;
      }
      default:
        this.#options.socket.close(CLOSE_POLICY, 'there is no such channel');
    }
  }

  #ping(): void {
    const { socket, clock } = this.#options;
    const isIdle = clock.now() - this.#lastSaid >= IDLE_MS;
    if (isIdle) socket.close(CLOSE_POLICY, 'nothing was said for 30 minutes');
    // One whose messages are not being read cannot answer either.
    if (isIdle || (!this.#answered && !socket.isPaused)) {
      this.#left.resolve('left');
      return;
    }
    this.#answered = false;
    socket.ping();
  }

  #every(ms: number, act: () => void): void {
    const again = (): void => {
      this.#timers.delete(timer);
      act();
      this.#every(ms, act);
    };
    const timer = this.#options.clock.after(ms, again);
    this.#timers.add(timer);
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= SIZE_MAX;
}

/** What the Engine said of a command that could not be run is for who asked; of anything else, its code alone. */
function faultOf(error: unknown): { code: string; detail: string } {
  if (!isTidegateError(error)) return { code: 'internal', detail: 'The log of Tidegate says more.' };
  const { said } = error.detail;
  return { code: error.code, detail: typeof said === 'string' ? said : error.message };
}
