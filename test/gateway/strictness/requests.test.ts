/** Every way to say a request wrongly, and the ways to say it right, sent as octets to a running gateway on every lane. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANES } from '../support/rig.ts';
import { observe } from './bench.ts';
import { onBenches } from './benches.ts';
import { BODY_PROBES } from './body-probes.ts';
import { FORWARDING_PROBES } from './forwarding-probes.ts';
import { verdict } from './judge.ts';
import type { Probe } from './probe.ts';
import { SMUGGLING_PROBES } from './smuggling-probes.ts';
import { hostnamesOf, VECTOR_PROBES } from './vector-probes.ts';

const TIMEOUT_MS = 120_000;

const FAMILIES: Readonly<Record<string, readonly Probe[]>> = {
  'the scanner’s vectors': VECTOR_PROBES,
  'bodies and what is sent ahead': BODY_PROBES,
  'hidden requests': SMUGGLING_PROBES,
  'what changes on the way': FORWARDING_PROBES,
};

for (const lane of LANES) {
  for (const [family, probes] of Object.entries(FAMILIES)) {
    test(`${family}: ${probes.length} probes, none with another outcome than its clause allows (${lane} lane)`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const failures = await onBenches({ lane, hostnames: hostnamesOf(probes) }, probes, async (place, probe) =>
        verdict(probe, await observe(place, probe)),
      );
      assert.equal(failures.join('\n'), '');
    });
  }
}
