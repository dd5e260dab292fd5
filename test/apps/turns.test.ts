/** Changes of one app that come at the same time: none is lost. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Turns } from '#apps/turns';
import { Platform } from './support/platform.ts';

const ASKER = { tenant: 'acme', by: 'op_1' };

let platform: Platform;

beforeEach(async () => {
  platform = new Platform();
  await platform.open();
});
afterEach(() => platform.close());

test('work under one key is done one after the other, also after one that failed', async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(`${name} ends`);
    if (name === 'a') throw new Error('a failed');
    return name;
  };
  const all = await Promise.allSettled([turns.take('k', work('a')), turns.take('k', work('b'))]);
  assert.deepEqual(
    all.map((one) => one.status),
    ['rejected', 'fulfilled'],
  );
  assert.deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends']);
});

test('variables that are set at the same time are all kept, and so is that the app was stopped', async () => {
  const { app } = await platform.apps.putApp(ASKER, 'shop', {});
  const set = (name: string) => platform.apps.putApp(ASKER, 'shop', ({ env }) => ({ env: { ...env, [name]: 'yes' } }));
  await Promise.all([set('A'), platform.apps.setStopped(ASKER, app, true), set('B'), set('C')]);
  const now = platform.apps.library.app('acme', 'shop');
  assert.deepEqual([now?.env, now?.stopped], [{ A: 'yes', B: 'yes', C: 'yes' }, true]);
});
