/** The load generator `h2load`: one run, and what it says of it. Percentiles are of its log, which has every request. */
import { readFileSync, rmSync } from 'node:fs';
import { runOn } from './processes.ts';
import { percentile } from './statistics.ts';

const US_PER_MS = 1000;
const SUCCESS = /^2\d\d$/;

export interface H2loadOptions {
  readonly port: number;
  readonly hostname: string;
  readonly connections: number;
  /** At a time, on each connection. */
  readonly streams: number;
  readonly seconds: number;
  readonly cores: readonly number[];
  /** Made, read and removed. */
  readonly logFile: string;
}

export interface H2loadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** @throws Error when h2load fails, does not speak HTTP/2 with the other side or says nothing we understand */
export async function runH2load(options: H2loadOptions, signal: AbortSignal): Promise<H2loadResult> {
  const { port, hostname, connections, streams, seconds, cores, logFile } = options;
  const output = await runOn(
    cores,
    [
      'h2load',
      ...['-t', '1', '-c', String(connections), '-m', String(streams), '-D', String(Math.ceil(seconds))],
      ...[`--log-file=${logFile}`, `--connect-to=127.0.0.1:${port}`, `https://${hostname}:${port}/`],
    ],
    signal,
  );
  const log = readFileSync(logFile, 'utf8');
  rmSync(logFile);
  const summary = parseH2load(output);
  const times = parseH2loadLog(log);
  if (summary === null || times.timesMs.length === 0) throw new Error(`h2load measured nothing:\n${output}`);
  if (summary.protocol !== 'h2') throw new Error(`h2load spoke ${summary.protocol} instead of HTTP/2:\n${output}`);
  return {
    requests: summary.succeeded,
    seconds: summary.seconds,
    p50Ms: percentile(times.timesMs, 50),
    p99Ms: percentile(times.timesMs, 99),
    errors: summary.failed + times.badAnswers,
  };
}

export interface H2loadSummary {
  readonly succeeded: number;
  readonly failed: number;
  readonly seconds: number;
  /** From ALPN. */
  readonly protocol: string;
}

/** Reads the summary of h2load; null: it is none. Requests that were cut by the end of the run are no failures. */
export function parseH2load(output: string): H2loadSummary | null {
  const finished = /^finished in ([\d.]+)(us|ms|s|m), /m.exec(output);
  const requests =
    /^requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/m.exec(
      output,
    );
  if (finished === null || requests === null) return null;
  const unit = { us: 1e-6, ms: 1e-3, s: 1, m: 60 }[finished[2] ?? 's'] ?? 1;
  return {
    succeeded: Number(requests[4]),
    failed: Number(requests[5]) + Number(requests[7]),
    seconds: Number(finished[1]) * unit,
    protocol: /^Application protocol: (\S+)/m.exec(output)?.[1] ?? 'an unknown protocol',
  };
}

/** Reads `--log-file`: start in µs, status and time in µs of each request, between tabs. */
export function parseH2loadLog(log: string): { readonly timesMs: readonly number[]; readonly badAnswers: number } {
  const timesMs: number[] = [];
  let badAnswers = 0;
  for (const line of log.split('\n')) {
    const [, status, us] = line.split('\t');
    if (status === undefined || us === undefined) continue;
    if (SUCCESS.test(status)) timesMs.push(Number(us) / US_PER_MS);
    else badAnswers++;
  }
  return { timesMs, badAnswers };
}
