/**
 * Tidegate beside nginx, HAProxy, Caddy and http-proxy on one machine: the proxy alone on one core, its load and its
 * upstreams on the other, the candidates in turn round by round. The fair figure is processor time per request.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '#core/errors';
import { type Certificate, makeCertificate } from '../certificate.ts';
import { Generators } from '../generators/generator.ts';
import { versionOf } from '../machine.ts';
import { startEchoUpstreams, startUpstreams, type Upstreams } from '../peers/upstream.ts';
import { processTree } from '../proc.ts';
import { type CorePlan, pin, planCores, planShared } from '../processes.ts';
import { type Candidate, type CandidateSpec, DOMAIN, HOSTNAME } from '../proxies/candidate.ts';
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
    const generators = new Generators(folder);
    const certificate = await makeCertificate(folder, [HOSTNAME, `*${DOMAIN}`]);
    const results: CaseResult[] = [];
    const failures: string[] = [];
    const specs = new Set<CandidateSpec>();
    for (const load of PROXY_CASES.filter((one) => isChosen(one.name, CASE_NAMES, options))) {
      const candidates = load.candidates.filter((one) => isChosen(one.name, CANDIDATE_NAMES, options));
      if (candidates.length === 0) continue;
      for (const spec of candidates) specs.add(spec);
      const ground = { context, cores, folder, rounds, seconds, generators, certificate };
      try {
        results.push(await runCase({ ...load, candidates }, ground));
      } catch (error) {
        context.signal.throwIfAborted();
        failures.push(`${load.name}: ${messageOf(error)}`);
      }
    }
    return proxiesReport(proxies, results, { rounds, seconds, cores, versions: await versions(specs), failures });
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
  readonly generators: Generators;
  readonly certificate: Certificate;
}

async function runCase(load: ProxyCase, ground: CaseGround): Promise<CaseResult> {
  const { context, rounds, seconds, generators } = ground;
  const { progress, signal } = context;
  await using stack = new AsyncDisposableStack();
  const folder = path.join(ground.folder, load.name);
  mkdirSync(folder);
  const upstreams = await startUpstreamsOf(load, folder, ground);
  stack.use(upstreams.program);
  const started: { spec: CandidateSpec; candidate: Candidate; cores: CorePlan; rounds: Figures[] }[] = [];
  for (const spec of load.candidates) {
    const own = path.join(folder, spec.name);
    mkdirSync(own);
    progress(`${load.name}: starting ${spec.name}`);
    const cores = load.isShared ? planShared(spec.workers) : ground.cores;
    const candidate = await spec.start({
      folder: own,
      cores: cores.proxy,
      upstreamPorts: upstreams.ports,
      certificate: isSecure(load) ? ground.certificate : null,
      tunnels: load.drive.kind === 'messages',
      workers: spec.workers,
    });
    stack.use(candidate.program);
    started.push({ spec, candidate, cores, rounds: [] });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const one of started) {
      signal.throwIfAborted();
      progress(`${load.name}: round ${round} of ${rounds}, ${one.spec.name}`);
      if (load.isShared) await pinAll(upstreams.program.pid, one.cores.load);
      const warmUpSeconds = Math.min(seconds, round === 1 ? FIRST_WARM_UP_S : WARM_UP_S);
      one.rounds.push(await measureRound({ load, ...one, warmUpSeconds, seconds, folder, generators }, signal));
    }
  }
  return { load, candidates: started.map((one) => ({ spec: one.spec, rounds: one.rounds })) };
}

function startUpstreamsOf(load: ProxyCase, folder: string, { cores, generators }: CaseGround): Promise<Upstreams> {
  if (load.drive.kind === 'messages') return startEchoUpstreams(generators, cores.load);
  const own = path.join(folder, 'upstreams');
  mkdirSync(own);
  return startUpstreams(own, cores.load);
}

function isSecure({ drive }: ProxyCase): boolean {
  return drive.kind === 'tls' || drive.kind === 'h2';
}

/** A process that runs already, and all it has started. */
async function pinAll(pid: number, cores: readonly number[]): Promise<void> {
  for (const one of processTree(pid)) await pin(one, cores);
}

async function versions(specs: ReadonlySet<CandidateSpec>): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = { wrk: await versionOf('wrk', '-v') };
  for (const { name, version } of specs) if (version !== null) found[name] = await version();
  return found;
}
