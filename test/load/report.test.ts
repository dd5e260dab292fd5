/** Reports as people read them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { svgChart } from '../../load/chart.ts';
import type { MachineFacts } from '../../load/machine.ts';
import { markdownReport, type Report, terminalReport, timeGoals } from '../../load/report.ts';
import { writeResults } from '../../load/results.ts';
import { figureText, markdownTable, spreadText, terminalTable, timesRow } from '../../load/table.ts';

const table = {
  title: 'Two proxies',
  columns: ['candidate', 'µs'],
  rows: [
    ['a|b', '9.5 (9–10)'],
    ['nginx', '40'],
  ],
};

const facts: MachineFacts = {
  date: '2026-01-02T03:04:05.000Z',
  commit: 'commit abc1234',
  cpu: 'Example 9000',
  cores: 2,
  memoryGb: 8,
  system: 'Linux 6.1.0',
  idleText: '99 % idle before the start',
  versions: { Node: '24.0.0' },
};

const report: Report = {
  name: 'example',
  title: 'An example',
  method: ['First this.', 'Then that.'],
  tables: [table],
  goals: [
    { what: 'speed', goal: '≤ 2×', measured: '1.5×', met: true },
    { what: 'memory', goal: '≤ 1×', measured: '1.1×', met: false },
  ],
  chart: { title: 'Bars', unit: 'µs', groups: [] },
  versions: { nginx: '1.22.1' },
  data: [1, 2],
};

test('figures have three significant digits, whole ones from a hundred on', () => {
  assert.deepEqual([0.12345, 1.5, 38.04, 99.96, 12_345.6].map(figureText), ['0.123', '1.5', '38', '100', '12346']);
});

test('a spread is median, smallest and largest; of one value it is that value', () => {
  assert.equal(spreadText({ median: 41.23, min: 39.8, max: 44, count: 3 }), '41.2 (39.8–44)');
  assert.equal(spreadText({ median: 41.23, min: 41.23, max: 41.23, count: 1 }), '41.2');
});

test('a row of times has its count, its percentiles and its spread', () => {
  assert.deepEqual(timesRow('wake', [3, 1, 2], [50, 99]), ['wake', '3', '2', '3', '1–3']);
});

test('a terminal shows words to the left and figures to the right', () => {
  assert.equal(
    terminalTable(table),
    [
      'Two proxies',
      '',
      'candidate          µs',
      '─────────────────────',
      'a|b        9.5 (9–10)',
      'nginx              40',
    ].join('\n'),
  );
});

test('Markdown keeps a bar in a cell from ending it', () => {
  assert.equal(
    markdownTable(table),
    ['### Two proxies', '', '| candidate | µs |', '| --- | --: |', '| a\\|b | 9.5 (9–10) |', '| nginx | 40 |'].join(
      '\n',
    ),
  );
});

test('a report states machine, date, versions, method, and which goals were met', () => {
  const text = markdownReport(report, facts, 'example.svg');
  for (const part of [
    'Measured 2026-01-02T03:04:05.000Z at commit abc1234.',
    'Machine: 2 × Example 9000, 8 GB, Linux 6.1.0; 99 % idle before the start.',
    'Versions: Node 24.0.0, nginx 1.22.1.',
    '| speed | ≤ 2× | 1.5× | met |',
    '| memory | ≤ 1× | 1.1× | missed |',
    '![Bars](example.svg)',
    '- First this.\n- Then that.',
  ]) {
    assert.ok(text.includes(part), part);
  }
  assert.ok(text.endsWith('.\n') && !text.endsWith('\n\n'));
});

test('a terminal report without goals has no table of goals', () => {
  assert.ok(terminalReport(report).includes('Goals'));
  assert.ok(!terminalReport({ ...report, goals: [] }).includes('Goals'));
});

test('results are written as figures, report and chart', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-results-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = writeResults(report, facts, folder);
  assert.deepEqual(
    files.map((file) => path.basename(file)),
    ['example.json', 'example.md', 'example.svg'],
  );
  const figures = JSON.parse(readFileSync(path.join(folder, 'example.json'), 'utf8'));
  assert.deepEqual(figures.data, [1, 2]);
  assert.deepEqual(figures.versions, { Node: '24.0.0', nginx: '1.22.1' });
  assert.match(readFileSync(path.join(folder, 'example.svg'), 'utf8'), /^<svg /);
});

test('a chart gives every group a scale of its own, and draws spread and goal on it', () => {
  const svg = svgChart({
    title: 'a < b & "c"',
    unit: 'µs',
    groups: [
      { label: 'small', bars: [{ label: 'x', value: 2, range: [1, 4], isOurs: true, goal: null }] },
      { label: 'big', bars: [{ label: 'y', value: 400, range: null, isOurs: false, goal: 200 }] },
    ],
  });
  const widths = [...svg.matchAll(/<rect x="170" [^>]*width="([\d.]+)"/g)].map((match) => Number(match[1]));
  assert.equal(widths.length, 2);
  assert.equal((widths[1] ?? 0) / (widths[0] ?? 1), 2); // 2 of 4 beside 400 of 400
  assert.equal(svg.match(/<line /g)?.length, 2);
  assert.ok(svg.includes('a &lt; b &amp; &quot;c&quot;') && svg.includes('goal 200'));
  assert.ok(!svg.includes('NaN'));
});

test('times that are as long as their goal meet it, longer ones do not', () => {
  assert.deepEqual(
    timeGoals(
      'a wake',
      [
        [50, 2],
        [99, 3.5],
      ],
      [1, 2, 3.51],
    ),
    [
      { what: 'a wake', goal: 'p50 ≤ 2 ms', measured: '2 ms', met: true },
      { what: 'a wake', goal: 'p99 ≤ 3.5 ms', measured: '3.51 ms', met: false },
    ],
  );
});

test('a chart of nothing but zeros is still a chart', () => {
  const bars = [{ label: 'x', value: 0, range: null, isOurs: true, goal: null }];
  assert.ok(!svgChart({ title: 't', unit: 'ms', groups: [{ label: 'g', bars }] }).includes('NaN'));
});
