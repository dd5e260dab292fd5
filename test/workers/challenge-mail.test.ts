/** A certificate authority is told to come when every worker shows its answer: how that goes over the mail of both sides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '#core/log';
import { setKey } from '#core/set';
import { RouteTable } from '#router/route-table';
import { policy, route } from '#test/router/sample';
import { FakeClock } from '#test/support/fake-clock';
import { Connection } from '#workers/connection';
import { Fleet } from '#workers/fleet';
import { type ChallengeChange, PROTOCOL, type ToControl, type ToWorker } from '#workers/messages';

const HELLO = { kind: 'hello', protocol: PROTOCOL, carried: [] } as const;
const CHANGE = { type: 'http', token: 'token', authorization: 'token.thumb' } as const;

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

class Control {
  readonly clock = new FakeClock();
  readonly said: (readonly [number, ToWorker])[] = [];
  readonly uncertified: string[] = [];
  readonly fleet = new Fleet({
    ...{ clock: this.clock, log: silentLog, expected: [], isWhole: () => true },
    table: new RouteTable({ clock: this.clock, random: () => 0 }),
    admitter: { admit: () => Promise.reject(new Error('nobody asks')), knock: () => null },
    post: (worker, mail) => void this.said.push(...mail.map((message) => [worker, message] as const)),
    giveUp: () => {},
    onUncertified: (hostname) => void this.uncertified.push(hostname),
  });

  kinds(worker: number): string[] {
    return this.said.filter(([one]) => one === worker).map(([, { kind }]) => kind);
  }

  /** The answer is on its way to the workers; `isDone` tells whether all have it. */
  show(): { readonly isDone: () => boolean } {
    let done = false;
    void this.fleet.challenges.showHttp(CHANGE.token, CHANGE.authorization).then(() => {
      done = true;
    });
    return { isDone: () => done };
  }
}

test('a worker that is killed while a challenge waits for it is waited for no longer', async () => {
  const control = new Control();
  control.fleet.receive(1, [HELLO]);
  control.fleet.receive(2, [HELLO]);
  const order = control.show();
  await turn();
  assert.deepEqual(control.said.at(-1), [2, { kind: 'challenge', round: 1, change: CHANGE }]);
  control.fleet.receive(1, [{ kind: 'shown', round: 1 }]);
  await turn();
  assert.equal(order.isDone(), false);
  control.fleet.leave(2);
  await turn();
  assert.equal(order.isDone(), true);
  control.fleet.close();
});

test('a worker that comes while a challenge stands hears of it before it is told to serve', async () => {
  const control = new Control();
  control.fleet.apply({ key: setKey('default', 'app', 'web'), policy: policy(), routes: [route('app.test')] });
  control.fleet.complete();
  const order = control.show();
  await turn();
  assert.equal(order.isDone(), true, 'nobody serves: there is nobody to wait for');
  control.fleet.receive(1, [HELLO]);
  // A large picture comes in parts, and a worker may serve after the first.
  assert.deepEqual(control.kinds(1), ['certificates', 'challenge', 'set', 'complete']);
  control.fleet.close();
});

test('news of certificates reach every worker, and what a worker misses reaches control', async () => {
  const control = new Control();
  control.fleet.receive(1, [HELLO]);
  control.fleet.receive(2, [HELLO]);
  control.said.length = 0;
  control.fleet.tellCertificates(['app.test']);
  await turn();
  const message = { kind: 'certificates', names: ['app.test'] };
  assert.deepEqual(control.said, [
    [1, message],
    [2, message],
  ]);
  control.fleet.receive(2, [{ kind: 'uncertified', hostname: 'app.test' }]);
  assert.deepEqual(control.uncertified, ['app.test']);
  control.fleet.close();
});

class Worker {
  readonly mail: ToControl[] = [];
  readonly shows: { readonly change: ChallengeChange; readonly done: () => void; readonly fail: () => void }[] = [];
  readonly connection = new Connection({
    ...{ clock: new FakeClock(), random: () => 0, collect: () => null },
    post: (mail) => void this.mail.push(...mail),
    onTaken: () => {},
    onChallenge: (change) =>
      new Promise((done, reject) => {
        this.shows.push({ change, done, fail: () => reject(new Error('no such certificate')) });
      }),
    onCertificates: () => {},
    onPicture: () => {},
  });

  constructor() {
    this.connection.greet();
  }

  async shown(): Promise<number[]> {
    await turn();
    return this.mail.flatMap((one) => (one.kind === 'shown' ? [one.round] : []));
  }
}

test('a worker says that it shows an answer when it does, and of one that cannot be shown nothing', async () => {
  const worker = new Worker();
  worker.connection.take([
    { kind: 'challenge', round: 1, change: CHANGE },
    { kind: 'challenge', round: 2, change: CHANGE },
    { kind: 'challenge', round: 0, change: { ...CHANGE, authorization: null } },
  ]);
  assert.deepEqual(await worker.shown(), []);
  const [first, second, third] = worker.shows;
  second?.done();
  third?.done();
  assert.deepEqual(await worker.shown(), [2]);
  first?.fail();
  assert.deepEqual(await worker.shown(), [2]);
});

test('what was shown for one control is not said to the next', async () => {
  const worker = new Worker();
  worker.connection.take([{ kind: 'challenge', round: 1, change: CHANGE }]);
  worker.connection.greet();
  worker.shows[0]?.done();
  assert.deepEqual(await worker.shown(), []);
});
