/** Output that is taken up again after a break is kept whole and once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogDraft } from '#logs/log-line';
import { ResumeWindow } from '#logs/resume-window';
import { seeded } from '#test/router/sample';

const START = Date.parse('2026-11-28T12:00:00Z');

/** What an Engine kept: in order of writing, which is not quite the order of time, and with lines that are equal. */
function output(count: number, chance: () => number): LogDraft[] {
  let ns = 0;
  return Array.from({ length: count }, () => {
    ns += Math.floor(chance() * 3) * 400_000_000;
    const stamp = Math.max(0, ns - (chance() < 0.2 ? 300 : 0));
    const seconds = new Date(START + Math.floor(stamp / 1e9) * 1000).toISOString().slice(0, 19);
    const at = `${seconds}.${String(stamp % 1e9).padStart(9, '0')}Z`;
    const stream = chance() < 0.3 ? ('stderr' as const) : ('stdout' as const);
    return { at, stream, text: chance() < 0.5 ? 'same' : `line ${ns}`, cut: false };
  });
}

test('over any number of breaks every line is kept once and in order', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const chance = seeded(seed);
    const written = output(200, chance);
    const kept: LogDraft[] = [];
    let window = new ResumeWindow();
    while (kept.length < written.length) {
      if (chance() < 0.3) window = new ResumeWindow(JSON.parse(JSON.stringify(window.record())));
      const { since } = window;
      const isNew = window.replay();
      const answered = written.filter(({ at }) => since === null || at >= since);
      const before = kept.length;
      let left = 1 + Math.floor(chance() * 40);
      for (const line of answered) {
        if (!isNew(line)) continue;
        if (left-- === 0) break;
        kept.push(line);
        window.note(line);
      }
      assert.ok(kept.length > before || answered.length > 0, `seed ${seed}: it gets on`);
    }
    assert.deepEqual(kept, written, `seed ${seed}`);
  }
});

test('what is skipped is not asked for again', () => {
  const window = new ResumeWindow();
  window.skipTo('2026-11-28T12:00:00.999999999Z');
  assert.equal(window.since, '2026-11-28T12:00:01.000000000Z');
});
