/** Apps and sets that the command line makes, their environment, and their secrets, which it never shows. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { AppGround } from './app-ground.ts';

const SECRET = 'correct horse\nbattery';

test('an app is made once, and goes after a question', async (t) => {
  const ground = await AppGround.start(t);
  const made = await ground.tide('apps create shop --description ours --json');
  assert.deepEqual([made.code, JSON.parse(made.stdout).description], [0, 'ours'], made.stderr);
  await ground.tide('env set A=1 -a shop');
  const again = await ground.tide('apps create shop');
  assert.equal(again.code, 5);
  assert.match(again.stderr, /There is an app shop already/);
  assert.equal((await ground.tide('env ls -a shop')).stdout, 'A=1\n', 'what it had it has');
  assert.equal((await ground.tide('apps create No')).code, 1);
  assert.equal((await ground.tide('apps rm shop')).code, 2, 'nobody is there to answer');
  const gone = await ground.tide('apps rm shop --volumes --yes --wait');
  assert.equal(gone.code, 0, gone.stderr);
  assert.match(gone.stderr, /The app\.delete of shop has succeeded/);
  assert.equal((await ground.tide('apps rm shop -y')).code, 3);
});

test('variables are set beside those there are, and taken away', async (t) => {
  const ground = await AppGround.start(t);
  await ground.tide('apps create shop');
  const set = await ground.tide('env set A=1 URL=http://x/?a=b');
  assert.deepEqual([set.code, set.stdout], [0, ''], set.stderr);
  assert.match(set.stderr, /`tide deploy`, or `tide restart`/);
  await ground.tide('env set B=');
  assert.equal((await ground.tide('env ls')).stdout, 'A=1\nURL=http://x/?a=b\nB=\n');
  await ground.tide('env unset A B');
  assert.deepEqual((await ground.json<{ env: object }>('env ls')).env, { URL: 'http://x/?a=b' });
  assert.equal((await ground.tide('env set A')).code, 2);
  assert.equal((await ground.tide('env set 1A=x')).code, 1);
});

test('a secret comes from stdin or the keyboard, and is shown nowhere', async (t) => {
  const ground = await AppGround.start(t);
  await ground.tide('apps create shop');
  const runs = [
    await ground.tide('secrets set PASSWORD', { input: `${SECRET}\n` }),
    await ground.tide('secrets set OTHER=- --json', { input: SECRET }),
    await ground.tide('secrets set TYPED', { input: 'correct horse\r', terminal: true }),
    await ground.tide('secrets ls'),
    await ground.tide('secrets ls --json'),
    await ground.tide('audit'),
    await ground.tide('env ls --json'),
  ];
  assert.deepEqual(
    runs.map(({ code }) => code),
    runs.map(() => 0),
    JSON.stringify(runs),
  );
  for (const { stdout, stderr } of runs) assert.doesNotMatch(stdout + stderr, /horse|battery/);
  assert.deepEqual(runs[3]?.stdout.match(/^\w+/gm), ['SECRET', 'OTHER', 'PASSWORD', 'TYPED']);
  const kept = await ground.platform.apps.library.secret('default', 'shop', 'PASSWORD');
  assert.ok(
    Buffer.from(kept ?? '', 'base64')
      .toString()
      .endsWith(`|${SECRET}`),
    'one line end goes',
  );
  assert.equal((await ground.tide('secrets unset OTHER TYPED')).code, 0);
  assert.equal((await ground.tide('secrets unset OTHER')).code, 3);
  const none = await ground.tide('secrets set NONE');
  assert.equal(none.code, 2);
  const spoken = await ground.tide('secrets set PASSWORD=battery');
  assert.equal(spoken.code, 2);
  assert.doesNotMatch(spoken.stderr, /battery/);
});

test('a set goes out as JSON and comes in again, by a deployment where that is needed', async (t) => {
  const ground = await AppGround.deployed(t);
  const shown = await ground.tide('sets show');
  const spec = JSON.parse(shown.stdout);
  assert.equal(spec.containers[0].image, 'shop:1');
  const file = join(ground.ground.home, 'web.json');
  writeFileSync(file, JSON.stringify({ ...spec, scale: { max: 3 } }));
  const tried = await ground.tide('sets apply -f web.json --dry-run');
  assert.deepEqual([tried.code, JSON.parse(tried.stdout).scale], [0, { max: 3 }], tried.stderr);
  assert.equal((await ground.tide('sets show')).stdout, shown.stdout, 'nothing has changed');
  const inPlace = await ground.tide('sets apply -f web.json');
  assert.deepEqual([inPlace.code, inPlace.stdout], [0, ''], inPlace.stderr);
  assert.match(inPlace.stderr, /no container had to change/);
  writeFileSync(file, JSON.stringify({ ...spec, containers: [{ image: 'shop:2' }] }));
  const moved = await ground.tide('sets apply -f web.json --strategy bluegreen --wait');
  assert.equal(moved.code, 0, moved.stderr);
  assert.match(moved.stdout, /^web r\d+\n$/);
  const piped = await ground.tide('sets apply -f - --set db --wait', { input: '{"containers":[{"image":"db:1"}]}' });
  assert.deepEqual([piped.code, piped.stdout], [0, 'db r1\n'], piped.stderr);
  assert.equal((await ground.tide('sets rm db')).code, 2);
  assert.equal((await ground.tide('sets rm db -y --wait')).code, 0);
  assert.equal((await ground.tide('sets show db')).code, 3);
  assert.equal((await ground.tide('sets apply -f - ', { input: 'name: web' })).code, 2);
  const wrong = await ground.tide('sets apply -f -', { input: '{"containers":[]}' });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /\/containers/);
});

test('limits change while it runs', async (t) => {
  const ground = await AppGround.deployed(t);
  const sized = await ground.tide('resize web --cpu 2 --memory 1g');
  assert.equal(sized.code, 0, sized.stderr);
  assert.match(sized.stdout, /cpu: +2\nmemory: +1Gi\n/);
  assert.deepEqual((await ground.json<{ spec: { resources: object } }>('resize web --cpu 500m')).spec.resources, {
    cpu: 0.5,
    memory: 1_073_741_824,
  });
  assert.equal((await ground.tide('resize web')).code, 2);
  assert.equal((await ground.tide('resize web --cpu much')).code, 1);
  assert.equal((await ground.tide('resize none --cpu 1')).code, 3);
});

test('an app is stopped, started and restarted', async (t) => {
  const ground = await AppGround.deployed(t);
  assert.equal((await ground.tide('stop')).stderr, 'shop stays down until `tide start`.\n');
  assert.equal(ground.platform.apps.library.app('default', 'shop')?.stopped, true);
  assert.equal((await ground.json<{ stopped: boolean }>('start')).stopped, false);
  const again = await ground.tide('restart --wait');
  assert.deepEqual([again.code, again.stdout], [0, 'web r2\n'], again.stderr);
  assert.equal((await ground.tide('restart -a none')).code, 3);
});
