/**
 * `npm run load -- [scenario…] [--rounds=N] [--seconds=N] [--only=…] [--results=FOLDER] [--list]`: runs scenarios one after
 * the other and writes what each found out. Exits 0 when all could be measured, whether their goals were met or not.
 */
import { loadavg } from 'node:os';
import { messageOf } from '#core/errors';
import { LoneBenchmark } from './lone-benchmark.ts';
import { machineFacts } from './machine.ts';
import { type LoadOptions, parseOptions } from './options.ts';
import { ProgressLine } from './progress-line.ts';
import { terminalReport } from './report.ts';
import { writeResults } from './results.ts';
import type { Scenario } from './scenario.ts';
import { asleep } from './scenarios/asleep.ts';
import { certificates } from './scenarios/certificates.ts';
import { discover } from './scenarios/discover.ts';
import { diurnal } from './scenarios/diurnal.ts';
import { fuzz } from './scenarios/fuzz.ts';
import { hang } from './scenarios/hang.ts';
import { idleWebSockets } from './scenarios/idle-websockets.ts';
import { k6 } from './scenarios/k6.ts';
import { neighbours } from './scenarios/neighbours.ts';
import { proxies } from './scenarios/proxies.ts';
import { simulation } from './scenarios/simulate.ts';
import { soak } from './scenarios/soak.ts';
import { startsAtOnce } from './scenarios/starts-at-once.ts';
import { upgrade } from './scenarios/upgrade.ts';
import { usage } from './scenarios/usage.ts';
import { wakeFrozen } from './scenarios/wake-frozen.ts';
import { wakeStopped } from './scenarios/wake-stopped.ts';
import { wakeTiers } from './scenarios/wake-tiers.ts';

const SCENARIOS: readonly Scenario[] = [
  discover,
  wakeFrozen,
  wakeStopped,
  wakeTiers,
  startsAtOnce,
  asleep,
  diurnal,
  hang,
  proxies,
  k6,
  fuzz,
  idleWebSockets,
  upgrade,
  neighbours,
  certificates,
  simulation,
  usage,
  soak,
];
const NAME_WIDTH = 17;
const USAGE_CODE = 2;
const INTERRUPTED_CODE = 130;

const parsed = parseOptions(
  process.argv.slice(2),
  SCENARIOS.map(({ name }) => name),
);
const problems = parsed.ok ? unknownParts(parsed.options) : parsed.problems;
if (!parsed.ok || problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exitCode = USAGE_CODE;
} else if (parsed.options.list) {
  process.stdout.write(SCENARIOS.map(described).join(''));
} else {
  process.exitCode = await runAll(parsed.options);
}

async function runAll(options: LoadOptions): Promise<number> {
  const interrupted = new AbortController();
  const interrupt = (): void => {
    if (interrupted.signal.aborted) process.exit(INTERRUPTED_CODE);
    interrupted.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    let isWhole = true;
    const chosen = SCENARIOS.filter(({ name }) => options.scenarios.includes(name));
    using benchmark = chosen.every(({ isSimulated }) => isSimulated) ? null : new LoneBenchmark();
    for (const scenario of chosen) {
      using line = new ProgressLine(scenario.name);
      line.show('waiting for an idle machine');
      const isAlone = benchmark !== null && !scenario.isSimulated;
      const idleText = isAlone ? await benchmark.quiet(interrupted.signal) : 'simulated time, whatever else it does';
      const facts = await machineFacts(Date.now(), idleText);
      const context = { options, progress: (text: string) => line.show(text), signal: interrupted.signal };
      const report = await scenario.run(context);
      line.clear();
      const ended = isAlone ? `; load average ${loadavg()[0]?.toFixed(1)} at the end` : '';
      const files = writeResults(report, { ...facts, idleText: `${idleText}${ended}` }, options.results);
      isWhole &&= (report.failures ?? []).length === 0;
      process.stdout.write(`${terminalReport(report)}\n\n→ ${files.join(', ')}\n\n`);
    }
    return isWhole ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${interrupted.signal.aborted ? 'interrupted' : messageOf(error)}\n`);
    return interrupted.signal.aborted ? INTERRUPTED_CODE : 1;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function unknownParts({ only, scenarios }: LoadOptions): readonly string[] {
  const known = new Set(SCENARIOS.filter(({ name }) => scenarios.includes(name)).flatMap(({ parts }) => parts));
  const unknown = [...(only ?? [])].filter((part) => !known.has(part));
  return unknown.map((part) => `--only=${part}: there is no such part; see --list`);
}

function described({ name, title, parts }: Scenario): string {
  const choice = parts.length > 0 ? `\n${' '.repeat(NAME_WIDTH)}--only= ${parts.join(', ')}` : '';
  return `${name.padEnd(NAME_WIDTH)}${title}${choice}\n`;
}
