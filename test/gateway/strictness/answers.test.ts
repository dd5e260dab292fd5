/** Every way a replica may answer wrongly, and the ways to answer right, on every lane: what the client makes of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANES } from '../support/rig.ts';
import { tryAnswer } from './answer-bench.ts';
import { ANSWER_BODY_PROBES } from './answer-body-probes.ts';
import { ANSWER_PROBES } from './answer-probes.ts';
import { ANSWER_VECTOR_PROBES } from './answer-vector-probes.ts';
import { onBenches } from './benches.ts';

const TIMEOUT_MS = 120_000;

const FAMILIES = {
  'the scanner’s vectors': ANSWER_VECTOR_PROBES,
  'bodies and what is said unasked': ANSWER_BODY_PROBES,
  'informational answers, switches and fields': ANSWER_PROBES,
};

for (const lane of LANES) {
  for (const [family, probes] of Object.entries(FAMILIES)) {
    test(`${family}: ${probes.length} answers, none passed on as something else (${lane} lane)`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const failures = await onBenches({ lane, hostnames: [] }, probes, (place, probe) => tryAnswer(place, probe));
      assert.equal(failures.join('\n'), '');
    });
  }
}
