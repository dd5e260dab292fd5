/**
 * Some ten thousand inputs on every lane, from a seed that stays and one of its own for each run; the long runs are the
 * scenario `fuzz` of `npm run load`. A failure names the seed and the octets.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { LANES } from '../support/rig.ts';
import { answerCorpus, requestCorpus } from './corpus.ts';
import { FuzzRun } from './fuzz-run.ts';

const INPUTS = 3000;
const FIXED_SEED = 1;
const TIMEOUT_MS = 120_000;

for (const lane of LANES) {
  for (const seed of [FIXED_SEED, randomInt(2, 2 ** 31)]) {
    test(`nothing means two things, hangs or leaks (${lane} lane, seed ${seed})`, { timeout: TIMEOUT_MS }, async () => {
      const report = await FuzzRun.run({
        lane,
        seed,
        inputs: INPUTS,
        requests: requestCorpus(),
        answers: answerCorpus(),
      });
      assert.equal(report.findings.join('\n'), '');
      assert.ok(report.inputs >= INPUTS);
      assert.ok(report.forwarded > INPUTS / 4, `only ${report.forwarded} reached the replica`);
    });
  }
}
