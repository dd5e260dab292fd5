/** Log lines: their form, their levels, and that they never fail. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { TidegateError } from '#core/errors';
import { jsonLog, LOG_LEVELS, type LogLevel, silentLog } from '#core/log';

function recorder(level: LogLevel = 'debug'): { lines: string[]; log: ReturnType<typeof jsonLog> } {
  const lines: string[] = [];
  return { lines, log: jsonLog({ level, write: (line) => lines.push(line), wall: () => 0 }) };
}

test('a line is one JSON object with time, level, message and fields', () => {
  const { lines, log } = recorder();
  log.info('listening', { port: 8080, note: 'two\nlines' });
  assert.deepEqual(lines, [
    '{"at":"1970-01-01T00:00:00.000Z","level":"info","msg":"listening","port":8080,"note":"two\\nlines"}\n',
  ]);
});

test('each level lets itself and what is above it through', () => {
  for (const level of LOG_LEVELS) {
    const { lines, log } = recorder(level);
    log.debug('x');
    log.info('x');
    log.warn('x');
    log.error('x');
    const said = lines.map((line) => String(JSON.parse(line).level));
    const expected = ['debug', 'info', 'warn', 'error'].slice(LOG_LEVELS.indexOf(level));
    assert.deepEqual(said, expected, level);
  }
});

test('bound fields are on every line, and the fields of a line win over them', () => {
  const { lines, log } = recorder();
  log.with({ host: 'a', part: 'x' }).with({ part: 'y' }).warn('slow', { host: 'b' });
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    at: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    msg: 'slow',
    host: 'b',
    part: 'y',
  });
});

test('errors are unfolded into code and message', () => {
  const { lines, log } = recorder();
  log.error('failed', {
    error: new TidegateError('engine.timeout', 'too slow', { detail: { host: 'a' } }),
    cause: new TypeError('bad'),
  });
  const line = JSON.parse(lines[0] ?? '');
  assert.deepEqual(line.error, { code: 'engine.timeout', message: 'too slow', host: 'a' });
  assert.deepEqual(line.cause, { name: 'TypeError', message: 'bad' });
});

test('a field that JSON cannot hold costs the field, not the line or the caller', () => {
  const { lines, log } = recorder();
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  log.info('numbers', { big: 10n });
  log.info('circle', { circle });
  assert.equal(lines.length, 2);
  assert.equal(JSON.parse(lines[0] ?? '').big, '10');
  assert.equal(JSON.parse(lines[1] ?? '').msg, 'circle');
});

test('the silent log stays silent, also when bound', () => {
  silentLog.with({ a: 1 }).error('x');
  assert.equal(silentLog.with({}), silentLog);
});
