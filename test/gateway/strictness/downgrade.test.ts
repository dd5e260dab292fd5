/** HTTP/2 said wrongly and rightly by hand: what of it a replica sees in HTTP/1.1, and that its neighbours are served. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LANES } from '../support/rig.ts';
import { type BenchPlace, lookBehind } from './bench.ts';
import { onBenches } from './benches.ts';
import { H2_PROBES, type H2Probe } from './h2-probes.ts';
import { askH2, type H2Request } from './h2-wire.ts';
import { meaningFaults } from './judge.ts';

const TIMEOUT_MS = 120_000;
const CANARY: H2Request = {
  fields: [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':authority', 'app.test'],
    [':path', '/canary'],
  ],
};

for (const lane of LANES) {
  // HTTP/2 is read by one lane; what differs is what its octets come out of.
  if (lane === 'slow') continue;
  test(`${H2_PROBES.length} requests over HTTP/2, none with another meaning in HTTP/1.1 (${lane})`, {
    timeout: TIMEOUT_MS,
  }, async () => {
    const failures = await onBenches({ lane, hostnames: [] }, H2_PROBES, tryRequest);
    assert.equal(failures.join('\n'), '');
  });
}

async function tryRequest(place: BenchPlace, probe: H2Probe): Promise<string> {
  place.replica.take();
  const [end = 'stalled', canaryEnd = 'stalled'] = await askH2(place.port, [probe.request, CANARY]);
  const { seen, after } = await lookBehind(place);
  const requests = seen.requests.filter((request) => request.target !== '/canary');
  const [request] = requests;
  const faults: string[] = [];
  if (end === 'stalled' || canaryEnd === 'stalled') faults.push(`a stream was left waiting (${end}, ${canaryEnd})`);
  if (after !== '') faults.push(after);
  if (seen.errors.length > 0) faults.push(`the replica could not read it: ${seen.errors.join(', ')}`);
  if (probe.wanted === null && request !== undefined) faults.push('it was forwarded');
  if (probe.wanted !== null && requests.length !== 1 && !(probe.isOptional === true && requests.length === 0)) {
    faults.push(`${requests.length} requests were forwarded (${end})`);
  }
  if (probe.wanted !== null && request !== undefined) faults.push(...meaningFaults(probe.wanted, request));
  return faults.length === 0
    ? ''
    : `${probe.clause}: ${probe.name}: ${faults.join('; ')}, ${JSON.stringify(seen.octets.slice(0, 200))}`;
}
