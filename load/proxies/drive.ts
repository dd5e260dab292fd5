/** Puts the load of a case on a candidate for a while: the generator of its kind, and what came of it in one shape. */
import path from 'node:path';
import { type Generators, runGenerator } from '../generators/generator.ts';
import { runH2load } from '../h2load.ts';
import { runWrk } from '../wrk.ts';
import { ASKED_HOSTNAMES, DOMAIN, HOSTNAME } from './candidate.ts';
import type { Drive, MessageDrive, PlainDrive, TlsDrive } from './case.ts';

const MANY_HOSTNAMES = path.join(import.meta.dirname, 'many-hostnames.lua');

export interface DriveOptions {
  readonly port: number;
  /** How many the candidate routes. */
  readonly hostnames: number;
  readonly seconds: number;
  /** Of the generator. */
  readonly cores: readonly number[];
  /** Load comes from so many threads, where the generator knows them. */
  readonly threads: number;
  /** For files that last as long as the run. */
  readonly folder: string;
  readonly generators: Generators;
}

export interface Driven {
  /** Answered requests, or messages that came back. */
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Requests without a good answer. */
  readonly errors: number;
}

/** @throws Error when nothing could be measured, or it was not what was meant to be measured */
export function runDrive(drive: Drive, options: DriveOptions, signal: AbortSignal): Promise<Driven> {
  switch (drive.kind) {
    case 'plain':
      return plain(drive, options, signal);
    case 'tls':
      return tls(drive, options, signal);
    case 'h2':
      return runH2load(
        { ...options, ...drive, hostname: HOSTNAME, logFile: path.join(options.folder, 'h2load.log') },
        signal,
      );
    case 'messages':
      return messages(drive, options, signal);
  }
}

async function plain(drive: PlainDrive, options: DriveOptions, signal: AbortSignal): Promise<Driven> {
  const asked = String(Math.min(options.hostnames, ASKED_HOSTNAMES));
  const script = drive.goesRound ? ([MANY_HOSTNAMES, asked, DOMAIN] as const) : null;
  const result = await runWrk(
    { ...options, ...drive, connections: drive.connections * options.threads, script },
    signal,
  );
  return { ...result, errors: result.socketErrors + result.badAnswers };
}

async function tls(drive: TlsDrive, options: DriveOptions, signal: AbortSignal): Promise<Driven> {
  const { port, seconds, cores, generators } = options;
  const program = await generators.file('tls-requests');
  const result = await runGenerator(
    [program, String(port), HOSTNAME, '/', String(drive.connections), String(seconds), drive.mode],
    cores,
    signal,
  );
  const { count, of } = result.resumed ?? { count: 0, of: 0 };
  // The first connection of each slot has nothing to resume.
  const wanted = drive.mode === 'resumed' ? of - drive.connections - result.errors : 0;
  if (drive.mode === 'resumed' ? count < wanted : count > 0) {
    throw new Error(`${count} of ${of} handshakes were resumed, where ${drive.mode} ones are measured`);
  }
  return result;
}

async function messages(drive: MessageDrive, options: DriveOptions, signal: AbortSignal): Promise<Driven> {
  const { port, seconds, cores, generators } = options;
  const program = await generators.file('websockets');
  return runGenerator(
    [program, String(port), HOSTNAME, String(drive.connections), 'echo', String(seconds)],
    cores,
    signal,
  );
}
