/** The Engine's log answer as lines, in whatever pieces it comes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineLogLine, engineTime, LINE_BYTES_MAX, LogLineReader } from '#docker/log-lines';
import { seeded } from '#test/router/sample';

const AT = '2026-11-28T12:00:00.000000001Z';

function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(text);
  const head = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

function read(bytes: Buffer, tty: boolean, cuts: () => number): EngineLogLine[] {
  const reader = new LogLineReader(tty);
  const lines: EngineLogLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Math.max(1, cuts());
    lines.push(...reader.push(bytes.subarray(at, at + length)));
    at += length;
  }
  return [...lines, ...reader.end()];
}

test('frames of both streams become the same lines, wherever the pieces break', () => {
  const bytes = Buffer.concat([
    frame(1, `${AT} one\n`),
    frame(2, '2026-11-28T12:00:00.5Z wärning\n'),
    frame(1, `${AT} \n`),
    frame(1, `${AT} two\r\n`),
    frame(1, '2026-11-28T14:00:01.25+02:00 no end'),
  ]);
  const expected = [
    { stream: 'stdout', at: AT, text: 'one', cut: false },
    { stream: 'stderr', at: '2026-11-28T12:00:00.500000000Z', text: 'wärning', cut: false },
    { stream: 'stdout', at: AT, text: '', cut: false },
    { stream: 'stdout', at: AT, text: 'two', cut: false },
    { stream: 'stdout', at: '2026-11-28T12:00:01.250000000Z', text: 'no end', cut: false },
  ];
  const chance = seeded(3);
  assert.deepEqual(
    read(bytes, false, () => bytes.length),
    expected,
  );
  for (let round = 0; round < 200; round++) {
    assert.deepEqual(
      read(bytes, false, () => Math.floor(chance() * 12)),
      expected,
    );
  }
});

test('a container with a terminal has no frames', () => {
  const bytes = Buffer.from(`${AT} \u001b[31mred\r\n${AT} next\r\n`);
  for (const size of [1, 7, 1000]) {
    const texts = read(bytes, true, () => size).map(({ text }) => text);
    assert.deepEqual(texts, ['\u001b[31mred', 'next']);
  }
});

test('a line that the Engine hands on in parts is one line, cut where it is too long', () => {
  const part = 'x'.repeat(LINE_BYTES_MAX);
  const bytes = Buffer.concat([
    frame(1, `${AT} ${part}`),
    frame(1, `${AT} yyy`),
    frame(1, `${AT} z\n`),
    frame(1, `${AT} ok\n`),
  ]);
  const [long, next, ...more] = read(bytes, false, () => 1000);
  assert.equal(long?.text, part);
  assert.equal(long?.cut, true);
  assert.deepEqual(next, { stream: 'stdout', at: AT, text: 'ok', cut: false });
  assert.deepEqual(more, []);
  const short = read(
    Buffer.concat([frame(1, `${AT} ab`), frame(2, `${AT} err\n`), frame(1, `${AT} cd\n`)]),
    false,
    () => 5,
  );
  assert.deepEqual(
    short.map(({ text }) => text),
    ['err', 'abcd'],
  );
});

test('a cut goes through no character', () => {
  const line = `${'x'.repeat(LINE_BYTES_MAX - 1)}ü`;
  const [read1] = read(frame(1, `${AT} ${line}\n`), false, () => 4096);
  assert.equal(read1?.text, 'x'.repeat(LINE_BYTES_MAX - 1));
  assert.equal(read1?.cut, true);
});

test('a moment reaches the Engine to the nanosecond', () => {
  assert.equal(engineTime('2026-11-28T12:00:00.123456789Z'), `${Date.parse('2026-11-28T12:00:00Z') / 1000}.123456789`);
});
