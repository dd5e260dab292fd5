/** One round of one candidate: warmed up, put under load for a while, and what that cost. */
import path from 'node:path';
import { busyShare, coreTimes, processorMs, processTree, residentMb } from '../proc.ts';
import type { CorePlan } from '../processes.ts';
import { runWrk } from '../wrk.ts';
import { ASKED_HOSTNAMES, type Candidate, type CandidateSpec, DOMAIN } from './candidate.ts';
import type { ProxyCase } from './case.ts';

const MANY_HOSTNAMES = path.join(import.meta.dirname, 'many-hostnames.lua');
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
}

export async function measureRound(options: RoundOptions, signal: AbortSignal): Promise<Figures> {
  const { load, spec, candidate, cores, warmUpSeconds, seconds } = options;
  const asked = Math.min(spec.hostnames, ASKED_HOSTNAMES);
  const common = {
    port: candidate.port,
    path: load.path,
    connections: load.connections,
    headers: load.headers,
    script: load.goesRound ? ([MANY_HOSTNAMES, String(asked), DOMAIN] as const) : null,
    cores: cores.load,
  };
  await runWrk({ ...common, seconds: warmUpSeconds }, signal);
  const pids = processTree(candidate.program.pid);
  const [coresBefore, before, begun] = [coreTimes(), processorMs(pids), performance.now()];
  const wrk = await runWrk({ ...common, seconds }, signal);
  const [coresAfter, after, elapsedMs] = [coreTimes(), processorMs(pids), performance.now() - begun];
  if (wrk.requests === 0) throw new Error(`${spec.name} answered nothing in ${seconds} s of ${load.name}`);
  if (candidate.program.hasEnded) throw new Error(`${spec.name} has ended:\n${candidate.program.output}`);
  return {
    requests: wrk.requests,
    perSecond: wrk.requests / wrk.seconds,
    p50Ms: wrk.p50Ms,
    p99Ms: wrk.p99Ms,
    cpuUs: ((after - before) * 1000) / wrk.requests,
    residentMb: residentMb(pids),
    proxyBusy: busyShare(coresBefore, coresAfter, cores.proxy),
    loadBusy: busyShare(coresBefore, coresAfter, cores.load),
    ownBusy: (after - before) / (elapsedMs * cores.proxy.length),
    errors: wrk.socketErrors + wrk.badAnswers,
  };
}

/** The side that could do no more, in words. */
export function saturatedSide({ proxyBusy, loadBusy }: Pick<Figures, 'proxyBusy' | 'loadBusy'>): string {
  if (proxyBusy >= SATURATED) return loadBusy >= SATURATED ? 'both' : 'proxy';
  return loadBusy >= SATURATED ? 'load' : 'neither';
}
