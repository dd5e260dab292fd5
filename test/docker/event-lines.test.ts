/** Events cut out of a stream of bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, readEvent } from '#docker/event-lines';
import { eventLine } from './fake-engine.ts';

async function* pieces(...all: readonly (Uint8Array | string)[]) {
  yield* all;
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const read: string[] = [];
  for await (const line of lines) read.push(line);
  return read;
}

test('lines are put together from pieces that break anywhere, also within a character', async () => {
  const bytes = Buffer.from('{"a":"Grüße"}\n{"b":1}\n');
  const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.deepEqual(await all(linesOf(pieces(...single))), ['{"a":"Grüße"}', '{"b":1}']);
});

test('a line cut short by the end of the stream, and empty lines, are left out', async () => {
  assert.deepEqual(await all(linesOf(pieces('one\r\n\n', '\ntwo\nthr'))), ['one\r', 'two']);
});

test('a line without end is an error', async () => {
  const piece = 'x'.repeat(600_000);
  await assert.rejects(all(linesOf(pieces(piece, piece))), RangeError);
});

test('a container event carries its attributes and its time with a fraction', () => {
  const read = readEvent(
    eventLine({ action: 'die', id: 'abc', attributes: { exitCode: '137', 'tidegate.app': 'shop' }, at: 1_700_000.25 }),
  );
  assert.ok(read !== null && read !== 'garbage');
  assert.deepEqual(read.event, {
    action: 'die',
    containerId: 'abc',
    attributes: { exitCode: '137', 'tidegate.app': 'shop' },
    at: 1_700_000.25,
  });
});

test('words behind the action become an attribute of its name', () => {
  const health = readEvent(eventLine({ action: 'health_status: unhealthy', id: 'abc', attributes: { a: 'b' }, at: 1 }));
  assert.ok(health !== null && health !== 'garbage');
  assert.equal(health.event.action, 'health_status');
  assert.deepEqual(health.event.attributes, { a: 'b', health_status: 'unhealthy' });
  const exec = readEvent(eventLine({ action: 'exec_create: sh -c echo: x', id: 'abc', at: 1 }));
  assert.ok(exec !== null && exec !== 'garbage');
  assert.deepEqual(exec.event.attributes, { exec_create: 'sh -c echo: x' });
});

test('a network event is about the container, without attributes', () => {
  const line = eventLine({
    type: 'network',
    action: 'disconnect',
    id: 'net',
    attributes: { container: 'abc', name: 'front' },
    at: 1,
  });
  const read = readEvent(line);
  assert.ok(read !== null && read !== 'garbage');
  assert.deepEqual(read.event, { action: 'network_disconnect', containerId: 'abc', attributes: {}, at: 1 });
});

test('what nobody follows is passed over', () => {
  assert.equal(readEvent(eventLine({ action: 'exec_die', id: 'abc', at: 1 })), null);
  assert.equal(readEvent(eventLine({ type: 'network', action: 'create', id: 'net', at: 1 })), null);
  assert.equal(readEvent(eventLine({ type: 'image', action: 'create', id: 'img', at: 1 })), null);
  assert.equal(readEvent(eventLine({ type: 'network', action: 'connect', id: 'net', at: 1 })), null);
});

test('what is no event is told apart from it', () => {
  for (const line of ['{"Type":"container","Act', 'null', '"text"', '[]', '{"Type":"container"}', '<html>']) {
    assert.equal(readEvent(line), 'garbage', line);
  }
});

test('two events that differ in anything have different keys', () => {
  const base = { action: 'start', id: 'abc', at: 1000 };
  const key = (line: string) => {
    const read = readEvent(line);
    assert.ok(read !== null && read !== 'garbage');
    return read.key;
  };
  const keys = [base, { ...base, id: 'abd' }, { ...base, action: 'stop' }, { ...base, at: 1000.5 }].map((one) =>
    key(eventLine(one)),
  );
  assert.equal(new Set(keys).size, 4);
  assert.equal(key(eventLine(base)), key(eventLine(base)));
});
