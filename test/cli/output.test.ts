/** What stands on the screen: aligned, whole, and without anything from outside that a terminal would act upon. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { momentText } from '#cli/moments';
import { Output, printable } from '#cli/output';
import { stateCell } from '#cli/state-style';

const ESCAPE = '\u001b';

function written(write: (output: Output) => void, colors = false): string {
  let text = '';
  write(new Output({ stdout: { write: (piece) => (text += piece) }, stderr: { write: () => {} }, colors }));
  return text;
}

test('the columns of a table begin below each other, and nothing is cut', () => {
  const long = `tidegate-verify=${'x'.repeat(300)}`;
  const text = written((output) =>
    output.table(
      ['TYPE', 'VALUE', 'STATE'],
      [
        ['TXT', long, stateCell('missing')],
        ['CNAME', 'é', ''],
      ],
    ),
  );
  const lines = text.split('\n');
  assert.equal(lines[0]?.indexOf('VALUE'), lines[1]?.indexOf('tidegate'));
  assert.equal(lines[0]?.indexOf('STATE'), lines[1]?.indexOf('missing'));
  assert.ok(text.includes(long));
  assert.equal(lines[2], 'CNAME  é', 'no spaces at the end');
});

test('what comes from outside stays text on its line', () => {
  assert.equal(printable('a\u001b[2Jb\nc\u009b\u202e'), 'a\\u001b[2Jb\\u000ac\\u009b\\u202e');
  const seen = '\u001b]0;x\u0007\u009b\u2028\n';
  const text = written((output) => {
    output.table(['SEEN'], [[seen]]);
    output.facts({ cause: 'one\ntwo' });
    output.line('\rgone');
    output.jsonLine({ seen });
  });
  assert.doesNotMatch(text.replaceAll('\n', ''), /\p{Cc}/u);
  const lines = text.split('\n');
  assert.equal(lines.length, 6);
  assert.deepEqual(JSON.parse(lines[4] ?? ''), { seen }, 'and as JSON it means the same');
});

test('states are coloured on a terminal and nowhere else, in columns of the same width', () => {
  const table = (output: Output): void => output.table(['STATE', 'X'], [[stateCell('degraded'), 'y']]);
  const [plain, painted] = [written(table), written(table, true)];
  assert.ok(!plain.includes(ESCAPE));
  assert.ok(painted.includes(`${ESCAPE}[31mdegraded${ESCAPE}[0m  y`), painted);
  assert.equal(painted.replaceAll(new RegExp(`${ESCAPE}\\[\\d+m`, 'g'), ''), plain);
});

test('moments are said in words', () => {
  const now = Date.UTC(2026, 0, 10);
  const at = (ms: number): string => momentText(new Date(now + ms).toISOString(), now);
  assert.deepEqual(
    [at(0), at(-1000), at(-90_000), at(-5_400_000), at(-172_800_000), at(7_200_000)],
    ['now', '1 second ago', '90 seconds ago', '90 minutes ago', '2 days ago', 'in 2 hours'],
  );
  assert.deepEqual([momentText(null, now), momentText('soon', now)], ['–', '–']);
});
