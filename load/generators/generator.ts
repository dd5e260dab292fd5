/** The load generators in C beside this file: built on first need, each one run, and what it says of it. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { runOn } from '../processes.ts';

const US_PER_MS = 1000;

const run = promisify(execFile);

export const GENERATORS = ['tls-requests', 'websockets', 'echo-upstream'] as const;
export type GeneratorName = (typeof GENERATORS)[number];

/** Builds generators into a folder, each once. */
export class Generators {
  readonly #folder: string;
  readonly #built = new Map<GeneratorName, Promise<string>>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Path of the program. @throws Error with the compiler's words */
  file(name: GeneratorName): Promise<string> {
    const known = this.#built.get(name) ?? build(name, this.#folder);
    this.#built.set(name, known);
    return known;
  }
}

async function build(name: GeneratorName, folder: string): Promise<string> {
  const file = path.join(folder, name);
  await run('cc', ['-O2', '-o', file, path.join(import.meta.dirname, `${name}.c`), '-lssl', '-lcrypto', '-lm']);
  return file;
}

/** What a run of a generator comes to. */
export interface GeneratorResult {
  /** Answered requests, or messages that came back. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
  /** Handshakes that resumed a session, of all; null: the generator makes none. */
  readonly resumed: { readonly count: number; readonly of: number } | null;
}

/** @throws Error when it fails or says nothing we understand */
export async function runGenerator(
  command: readonly [string, ...string[]],
  cores: readonly number[],
  signal: AbortSignal,
): Promise<GeneratorResult> {
  const output = await runOn(cores, command, signal);
  const result = parseGenerator(output);
  if (result === null) throw new Error(`${path.basename(command[0])} measured nothing:\n${output}`);
  return result;
}

/** Reads the line of JSON a generator ends with; null: it is none. */
export function parseGenerator(output: string): GeneratorResult | null {
  const line = output.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) return null;
  const said = JSON.parse(line) as Partial<Record<string, number>>;
  const count = said.requests ?? said.messages;
  if (count === undefined || said.seconds === undefined) return null;
  return {
    requests: count,
    seconds: said.seconds,
    p50Ms: (said.p50Us ?? 0) / US_PER_MS,
    p99Ms: (said.p99Us ?? 0) / US_PER_MS,
    maxMs: (said.maxUs ?? 0) / US_PER_MS,
    errors: (said.errors ?? 0) + (said.badAnswers ?? 0),
    resumed: said.handshakes === undefined ? null : { count: said.resumed ?? 0, of: said.handshakes },
  };
}
