/** How Tidegate as processes starts and ends, seen by who starts it: one clear word, the right exit code, nobody left. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { listProcesses } from '#test/support/system-processes';
import { until } from '#test/support/until';

const MAIN = path.resolve(import.meta.dirname, '../../main.ts');

class Run {
  readonly data = mkdtempSync('/tmp/tg-data-');
  readonly process: ChildProcess;
  /** Children that were seen at some time. */
  readonly children = new Set<number>();
  output = '';
  errors = '';

  constructor(http: string) {
    this.process = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        TIDEGATE_HTTP: http,
        TIDEGATE_HTTPS: 'off',
        TIDEGATE_ADMIN: '127.0.0.1:0',
        TIDEGATE_DATA: this.data,
        TIDEGATE_DOCKER: `unix://${this.data}/no-engine.sock`,
        TIDEGATE_WORKERS: '2',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (chunk) => {
      this.output += String(chunk);
    });
    this.process.stderr?.on('data', (chunk) => {
      this.errors += String(chunk);
    });
  }

  get isOver(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** Looks who is there now. */
  look(): number {
    for (const one of listProcesses()) if (one.parent === this.process.pid) this.children.add(one.pid);
    return this.children.size;
  }

  /** Exit code, once it and everybody it started is gone. */
  async over(): Promise<number | null> {
    await until(() => this.isOver, { what: 'it ends', timeoutMs: 60_000 });
    await until(() => !listProcesses().some(({ pid }) => this.children.has(pid)), { what: 'nobody is left' });
    return this.process.exitCode;
  }

  async close(): Promise<void> {
    if (!this.isOver) this.process.kill('SIGKILL');
    await until(() => this.isOver);
    rmSync(this.data, { recursive: true, force: true });
  }
}

const runs: Run[] = [];
function run(http = '127.0.0.1:0'): Run {
  const one = new Run(http);
  runs.push(one);
  return one;
}
afterEach(() => Promise.all(runs.splice(0).map((one) => one.close())));

test('a listener that is taken is said once, in words, with exit code 1', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await until(() => server.listening);
  const { port } = server.address() as { port: number };
  const one = run(`127.0.0.1:${port}`);
  assert.equal(await one.over(), 1);
  assert.match(one.errors, /^tidegate: .*is taken by another process \(listener\.in_use\)\n {2}.+\n$/);
  assert.equal(one.output, '', 'nothing was started');
});

test('SIGTERM during the start ends it in order', async () => {
  for (const seen of [0, 3]) {
    const one = run();
    await until(() => one.look() >= seen && (seen > 0 || one.output.includes('supervising')));
    one.process.kill('SIGTERM');
    assert.equal(await one.over(), 0, `${seen} children: ${one.errors}`);
    assert.equal(one.errors, '');
  }
});

test('SIGINT twice ends everything at once', async () => {
  const one = run();
  await until(() => one.look() === 3 && one.output.includes('"listening"'));
  // A worker that hangs would hold up an orderly end.
  const worker = listProcesses().find(
    (child) => one.children.has(child.pid) && child.commandLine.includes(' worker {'),
  );
  process.kill(worker?.pid ?? 0, 'SIGSTOP');
  const isOver = (): boolean => {
    // Two that come too close to each other are one.
    if (!one.isOver) one.process.kill('SIGINT');
    return one.isOver;
  };
  await until(isOver, { everyMs: 50 });
  assert.equal(await one.over(), 1);
});

test('a supervisor that is killed takes everybody with it', async () => {
  const one = run();
  await until(() => one.look() === 3 && one.output.includes('"listening"'));
  one.process.kill('SIGKILL');
  await one.over();
});
