/** The load generator `wrk`: one run, and what it says of it. */
import { runOn } from './processes.ts';

/** Answers slower than that count as errors. */
const TIMEOUT_S = 10;
const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

export interface WrkOptions {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A Lua script and its arguments; null: the same request over and over. */
  readonly script: readonly [file: string, ...args: string[]] | null;
  readonly cores: readonly number[];
  readonly threads: number;
}

export interface WrkResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of connections, reads and writes, and answers that did not come in time. */
  readonly socketErrors: number;
  /** Answers other than 2xx and 3xx. */
  readonly badAnswers: number;
}

/** @throws Error when wrk fails or says nothing we understand */
export async function runWrk(options: WrkOptions, signal: AbortSignal): Promise<WrkResult> {
  const { port, path, connections, seconds, headers, script, cores, threads } = options;
  const fields = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const [file, ...scriptArgs] = script ?? [];
  const output = await runOn(
    cores,
    [
      'wrk',
      ...[
        '-t',
        String(threads),
        '-c',
        String(connections),
        '-d',
        `${Math.ceil(seconds)}s`,
        '--timeout',
        `${TIMEOUT_S}s`,
        '--latency',
      ],
      ...(file === undefined ? [] : ['-s', file]),
      ...fields,
      `http://127.0.0.1:${port}${path}`,
      ...(scriptArgs.length > 0 ? ['--', ...scriptArgs] : []),
    ],
    signal,
  );
  const result = parseWrk(output);
  if (result === null) throw new Error(`wrk measured nothing:\n${output}`);
  return result;
}

/** Reads the summary of `wrk --latency`; null: it is none. */
export function parseWrk(output: string): WrkResult | null {
  const total = /^\s*(\d+) requests in ([\d.]+(?:us|ms|s|m|h)),/m.exec(output);
  const p50Ms = percentileOf(output, '50');
  const p99Ms = percentileOf(output, '99');
  const latency = /^\s*Latency\s+\S+\s+\S+\s+(\S+)/m.exec(output);
  if (total === null || p50Ms === null || p99Ms === null) return null;
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output);
  return {
    requests: Number(total[1]),
    seconds: durationMs(total[2] ?? '') / 1000,
    p50Ms,
    p99Ms,
    maxMs: durationMs(latency?.[1] ?? ''),
    socketErrors: errors === null ? 0 : errors.slice(1).reduce((sum, count) => sum + Number(count), 0),
    badAnswers: Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0),
  };
}

function percentileOf(output: string, percent: string): number | null {
  const found = new RegExp(`^\\s*${percent}%\\s+(\\S+)`, 'm').exec(output);
  return found === null ? null : durationMs(found[1] ?? '');
}

/** `812.00us`, `1.02ms`, `2.00s`, `1.00m` in ms; NaN: no duration. */
function durationMs(text: string): number {
  const match = /^([\d.]+)(us|ms|s|m|h)$/.exec(text);
  return Number(match?.[1]) * (UNIT_MS[match?.[2] ?? ''] ?? Number.NaN);
}
