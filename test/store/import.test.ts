/** Imports that must not happen, and those that were broken off: a store never passes for a state that it is only a part of. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { exportState } from '#store/export';
import { importState } from '#store/import';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { contentsOf, fill } from './contents.ts';
import { temporaryDirectory } from './temporary.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));

interface Ground {
  readonly file: string;
  readonly target: Store;
  readonly source: Store;
}

async function ground(t: TestContext): Promise<Ground> {
  const source = await openSqliteStore(temporaryDirectory(t));
  const target = await openSqliteStore(temporaryDirectory(t));
  t.after(async () => {
    await source.close();
    await target.close();
  });
  await fill(source);
  const file = join(temporaryDirectory(t), 'state.jsonl');
  await exportState(source, { file, instance: 'ins_a', now: 0 });
  return { file, target, source };
}

/** With the checksum that goes with them. */
function signed(lines: readonly string[]): string {
  const text = lines.map((line) => `${line}\n`).join('');
  return `${text}${JSON.stringify({ sha256: createHash('sha256').update(text).digest('hex') })}\n`;
}

test('a file that is torn, changed or something else is refused, and nothing is written', async (t) => {
  const { file, target } = await ground(t);
  const whole = readFileSync(file, 'utf8');
  const lines = whole.trimEnd().split('\n').slice(0, -1);
  const middle = Math.floor(whole.length / 2);
  const [head = '', ...rest] = lines;
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['torn in a line', whole.slice(0, middle), /torn/],
    ['torn between lines', `${lines.slice(0, 20).join('\n')}\n`, /torn: it ends behind line 20/],
    ['one letter changed', whole.replace('a0.test', 'b0.test'), /SHA-256/],
    ['one line less', `${[...lines.slice(0, -1), whole.trimEnd().split('\n').at(-1)].join('\n')}\n`, /SHA-256/],
    ['one line less, and signed', signed(lines.slice(0, -1)), /2 lines of certificate where the first says 3/],
    ['something behind its end', `${whole}${rest[0]}\n`, /goes on behind its end/],
    ['another file', 'root:x:0:0\n', /is no export/],
    ['nothing', '', /is empty/],
    [
      'a line of no sort',
      signed([head, '{"type":"lease"}', ...rest]),
      /line 2 is torn, or nothing that Tidegate wrote/,
    ],
    ['a token without its hash', signed([head, '{"type":"token","token":{"id":"op_a","kind":"op"}}']), /line 2/],
  ];
  for (const [what, text, message] of cases) {
    writeFileSync(file, text);
    await assert.rejects(
      importState(target, { file, isReplacing: true, now: 1 }),
      { code: 'store.file_unfit', message },
      what,
    );
  }
  writeFileSync(file, signed([head.replace('"version":1', '"version":2'), ...rest]));
  await assert.rejects(importState(target, { file, isReplacing: true, now: 1 }), { code: 'store.newer' });
  await assert.rejects(
    importState(target, { file: `${file}.gone`, isReplacing: true, now: 1 }),
    /cannot be read: ENOENT/,
  );
  assert.deepEqual(await target.documentKinds(), []);
  writeFileSync(file, whole);
  await importState(target, { file, isReplacing: false, now: 1 });
});

test('a store that is not empty is left as it is, whatever it holds', async (t) => {
  const { file } = await ground(t);
  const holdings: readonly ((store: Store) => Promise<unknown>)[] = [
    (store) => store.putScale('a/b/c', { min: 0, max: 1, replicas: null, by: 'x', at: 1 }),
    (store) => store.putSleeping('local/a', { tier: 'frozen', direct: false, at: 1 }),
    (store) => store.putToken({ id: 'op_z', kind: 'op', sha256: new Uint8Array(32), createdAt: 1 }),
    (store) => store.putDocument('app', 'a', 1),
  ];
  for (const hold of holdings) {
    const target = await openSqliteStore(temporaryDirectory(t));
    await hold(target);
    const before = await contentsOf(target);
    await assert.rejects(importState(target, { file, isReplacing: false, now: 1 }), { code: 'store.not_empty' });
    assert.deepEqual(await contentsOf(target), before);
    await target.close();
  }
});

test('an export takes no other file in its place, and one that fails leaves none', async (t) => {
  const { file, target } = await ground(t);
  const before = readFileSync(file);
  await target.putDocument('app', 'a', 1);
  await assert.rejects(exportState(target, { file, instance: 'ins_a', now: 0 }), { code: 'store.file_exists' });
  assert.deepEqual(readFileSync(file), before);
  const folder = temporaryDirectory(t);
  const other = join(folder, 'state.jsonl');
  const broken = Object.assign(Object.create(target) as Store, {
    documentKinds: () => target.documentKinds(),
    scales: () => target.scales(),
    sleeping: () => target.sleeping(),
    lastEvents: (limit: number) => target.lastEvents(limit),
    tokens: () => target.tokens(),
    document: (kind: string, id: string) => target.document(kind, id),
    certificates: () => target.certificates({ after: null, limit: 9 }),
    // Another one each time: somebody writes meanwhile.
    documentPages: (kind: string, size: number) => {
      void target.putDocument('app', `more-${Math.random()}`, 1);
      return target.documentPages(kind, size);
    },
  });
  await assert.rejects(exportState(broken, { file: other, instance: 'ins_a', now: 0 }), /changed by somebody/);
  writeFileSync(`${other}.part`, 'of an export that was killed');
  await exportState(target, { file: other, instance: 'ins_a', now: 0 });
  assert.deepEqual(readdirSync(folder), ['state.jsonl']);
  await assert.rejects(exportState(target, { file: join(folder, 'none', 'x'), instance: 'ins_a', now: 0 }), {
    code: 'store.failed',
    message: /none\/x cannot be written: ENOENT/,
  });
});

async function main(data: string, ...args: readonly string[]): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: {
      ...{ PATH: process.env.PATH, TIDEGATE_DATA: data, TIDEGATE_WORKERS: '0', TIDEGATE_HTTP: 'off' },
      ...{ TIDEGATE_HTTPS: 'off', TIDEGATE_ADMIN: '127.0.0.1:0', TIDEGATE_DOCKER: `unix://${data}/none.sock` },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
  const deadline = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [code] = await once(child, 'close');
  clearTimeout(deadline);
  return { code, said };
}

test('an import that was killed in its midst is neither started on nor exported, and goes through when run again', async (t) => {
  const { source } = await ground(t);
  const file = join(temporaryDirectory(t), 'big.jsonl');
  const many = Array.from({ length: 4000 }, (_, n) => ({ kind: 'big', id: `${n}`, body: 'x'.repeat(500) }));
  await source.changeDocuments(many);
  await exportState(source, { file, instance: 'ins_a', now: 0 });
  const data = temporaryDirectory(t);
  const child = spawn(process.execPath, [MAIN, 'import', file], {
    env: { PATH: process.env.PATH, TIDEGATE_DATA: data },
    stdio: 'ignore',
  });
  // The write-ahead log grows with what is written: by then the marker stands, and much is still to come.
  const wal = join(data, 'tidegate.db-wal');
  while (child.exitCode === null && !(existsSync(wal) && readFileSync(wal).length > 300_000)) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  child.kill('SIGKILL');
  if (child.signalCode === null && child.exitCode === null) await once(child, 'exit');
  assert.equal(child.signalCode, 'SIGKILL', 'it was killed before its end');

  const start = await main(data);
  assert.equal(start.code, 1);
  assert.match(start.said, /store\.half_imported\)\n {2}Run the import again \(`node main\.ts import FILE`\)/);
  assert.match((await main(data, 'export', join(data, 'out'))).said, /store\.half_imported/);
  const again = await main(data, 'import', file);
  assert.equal(again.code, 0, again.said);
  assert.match(again.said, /^imported 1 scale, 1 sleeping, 450 event, 1 token, 4450 document, 3 certificate from /m);
  const store = await openSqliteStore(data);
  assert.deepEqual(await contentsOf(store), await contentsOf(source));
  await store.close();
});

test('while another holds the state neither export nor import happens', async (t) => {
  const data = temporaryDirectory(t);
  const { file } = await ground(t);
  const held = await openSqliteStore(data);
  for (const args of [
    ['export', `${file}.2`],
    ['import', file],
  ]) {
    const { code, said } = await main(data, ...args);
    assert.equal(code, 1);
    assert.match(said, new RegExp(`is held by process ${process.pid} \\(store\\.locked\\)`));
  }
  await held.close();
});

test('arguments that there are not are named, with those that there are', async (t) => {
  const data = temporaryDirectory(t);
  assert.match((await main(data, 'exprot')).said, /unknown argument exprot; there are: export FILE, import FILE/);
  assert.match((await main(data, 'export', 'a', 'b')).said, /usage: main\.ts export FILE/);
  assert.match((await main(data, 'import', '--replace')).said, /usage:/);
});
