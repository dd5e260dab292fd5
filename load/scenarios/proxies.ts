/**
 * Tidegate beside nginx, HAProxy, Caddy and http-proxy on one machine: the proxy alone on one core, its load and its
 * upstreams on the other, the candidates in turn round by round. The fair figure is processor time per request.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { versionOf } from '../machine.ts';
import { startUpstreams, type Upstreams } from '../peers/upstream.ts';
import { type CorePlan, pin, planCores } from '../processes.ts';
import type { Candidate, CandidateSpec } from '../proxies/candidate.ts';
import type { ProxyCase } from '../proxies/case.ts';
import { PROXY_CASES } from '../proxies/cases.ts';
import { type CaseResult, proxiesReport } from '../proxies/proxies-report.ts';
import { type Figures, measureRound } from '../proxies/round.ts';
import type { Report } from '../report.ts';
import { isChosen, type LoadContext, type Scenario } from '../scenario.ts';

const ROUNDS = 3;
const SECONDS = 5;
/** The first time a candidate needs longer: code is compiled, connections are made, tables grow. */
const FIRST_WARM_UP_S = 4;
const WARM_UP_S = 1;
const CASE_NAMES = PROXY_CASES.map((one) => one.name);
const CANDIDATE_NAMES = [...new Set(PROXY_CASES.flatMap((one) => one.candidates.map((spec) => spec.name)))];

export const proxies: Scenario = {
  name: 'proxies',
  title: 'Tidegate beside other proxies, one core each',
  parts: [...CASE_NAMES, ...CANDIDATE_NAMES],
  run: runProxies,
};

async function runProxies(context: LoadContext): Promise<Report> {
  const { options } = context;
  const cores = planCores();
  const rounds = options.rounds ?? ROUNDS;
  const seconds = options.seconds ?? SECONDS;
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-load-'));
  chmodSync(folder, 0o755);
  try {
    await pin(process.pid, cores.load);
    await using upstreams = await openUpstreams(folder, cores);
    const results: CaseResult[] = [];
    const specs = new Set<CandidateSpec>();
    for (const load of PROXY_CASES.filter((one) => isChosen(one.name, CASE_NAMES, options))) {
      const candidates = load.candidates.filter((one) => isChosen(one.name, CANDIDATE_NAMES, options));
      if (candidates.length === 0) continue;
      for (const spec of candidates) specs.add(spec);
      results.push(await runCase({ ...load, candidates }, { context, cores, folder, rounds, seconds, upstreams }));
    }
    return proxiesReport(proxies, results, { rounds, seconds, cores, versions: await versions(specs) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface CaseGround {
  readonly context: LoadContext;
  readonly cores: CorePlan;
  readonly folder: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly upstreams: Upstreams;
}

async function runCase(load: ProxyCase, ground: CaseGround): Promise<CaseResult> {
  const { context, cores, rounds, seconds, upstreams } = ground;
  await using stack = new AsyncDisposableStack();
  const started: { spec: CandidateSpec; candidate: Candidate; rounds: Figures[] }[] = [];
  for (const spec of load.candidates) {
    const folder = path.join(ground.folder, `${load.name}-${started.length}`);
    mkdirSync(folder);
    context.progress(`${load.name}: starting ${spec.name}`);
    const candidate = await spec.start({ folder, cores: cores.proxy, upstreamPorts: upstreams.ports });
    stack.use(candidate.program);
    started.push({ spec, candidate, rounds: [] });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const one of started) {
      context.signal.throwIfAborted();
      context.progress(`${load.name}: round ${round} of ${rounds}, ${one.spec.name}`);
      const warmUpSeconds = Math.min(seconds, round === 1 ? FIRST_WARM_UP_S : WARM_UP_S);
      one.rounds.push(await measureRound({ load, ...one, cores, warmUpSeconds, seconds }, context.signal));
    }
  }
  return { load, candidates: started.map((one) => ({ spec: one.spec, rounds: one.rounds })) };
}

async function openUpstreams(folder: string, cores: CorePlan): Promise<Upstreams & AsyncDisposable> {
  const own = path.join(folder, 'upstreams');
  mkdirSync(own);
  const upstreams = await startUpstreams(own, cores.load);
  return { ...upstreams, [Symbol.asyncDispose]: () => upstreams.program.stop() };
}

async function versions(specs: ReadonlySet<CandidateSpec>): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = { wrk: await versionOf('wrk', '-v') };
  for (const { name, version } of specs) if (version !== null) found[name] = await version();
  return found;
}
