/** Revisions on the command line: listed, gone back to, and sharing the traffic. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AppGround } from './app-ground.ts';
import { linesOf } from './tide-ground.ts';

async function withTwo(...args: Parameters<typeof AppGround.deployed>): Promise<AppGround> {
  const ground = await AppGround.deployed(...args);
  assert.equal((await ground.tide('deploy --image shop:2 --cause hotfix --wait')).code, 0);
  return ground;
}

test('revisions are listed with their images and why they were made, the newest first', async (t) => {
  const ground = await withTwo(t);
  const rows = linesOf((await ground.tide('revisions')).stdout).map((line) => line.split(/ {2,}/));
  assert.deepEqual(
    rows.slice(1).map((row) => row.slice(0, 3)),
    [
      ['r2', 'in force', 'shop:2'],
      ['r1', 'shop:1', 'now'],
    ],
  );
  assert.equal(rows[1]?.at(-1), 'hotfix');
  const { items } = await ground.json<{ items: { name: string }[] }>('revisions --set web');
  assert.deepEqual(
    items.map(({ name }) => name),
    ['r2', 'r1'],
  );
  assert.equal((await ground.tide('revisions --set none')).code, 3);
});

test('rollback goes to the revision before, or to the one that is named', async (t) => {
  const ground = await withTwo(t);
  const back = await ground.tide('rollback --wait');
  assert.deepEqual([back.code, back.stdout], [0, 'web r1\n'], back.stderr);
  const forth = await ground.tide('rollback r2 --strategy bluegreen --wait');
  assert.deepEqual([forth.code, forth.stdout], [0, 'web r2\n'], forth.stderr);
  assert.equal((await ground.tide('rollback r2')).code, 5, 'it is in force');
  assert.equal((await ground.tide('rollback r9')).code, 3);
  assert.equal((await ground.tide('rollback --strategy canary')).code, 2);
  assert.match((await ground.tide('rollback')).stdout, /^opr_\w+\n$/);
});

test('traffic is split by weights, matches and visitors, and what is left out stays', async (t) => {
  const ground = await withTwo(t);
  const all = await ground.tide(
    'traffic set r2=10,r1=90 --match header:x-beta=a:b=c:r2 --match cookie:beta=1:r1 --sticky',
  );
  assert.equal(all.code, 0, all.stderr);
  assert.deepEqual(linesOf(all.stdout), [
    'REVISION  WEIGHT',
    'r2        10',
    'r1        90',
    'header x-beta = a:b=c: r2',
    'cookie beta = 1: r1',
    'sticky: a visitor stays on the revision that was chosen for him',
  ]);
  const match = [
    { header: 'x-beta', value: 'a:b=c', revision: 'r2' },
    { cookie: 'beta', value: '1', revision: 'r1' },
  ];
  const even = [
    { revision: 'r2', weight: 50 },
    { revision: 'r1', weight: 50 },
  ];
  assert.deepEqual(await ground.json('traffic set r2=50%,r1=50%'), { targets: even, match, sticky: true });
  assert.deepEqual(await ground.json('traffic set --sticky=off'), { targets: even, match, sticky: false });
  assert.deepEqual(await ground.json('traffic set --match none'), { targets: even, match: [], sticky: false });
  assert.deepEqual(await ground.json('traffic'), { targets: even, match: [], sticky: false });
});

test('a split that cannot be meant changes nothing', async (t) => {
  const ground = await withTwo(t);
  for (const line of ['', ' r2', ' r2=x', ' r2=1 --match x-beta=1:r2', ' r2=1 --sticky=maybe']) {
    assert.equal((await ground.tide(`traffic set${line}`)).code, 2, line);
  }
  const unknown = await ground.tide('traffic set r9=100');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /The set has no revision "r9"/);
  assert.deepEqual(await ground.json('traffic'), {
    targets: [{ revision: 'r2', weight: 100 }],
    match: [],
    sticky: false,
  });
});
