/** The report of the side-by-side benchmark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atLeast, atMost } from '../../../load/proxies/case.ts';
import { PROXY_CASES } from '../../../load/proxies/cases.ts';
import { type CaseResult, proxiesReport } from '../../../load/proxies/proxies-report.ts';
import { type Figures, saturatedSide } from '../../../load/proxies/round.ts';

const idle: Figures = {
  requests: 1000,
  perSecond: 100,
  p50Ms: 1,
  p99Ms: 2,
  cpuUs: 40,
  residentMb: 50,
  proxyBusy: 1,
  loadBusy: 0.7,
  ownBusy: 0.99,
  errors: 0,
};
const run = { rounds: 3, seconds: 5, cores: { proxy: [1], load: [0] }, versions: {}, failures: [] };
const scenario = { name: 'proxies', title: 'Side by side' };

function result(goals: CaseResult['load']['goals'], ...figures: readonly Partial<Figures>[][]): CaseResult {
  const names = ['tidegate', 'nginx'];
  return {
    load: { name: 'h1', title: 'HTTP/1.1', goals },
    candidates: figures.map((rounds, i) => ({
      spec: { name: names[i] ?? '', isOurs: i === 0 },
      rounds: rounds.map((one) => ({ ...idle, ...one })),
    })),
  };
}

test('goals are proportions of the medians of all rounds', () => {
  const goals = [atMost('cpuUs', 'tidegate', 1.05, 'nginx'), atLeast('perSecond', 'tidegate', 0.95, 'nginx')];
  const ours = [{ cpuUs: 42 }, { cpuUs: 90 }, { cpuUs: 41, perSecond: 90 }];
  const theirs = [{ cpuUs: 40 }, { cpuUs: 40 }, { cpuUs: 10, perSecond: 200 }];
  assert.deepEqual(proxiesReport(scenario, [result(goals, ours, theirs)], run).goals, [
    { what: 'h1: CPU per request of tidegate to nginx', goal: '≤ 1.05×', measured: '1.05×', met: true },
    { what: 'h1: requests per second of tidegate to nginx', goal: '≥ 0.95×', measured: '1×', met: true },
  ]);
  const missed = proxiesReport(scenario, [result(goals, [{ cpuUs: 43 }], [{ perSecond: 200 }])], run).goals;
  assert.deepEqual(
    missed.map(({ met }) => met),
    [false, false],
  );
});

test('a goal whose other side was left out is no goal', () => {
  const goals = [atMost('cpuUs', 'tidegate', 1, 'nginx')];
  assert.deepEqual(proxiesReport(scenario, [result(goals, [{}])], run).goals, []);
});

test('a row holds medians with their spread, the busy sides and all errors', () => {
  const rounds = [{ cpuUs: 40, errors: 1 }, { cpuUs: 44 }, { cpuUs: 38, errors: 2 }];
  const [row] = proxiesReport(scenario, [result([], rounds)], run).tables[0]?.rows ?? [];
  assert.deepEqual(row, [
    'h1',
    'tidegate',
    '40 (38–44)',
    '100 (100–100)',
    '1 (1–1)',
    '2 (2–2)',
    '50',
    '100 %',
    '70 %',
    'proxy',
    '3',
  ]);
});

test('figures taken beside other work on the core of the proxy are marked as such', () => {
  const disturbed = (ownBusy: number): boolean =>
    proxiesReport(scenario, [result([], [{ ownBusy }])], run).method.some((sentence) =>
      sentence.startsWith('Disturbed'),
    );
  assert.equal(disturbed(0.97), false);
  assert.equal(disturbed(0.6), true);
});

test('the side whose core had no time left is the saturated one', () => {
  assert.equal(saturatedSide({ proxyBusy: 0.99, loadBusy: 0.5 }), 'proxy');
  assert.equal(saturatedSide({ proxyBusy: 0.5, loadBusy: 0.99 }), 'load');
  assert.equal(saturatedSide({ proxyBusy: 0.96, loadBusy: 0.96 }), 'both');
  assert.equal(saturatedSide({ proxyBusy: 0.5, loadBusy: 0.5 }), 'neither');
});

test('every goal of every case names candidates of that case', () => {
  for (const { name, goals, candidates } of PROXY_CASES) {
    const names = candidates.map((candidate) => candidate.name);
    assert.equal(new Set(names).size, names.length, name);
    for (const goal of goals)
      assert.ok(names.includes(goal.of) && names.includes(goal.to), `${name}: ${goal.of}, ${goal.to}`);
  }
});
