/** Before a certificate authority is told to come, every worker has to show what it will ask for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#test/support/fake-clock';
import type { ToWorker } from '#workers/messages';
import { SharedChallenges } from '#workers/shared-challenges';

class Scene {
  readonly clock = new FakeClock();
  readonly said: ToWorker[] = [];
  workers = [1, 2];
  readonly board = new SharedChallenges({
    clock: this.clock,
    sayToAll: (message) => this.said.push(message),
    workers: () => this.workers,
  });

  /** Whether it resolves without anything further. */
  async isDone(promise: Promise<void>): Promise<boolean> {
    let done = false;
    void promise.then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    return done;
  }
}

test('a challenge is shown when every worker has said so, or is gone', async () => {
  const scene = new Scene();
  const shown = scene.board.showHttp('token', 'token.thumb');
  const change = { type: 'http', token: 'token', authorization: 'token.thumb' };
  assert.deepEqual(scene.said, [{ kind: 'challenge', round: 1, change }]);
  scene.board.answered(1, 1);
  assert.equal(await scene.isDone(shown), false);
  scene.board.leave(2);
  assert.equal(await scene.isDone(shown), true);
});

test('a worker that comes later is told the whole board, and nothing that was taken back', async () => {
  const scene = new Scene();
  scene.workers = [];
  await scene.board.showHttp('one', 'one.thumb');
  await scene.board.showTls('app.test', { chain: 'chain', key: 'key' });
  await scene.board.showHttp('two', 'two.thumb');
  scene.board.hideHttp('one');
  assert.deepEqual(
    [...scene.board.whole()],
    [
      {
        kind: 'challenge',
        round: 0,
        change: { type: 'tls', hostname: 'app.test', certificate: { chain: 'chain', key: 'key' } },
      },
      { kind: 'challenge', round: 0, change: { type: 'http', token: 'two', authorization: 'two.thumb' } },
    ],
  );
  scene.board.hideTls('app.test');
  scene.board.hideHttp('two');
  assert.deepEqual([...scene.board.whole()], []);
});

test('a worker that hangs is not waited for any longer than a few seconds', async () => {
  const scene = new Scene();
  const shown = scene.board.showTls('app.test', { chain: '', key: '' });
  await scene.clock.advance(4999);
  assert.equal(await scene.isDone(shown), false);
  await scene.clock.advance(1);
  assert.equal(await scene.isDone(shown), true);
});
