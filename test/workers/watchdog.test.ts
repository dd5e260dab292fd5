/** The watchdog: ends what hangs, and nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import type { Order } from '#workers/roles';
import { Watchdog } from '#workers/watchdog';

class Subject {
  readonly n = 1;
  readonly pid = 1;
  readonly role: 'worker' | 'control';
  heard = 0;
  killedFor: string | null = null;
  answers = true;

  constructor(role: 'worker' | 'control') {
    this.role = role;
  }

  tell(order: Order): void {
    if (order.type === 'ping' && this.answers) this.heard++;
  }

  kill(why: string | null = null): void {
    this.killedFor = why;
  }
}

function rig() {
  const worker = new Subject('worker');
  const control = new Subject('control');
  let now = 0;
  let look = (): void => {};
  const clock = {
    wall: () => now,
    now: () => now,
    after: (_delayMs: number, run: () => void) => {
      look = run;
      return { cancel: () => {} };
    },
  };
  const booted = { worker: true };
  const seats = () => [
    { child: worker, booted: booted.worker },
    { child: control, booted: true },
  ];
  const watchdog = new Watchdog({ clock, log: silentLog, seats });
  watchdog.start();
  const pass = (seconds: number, stepMs = 1000): void => {
    for (let i = 0; i < seconds * 1000; i += stepMs) {
      now += stepMs;
      look();
    }
  };
  return { worker, control, booted, pass };
}

test('a worker is ended after ten silent seconds, control after thirty', () => {
  const { worker, control, pass } = rig();
  pass(60);
  assert.equal(worker.killedFor ?? control.killedFor, null, 'who answers lives');
  worker.answers = false;
  control.answers = false;
  pass(9);
  assert.equal(worker.killedFor, null);
  pass(3);
  assert.match(worker.killedFor ?? '', /10 s/);
  pass(16);
  assert.equal(control.killedFor, null);
  pass(4);
  assert.match(control.killedFor ?? '', /30 s/);
});

test('one that boots may take a minute', () => {
  const { worker, booted, pass } = rig();
  booted.worker = false;
  worker.answers = false;
  pass(58);
  assert.equal(worker.killedFor, null);
  pass(4);
  assert.match(worker.killedFor ?? '', /60 s/);
});

test('a sleep of the whole machine, or of the supervisor alone, is held against nobody', () => {
  const { worker, control, pass } = rig();
  pass(5);
  worker.answers = false;
  pass(9);
  pass(3600, 3_600_000);
  pass(8);
  worker.answers = true;
  pass(5);
  for (let i = 0; i < 20; i++) pass(4, 4000);
  assert.equal(worker.killedFor ?? control.killedFor, null);
});
