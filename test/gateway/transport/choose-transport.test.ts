/** The handle transport is used where it proves to work, and costs nothing but speed where it does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { jsonLog, silentLog } from '#core/log';
import { chooseTransport } from '#gateway/transport/choose-transport';
import { selfTest } from '#gateway/transport/self-test';

test('this Node passes the self-test', async () => {
  assert.equal(await selfTest(), null);
  assert.equal((await chooseTransport('auto', silentLog)).kind, 'handle');
});

test('a Node that does not pass is served on public sockets, and one line says why', async () => {
  const lines: string[] = [];
  const log = jsonLog({ level: 'info', write: (line) => void lines.push(line), wall: () => 0 });
  const transport = await chooseTransport('auto', log, async () => 'no such binding');
  assert.equal(transport.kind, 'net');
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /no such binding/);
});

test('public sockets are used unasked when they are chosen', async () => {
  const untried = async (): Promise<string> => assert.fail('nothing is to be tested');
  assert.equal((await chooseTransport('net', silentLog, untried)).kind, 'net');
});

test('a trial that aborts, says something else or cannot start is a problem, not an error', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidegate-trial-'));
  try {
    for (const [name, script] of [
      ['aborts.js', 'process.abort()'],
      ['other.js', "console.log('2 octets arrived')"],
      ['throws.js', "throw new Error('no such binding')"],
      ['killed.js', "process.kill(process.pid, 'SIGKILL')"],
    ] as const) {
      const file = path.join(folder, name);
      writeFileSync(file, script);
      const problem = await selfTest(file);
      assert.ok(typeof problem === 'string' && problem.length > 0, name);
    }
    assert.notEqual(await selfTest(path.join(folder, 'missing.js')), null);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
