/** One round of one candidate: warmed up, put under load for a while, and what that cost. */
import type { Generators } from '../generators/generator.ts';
import { busyShare, coreTimes, processorMs, processTree, residentMb } from '../proc.ts';
import type { CorePlan } from '../processes.ts';
import type { Candidate, CandidateSpec } from './candidate.ts';
import type { ProxyCase } from './case.ts';
import { runDrive } from './drive.ts';

/** Cores that work for this share of the time do all they can. */
const SATURATED = 0.95;

export interface Figures {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the candidate per request, user and system, in µs. */
  readonly cpuUs: number;
  readonly residentMb: number;
  /** Share of their time in which the cores of this side worked. */
  readonly proxyBusy: number;
  readonly loadBusy: number;
  /** Share of the time of its cores that the candidate itself had. */
  readonly ownBusy: number;
  /** Requests without a good answer. */
  readonly errors: number;
}

export interface RoundOptions {
  readonly load: ProxyCase;
  readonly spec: CandidateSpec;
  readonly candidate: Candidate;
  readonly cores: CorePlan;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly folder: string;
  readonly generators: Generators;
}

export async function measureRound(options: RoundOptions, signal: AbortSignal): Promise<Figures> {
  const { load, spec, candidate, cores, warmUpSeconds, seconds, folder, generators } = options;
  const common = {
    port: candidate.port,
    hostnames: spec.hostnames,
    cores: cores.load,
    threads: load.isShared ? spec.workers : 1,
    folder,
    generators,
  };
  await runDrive(load.drive, { ...common, seconds: warmUpSeconds }, signal);
  const pids = processTree(candidate.program.pid);
  const [coresBefore, before, begun] = [coreTimes(), processorMs(pids), performance.now()];
  const driven = await runDrive(load.drive, { ...common, seconds }, signal);
  const [coresAfter, after, elapsedMs] = [coreTimes(), processorMs(pids), performance.now() - begun];
  if (driven.requests === 0) throw new Error(`${spec.name} answered nothing in ${seconds} s of ${load.name}`);
  if (candidate.program.hasEnded) throw new Error(`${spec.name} has ended:\n${candidate.program.output}`);
  const proxyBusy = busyShare(coresBefore, coresAfter, cores.proxy);
  return {
    requests: driven.requests,
    perSecond: driven.requests / driven.seconds,
    p50Ms: driven.p50Ms,
    p99Ms: driven.p99Ms,
    cpuUs: ((after - before) * 1000) / driven.requests,
    residentMb: residentMb(pids),
    proxyBusy,
    loadBusy: busyShare(coresBefore, coresAfter, cores.load),
    // Where a core is shared, the others on it are meant to be there.
    ownBusy: load.isShared ? proxyBusy : (after - before) / (elapsedMs * cores.proxy.length),
    errors: driven.errors,
  };
}

/** The side that could do no more, in words. */
export function saturatedSide({ proxyBusy, loadBusy }: Pick<Figures, 'proxyBusy' | 'loadBusy'>): string {
  if (proxyBusy >= SATURATED) return loadBusy >= SATURATED ? 'both' : 'proxy';
  return loadBusy >= SATURATED ? 'load' : 'neither';
}
