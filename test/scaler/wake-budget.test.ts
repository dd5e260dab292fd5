/** The wake budget: so many at a time, tenants in turns, and no more a minute than a plan allows. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { setKey } from '#core/set';
import { ANY_WAKES, type WakeAllowance, WakeBudget } from '#scaler/wake-budget';
import { FakeClock } from '#test/support/fake-clock';
import { Rig } from './support/rig.ts';

/** A budget and the order in which turns came. */
class Counter {
  readonly clock = new FakeClock();
  readonly turns: string[] = [];
  readonly budget: WakeBudget;

  constructor(atOnce: number, allowances: Readonly<Record<string, Partial<WakeAllowance>>> = {}) {
    const allowanceOf = (tenant: string): WakeAllowance => ({ ...ANY_WAKES, ...allowances[tenant] });
    this.budget = new WakeBudget({ clock: this.clock, atOnce, allowanceOf });
  }

  ask(tenant: string, app: string): void {
    const name = `${tenant}/${app}`;
    const given = this.budget.ask(setKey(tenant, app, 'web'), tenant, () => void this.turns.push(name));
    if (given) this.turns.push(name);
  }

  end(name: string): void {
    const [tenant = '', app = ''] = name.split('/');
    this.budget.end(setKey(tenant, app, 'web'));
  }
}

test('a tenant that asks for many starts has one after the other, behind the first of everybody else', () => {
  const counter = new Counter(2);
  for (let i = 0; i < 20; i++) counter.ask('crawled', `app${i}`);
  counter.ask('acme', 'shop');
  counter.ask('other', 'blog');
  assert.deepEqual(counter.turns, ['crawled/app0', 'crawled/app1']);
  counter.end('crawled/app0');
  counter.end('crawled/app1');
  assert.deepEqual(counter.turns.slice(2), ['acme/shop', 'other/blog']);
  counter.end('acme/shop');
  assert.deepEqual(counter.turns.slice(4), ['crawled/app2']);
  assert.equal(counter.budget.waiting, 17);
});

test('what is not wanted any more gives up its place in the queue, or the turn it had', () => {
  const counter = new Counter(1);
  for (const app of ['a', 'b', 'c']) counter.ask('acme', app);
  counter.end('acme/b');
  counter.end('acme/a');
  assert.deepEqual(counter.turns, ['acme/a', 'acme/c']);
});

test('one that starts for long keeps its turn, and others begin nevertheless', async () => {
  const counter = new Counter(1);
  counter.ask('acme', 'slow');
  counter.ask('acme', 'quick');
  await counter.clock.advance(9999);
  assert.deepEqual(counter.turns, ['acme/slow']);
  await counter.clock.advance(1);
  assert.deepEqual(counter.turns, ['acme/slow', 'acme/quick']);
  counter.ask('acme', 'slow');
  assert.equal(counter.turns.length, 3);
});

test('a plan bounds the wakes of a minute and those at a time, of its own tenant alone', async () => {
  const counter = new Counter(8, { small: { perMinute: 2, atOnce: 1 } });
  for (const app of ['a', 'b', 'c']) counter.ask('small', app);
  counter.ask('big', 'a');
  assert.deepEqual(counter.turns, ['small/a', 'big/a']);
  await counter.clock.advance(5000);
  counter.end('small/a');
  counter.end('small/b');
  assert.deepEqual(counter.turns.slice(2), ['small/b']);
  assert.equal(counter.budget.overdrawn('small'), 55);
  assert.equal(counter.budget.overdrawn('big'), null);
  await counter.clock.advance(55_000);
  assert.deepEqual(counter.turns.slice(3), ['small/c']);
});

test('two hundred sleeping apps that are asked for at once are started eight at a time, and all of them come up', async () => {
  const rig = new Rig();
  const keys = Array.from({ length: 200 }, (_, i) => rig.set(`app${i}`));
  for (let i = 0; i < 200; i++) rig.add(`app${i}`, 'exited', { listensAfterMs: 50 });
  await rig.clock.advance(0);
  const asks = keys.map((key) => rig.ask(key));
  let most = 0;
  for (let i = 0; i < 3000; i++) {
    await rig.clock.advance(1);
    const rising = [...rig.world.containers.values()].filter(
      (one) => one.status === 'running' && !rig.world.answers(one),
    );
    most = Math.max(most, rising.length);
  }
  assert.equal(most, 8);
  assert.deepEqual([...new Set(asks.map((one) => one.became))], ['admitted']);
});

test('a request over the plan is turned away at once with the time to come back, and the operator hears of it once', async () => {
  const rig = new Rig({ wakesOf: () => ({ perMinute: 1, atOnce: null }) });
  const keys = ['one', 'two', 'three'].map((name) => rig.set(name));
  for (const name of ['one', 'two', 'three']) rig.add(name, 'exited', { listensAfterMs: 50 });
  await rig.clock.advance(0);
  const asks = keys.map((key) => rig.ask(key));
  await rig.clock.advance(200);
  assert.deepEqual(
    asks.map((one) => one.became),
    ['admitted', 'wake_limited', 'wake_limited'],
  );
  assert.deepEqual(asks[1]?.outcome, { outcome: 'stopped', code: 'wake_limited', retryAfterS: 60 });
  assert.equal(rig.told('set.wake_limited').length, 1);
  await rig.clock.advance(60_000);
  const again = keys.slice(1, 2).map((key) => rig.ask(key));
  await rig.clock.advance(200);
  assert.deepEqual(
    again.map((one) => one.became),
    ['admitted'],
  );
});

test('what a set depends on comes up with it, and takes no turn of its own', async () => {
  const rig = new Rig({ wakesOf: () => ({ perMinute: 1, atOnce: 1 }) });
  const web = rig.set('web', { depends: ['db'] });
  rig.set('db');
  rig.add('web', 'exited');
  rig.add('db', 'exited');
  await rig.clock.advance(0);
  const ask = rig.ask(web);
  await rig.clock.advance(1000);
  assert.equal(ask.became, 'admitted');
});
