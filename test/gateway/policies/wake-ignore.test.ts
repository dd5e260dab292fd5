/** Which requests wake nothing: by agent, path, address and method. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IgnoreRule } from '#core/edge-policy';
import { WakeIgnore } from '#gateway/policies/wake-ignore';

const CLIENT = '203.0.113.7';

function byAgent(pattern: string, agent: string): boolean {
  const head = { method: 'GET', path: '/', field: (name: string) => (name === 'user-agent' ? agent : undefined) };
  return new WakeIgnore([{ kind: 'ua', value: pattern }]).holds(head, CLIENT);
}

function holds(rule: IgnoreRule, { method = 'GET', path = '/', client = CLIENT } = {}): boolean {
  return new WakeIgnore([rule]).holds({ method, path, field: () => undefined }, client);
}

test('a star stands for any characters, also none, and nothing else does', () => {
  for (const agent of ['uptimerobot/2.0', 'UptimeRobot']) assert.equal(byAgent('UptimeRobot*', agent), true, agent);
  for (const agent of ['my UptimeRobot', 'Uptime.obot', '']) assert.equal(byAgent('UptimeRobot*', agent), false, agent);
  assert.equal(byAgent('a*b*a', 'aba'), true);
  assert.equal(byAgent('a*ba', 'aba'), true);
  assert.equal(byAgent('ab*ba', 'aba'), false);
  assert.equal(byAgent('*', ''), true);
  assert.equal(byAgent('a.c', 'abc'), false);
});

test('a pattern holds what a regular expression of the same meaning holds', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }).map((all) => all.join(''));
  const texts = fc.array(fc.constantFrom('a', 'b'), { maxLength: 10 }).map((all) => all.join(''));
  fc.assert(
    fc.property(letters, texts, (pattern, text) => {
      assert.equal(byAgent(pattern, text), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text));
    }),
    { numRuns: 500, seed: 6 },
  );
});

test('no text that a client may send takes long', { timeout: 10_000 }, () => {
  assert.equal(byAgent('*a*a*a*b', 'a'.repeat(16_000)), false);
});

test('a path is told by its letters, an address by its network, a method by its name', () => {
  assert.equal(holds({ kind: 'path', value: '/health*' }, { path: '/healthz' }), true);
  assert.equal(holds({ kind: 'path', value: '/health*' }, { path: '/Healthz' }), false);
  assert.equal(holds({ kind: 'method', value: 'HEAD' }, { method: 'HEAD' }), true);
  assert.equal(holds({ kind: 'method', value: 'HEAD' }), false);
  assert.equal(holds({ kind: 'ip', value: '203.0.113.0/24' }, { client: '::ffff:203.0.113.7' }), true);
  assert.equal(holds({ kind: 'ip', value: 'fe80::/10' }, { client: 'fe80::1%eth0' }), true);
  assert.equal(holds({ kind: 'ip', value: '0.0.0.0/0' }, { client: 'unknown' }), false);
});
