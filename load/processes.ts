/** Programs that take part in a benchmark, each held to its cores, and gone with this process however that ends. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { sendSignal } from '../test/support/system-processes.ts';
import { until } from '../test/support/until.ts';

const READY_MS = 60_000;
const STOP_MS = 10_000;
const LAST_WORDS_MS = 2000;
const OUTPUT_CHARS = 4000;

const run = promisify(execFile);

/** The proxy alone on one core; whoever makes and answers its load, and we ourselves, on the others. */
export interface CorePlan {
  readonly proxy: readonly number[];
  readonly load: readonly number[];
}

/** @throws Error on a machine with a single core */
export function planCores(count = cpus().length): CorePlan {
  if (count < 2) throw new Error('a proxy and its load need a core each: this machine has one');
  return { proxy: [1], load: [...Array(count).keys()].filter((core) => core !== 1) };
}

/** So many cores for a proxy, its load and its upstreams together. */
export function planShared(workers: number, count = cpus().length): CorePlan {
  const plan = planCores(count);
  const cores = [...plan.proxy, ...plan.load].slice(0, workers);
  if (cores.length < workers) throw new Error(`${workers} workers need as many cores: this machine has ${count}`);
  return { proxy: cores, load: cores };
}

/** Keeps a process that runs already off the other cores. */
export async function pin(pid: number, cores: readonly number[]): Promise<void> {
  await run('taskset', ['-a', '-p', '-c', cores.join(','), String(pid)]);
}

/** Runs a program on these cores to its end; what it wrote. @throws Error when it fails or the signal aborts */
export async function runOn(
  cores: readonly number[],
  [program, ...args]: readonly [string, ...string[]],
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await run('taskset', ['-c', cores.join(','), program, ...args], { signal });
  return stdout;
}

/** A port of the loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

export interface ProgramOptions {
  readonly cores: readonly number[];
  readonly command: readonly [string, ...string[]];
  /** Beside PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it writes on stdout goes there; else it is kept with stderr. */
  readonly stdoutFile?: string;
  /** How many files and connections it may have open; as many as we may, if not given. */
  readonly openFiles?: number;
  /** Asked until it holds: the program does its work. */
  readonly isReady: () => Promise<boolean>;
}

/** Starts a program that stays; ready when this resolves. @throws Error with its last words when it is not in time */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const program = new Program(options);
  try {
    await until(async () => program.hasEnded || (await options.isReady()), {
      what: `${options.command[0]} is ready`,
      timeoutMs: READY_MS,
    });
    if (program.hasEnded) throw new Error(`${options.command[0]} has ended`);
    return program;
  } catch (error) {
    await program.stop();
    throw new Error(`${String(error)}\n${program.output}`, { cause: error });
  }
}

export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #kill = (): void => void this.#child.kill('SIGKILL');
  #output = '';
  #failed = false;
  #closed = false;

  constructor({ cores, command, env = {}, stdoutFile, openFiles }: ProgramOptions) {
    const stdout = stdoutFile === undefined ? 'pipe' : openSync(stdoutFile, 'a');
    // taskset, and prlimit after it, become the program, so the process id is its own.
    const limit = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}:${openFiles}`];
    this.#child = spawn('taskset', ['-c', cores.join(','), ...limit, ...command], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', stdout, 'pipe'],
    });
    if (typeof stdout === 'number') closeSync(stdout);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS);
      });
    }
    this.#child.on('error', (error) => {
      this.#failed = true;
      this.#output += String(error);
    });
    this.#child.on('close', () => {
      this.#closed = true;
    });
    process.on('exit', this.#kill);
  }

  /** 0: it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The last it wrote, on both streams. */
  get output(): string {
    return this.#output;
  }

  get hasEnded(): boolean {
    return this.#failed || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(): Promise<void> {
    if (!this.hasEnded) {
      this.#child.kill('SIGTERM');
      await until(() => this.hasEnded, { what: 'it has ended', timeoutMs: STOP_MS }).catch(() => {
        sendSignal(this.pid, 'SIGKILL');
      });
    }
    // Its last words come a moment after its end.
    await until(() => this.#closed, { what: 'its output has ended', timeoutMs: LAST_WORDS_MS }).catch(() => {});
    process.off('exit', this.#kill);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
