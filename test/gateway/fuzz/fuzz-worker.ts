/**
 * A process of a long fuzzing run: `fuzz-worker.ts LANE SEED INPUTS`. Says how far it is in lines of JSON, the last of which
 * is its report.
 */
import { LANES, type Lane } from '../support/rig.ts';
import { answerCorpus, requestCorpus } from './corpus.ts';
import { FuzzRun } from './fuzz-run.ts';

const [laneText = '', seed = '', inputs = ''] = process.argv.slice(2);
const lane = LANES.find((one): one is Lane => one === laneText);
if (lane === undefined || !(Number(inputs) > 0)) {
  process.stderr.write(`fuzz-worker.ts ${LANES.join('|')} SEED INPUTS\n`);
  process.exitCode = 2;
} else {
  const report = await FuzzRun.run({
    lane,
    seed: Number(seed),
    inputs: Number(inputs),
    requests: requestCorpus(),
    answers: answerCorpus(),
    goesOn: (done) => say({ inputs: done, memoryBytes: process.memoryUsage.rss() }),
  });
  say({ ...report, memoryBytes: process.memoryUsage.rss() });
}

function say(what: unknown): boolean {
  process.stdout.write(`${JSON.stringify(what)}\n`);
  return true;
}
