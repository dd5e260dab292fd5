/** The supervisor with real processes that only stand in for the real ones: nobody it keeps is missed for long. */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { systemClock } from '#core/clock';
import { parseConfig } from '#core/config';
import { silentLog } from '#core/log';

import { ask } from '#test/support/tidegate';
import { until } from '#test/support/until';
import { Supervisor } from '#workers/supervisor';
import { childrenOf } from './children.ts';

type Mode = 'well' | 'exit at boot' | 'exit at hand-over' | 'worker fails' | 'control fails';

/** Ten times as fast: what takes the supervisor ten seconds takes a test one. */
const FAST_CLOCK = {
  wall: systemClock.wall,
  now: () => systemClock.now() * 10,
  after: (delayMs: number, run: () => void) => systemClock.after(delayMs / 10, run),
};

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

class Rig {
  readonly folder = mkdtempSync('/tmp/tg-supervisor-');
  readonly supervisor: Supervisor;
  readonly failures: string[] = [];
  readonly lines: string[] = [];
  port = 0;

  constructor(clock = systemClock) {
    this.mode('well');
    const program = path.join(this.folder, 'stand-in.ts');
    copyFileSync(new URL('./stand-in.ts', import.meta.url), program);
    const note = (message: string, facts?: object): void => {
      this.lines.push(`${message} ${JSON.stringify(facts)}`);
      if (message === 'listening') this.port = (facts as { port: number }).port;
    };
    this.supervisor = new Supervisor({
      config: parseConfig({ TIDEGATE_HTTP: '127.0.0.1:0', TIDEGATE_HTTPS: 'off', TIDEGATE_ADMIN: '127.0.0.1:0' }),
      ...{ count: 2, program, clock },
      log: { ...silentLog, info: note, warn: note, error: note },
      onFailed: (words) => this.failures.push(words),
    });
  }

  async start(): Promise<void> {
    await this.supervisor.start();
    await until(() => this.workers.length === 2 && this.supervisor.workers.every((one) => one.serving));
  }

  mode(mode: Mode): void {
    writeFileSync(path.join(this.folder, 'mode'), mode);
  }

  get workers(): number[] {
    return childrenOf(process.pid, 'worker');
  }

  get controls(): number[] {
    return childrenOf(process.pid, 'control');
  }

  said(words: string): boolean {
    return this.lines.some((line) => line.includes(words));
  }

  async upgrade(mode: Mode, outcome: string): Promise<void> {
    this.mode(mode);
    this.lines.splice(0);
    this.supervisor.upgrade();
    await until(() => this.said(outcome), { what: outcome, timeoutMs: 60_000 });
  }

  async close(): Promise<void> {
    await this.supervisor.end('the test is over');
    assert.deepEqual([...this.workers, ...this.controls], [], 'no process is left');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function startRig(clock = systemClock): Promise<Rig> {
  rig = new Rig(clock);
  await rig.start();
  return rig;
}

test('the old version goes on whatever keeps the new one from taking over, and no client notices', async () => {
  const one = await startRig();
  const before = [one.workers, one.controls];
  let open = true;
  const load = (async (): Promise<void> => {
    while (open) assert.equal((await ask(one.port)).status, 200);
  })();
  for (const mode of ['exit at boot', 'worker fails', 'exit at hand-over', 'control fails'] as const) {
    // It acts again when it is found ready to hand over once more.
    await until(async () => {
      await one.upgrade(mode, 'new version');
      return !one.said('cannot take over now');
    });
    await until(() => one.said('the old one goes on'), { what: mode });
    await until(() => one.workers.length === 2 && one.controls.length === 1);
    assert.deepEqual([one.workers, one.controls], before, `nobody of the old version was harmed: ${mode}`);
  }
  await until(async () => {
    await one.upgrade('well', 'new version');
    return !one.said('cannot take over now');
  });
  await until(() => one.said('the new version serves'));
  await until(() => one.workers.length === 2 && one.controls.length === 1);
  open = false;
  await load;
  assert.ok([...one.workers, ...one.controls].every((pid) => !before.flat().includes(pid)));
});

test('a worker that dies during a takeover leaves no place empty and none filled twice', async () => {
  const one = await startRig();
  const [victim = 0] = one.workers;
  one.supervisor.upgrade();
  process.kill(victim, 'SIGKILL');
  await until(() => one.said('the new version serves') && one.said('a worker ended'));
  await until(() => one.workers.length === 2);
  const places = one.supervisor.workers.filter((seat) => !seat.leaving).map((seat) => seat.n);
  assert.deepEqual(places.sort(), [1, 2]);
});

test('a worker that cannot go on after the start is replaced until one can', async () => {
  const one = await startRig();
  one.mode('worker fails');
  process.kill(one.workers[0] ?? 0, 'SIGKILL');
  await until(() => one.said('as it was told'));
  one.mode('well');
  await until(() => one.supervisor.workers.filter((seat) => seat.serving).length === 2);
  assert.deepEqual(one.failures, []);
});

test('a worker or control that hangs is replaced', async () => {
  const one = await startRig(FAST_CLOCK);
  const [worker = 0] = one.workers;
  const [control = 0] = one.controls;
  process.kill(worker, 'SIGSTOP');
  process.kill(control, 'SIGSTOP');
  await until(() => !one.workers.includes(worker) && !one.controls.includes(control));
  assert.ok(one.said('"role":"worker"') && one.said('"role":"control"') && one.said('no sign of life'));
  await until(() => one.supervisor.workers.filter((seat) => seat.serving).length === 2 && one.controls.length === 1);
});
