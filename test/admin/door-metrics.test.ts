/** Connections before there is a request, as metrics. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { doorMetrics } from '#admin/door-metrics';

test('every counter is a family of its own', () => {
  const counts = { handshakes: 1, tlsFaults: 2, unknownNames: 3, badHellos: 4, passthroughs: 5, proxyFaults: 6 };
  const values = doorMetrics(counts).map(({ name, type, samples }) => [name, type, [...samples][0]?.value]);
  assert.deepEqual(values, [
    ['tidegate_tls_handshakes_total', 'counter', 1],
    ['tidegate_tls_faults_total', 'counter', 2],
    ['tidegate_tls_unknown_names_total', 'counter', 3],
    ['tidegate_tls_bad_hellos_total', 'counter', 4],
    ['tidegate_tls_passthroughs_total', 'counter', 5],
    ['tidegate_proxy_faults_total', 'counter', 6],
  ]);
});
