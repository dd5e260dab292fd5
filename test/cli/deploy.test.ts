/** `tide deploy`: what it asks for, what it says on the way, and what it ends with. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { until } from '#test/support/until';
import { AppGround } from './app-ground.ts';
import type { RunOptions } from './tide-ground.ts';

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

/** A door through which nothing goes but what is asked of deployments, which is kept. */
function listening(sent: Sent[], operation: Record<string, unknown> = {}): RunOptions {
  const door: typeof fetch = async (input, init) => {
    const { pathname, search } = new URL(String(input));
    const method = init?.method ?? 'GET';
    if (method === 'GET' && pathname === '/v1/apps/shop') {
      return Response.json({ name: 'shop', sets: [{ name: 'web' }, { name: 'db' }] });
    }
    sent.push({ method, path: pathname + search, body: JSON.parse(String(init?.body ?? 'null')) });
    const whole = { id: 'opr_1', type: 'deployment', target: 'shop/web', state: 'pending', phase: '', steps: [] };
    return Response.json(
      { ...whole, app: 'shop', progress: { done: 0, total: 0 }, notes: [], ...operation },
      { status: 202 },
    );
  };
  return { fetch: door };
}

test('the first image makes the set, with its port and where it answers, and the next one moves it', async (t) => {
  const ground = await AppGround.start(t);
  await ground.tide('apps create shop');
  const first = await ground.tide('deploy --image shop:1 -a shop --port 8080 --host shop.test,www.shop.test --wait');
  assert.deepEqual([first.code, first.stdout], [0, 'web r1\n'], first.stderr);
  assert.match(
    first.stderr,
    /^shop gets its set web\.\n(.*\n)*resolving: .*\n(.*\n)*The deployment of shop\/web has succ/,
  );
  const { spec } = await ground.json<{ spec: Record<string, unknown> }>('sets show web -a shop');
  assert.deepEqual([spec.port, spec.routes], [8080, [{ host: 'shop.test' }, { host: 'www.shop.test' }]]);
  ground.ground.discover();
  const second = await ground.tide('deploy --image shop:2 --timeout 1m');
  assert.deepEqual([second.code, second.stdout], [0, 'web r2\n'], second.stderr);
  const other = await ground.tide('deploy --image shop:2 --port 9090');
  assert.equal(other.code, 2, 'its port is not changed on the way');
  assert.match(other.stderr, /tide sets apply/);
});

test('what the first deployment of a set has no use for is said; an app that is not there has no deployments', async (t) => {
  const made = await AppGround.start(t);
  await made.tide('apps create shop');
  const { code, stderr } = await made.tide('deploy --image shop:1 -a shop --ready-within 8s --cause why --wait');
  assert.equal(code, 0, stderr);
  assert.match(stderr, /^--ready-within, --cause: not for the first deployment of a set, and left out\.$/m);
  assert.equal((await made.tide('deployments -a none')).code, 3);
});

test('without --wait the id of the operation is all that is on stdout, and ops wait takes it from there', async (t) => {
  const ground = await AppGround.deployed(t);
  const begun = await ground.tide('deploy --image shop:2');
  assert.equal(begun.code, 0);
  assert.match(begun.stdout, /^opr_\w+\n$/);
  const ended = await ground.tide(`ops wait ${begun.stdout.trim()}`);
  assert.deepEqual([ended.code, ended.stdout], [0, 'web r2\n'], ended.stderr);
  const json = await ground.tide('deploy --wait --json');
  assert.deepEqual([json.code, JSON.parse(json.stdout).result.revisions], [0, { web: 'r3' }]);
});

test('an image that is not there ends with 7, says why, what serves, and what to do', async (t) => {
  const ground = await AppGround.deployed(t);
  ground.platform.missing.add('shop:none');
  const ran = await ground.tide('deploy --image shop:none --wait');
  assert.deepEqual([ran.code, ran.stdout], [7, '']);
  assert.match(ran.stderr, /error: .* failed while resolving: shop:none: no such image \(image\.not_found\)\n/);
  assert.match(ran.stderr, / {2}web: r1 is in force, as before\.\nfix: Check name and tag/);
  const json = await ground.tide('deploy --image shop:none --wait --json');
  assert.deepEqual([json.code, JSON.parse(json.stdout).error.code], [7, 'image.not_found']);
});

test('what crashes ends with 7, and a first one leaves nothing that answers', async (t) => {
  const ground = await AppGround.start(t);
  ground.platform.crashing.add('shop:bad');
  await ground.tide('apps create shop');
  const ran = await ground.tide('deploy --image shop:bad -a shop --port 8080 --wait');
  assert.equal(ran.code, 7);
  assert.match(ran.stderr, /failed while probing: .* \(replica\.crashed\)\n/);
  assert.match(ran.stderr, /web: no revision was in force before, so nothing answers\./);
  const again = await ground.tide('deploy --image shop:1 -a shop --wait');
  assert.deepEqual([again.code, again.stdout], [0, 'web r2\n'], again.stderr);
  const { spec } = await ground.json<{ spec: { port: number } }>('sets show web -a shop');
  assert.equal(spec.port, 8080, 'the set is not made a second time');
});

test('what does not end in time ends with 6 and goes on; Ctrl-C ends with 130 and says how to go on', async (t) => {
  const ground = await AppGround.deployed(t);
  ground.platform.silent.add('shop:slow');
  const late = await ground.tide('deploy --image shop:slow --wait=1');
  assert.equal(late.code, 6, late.stderr);
  assert.match(
    late.stderr,
    /has not ended within 1s: it (?:is at|has not begun).*\n {2}It goes on\.\nfix: `tide ops wait opr_/,
  );
  const [, id = ''] = /tide ops wait (opr_\w+)/.exec(late.stderr) ?? [];
  const running = ground.begin(`ops wait ${id}`);
  await until(() => running.stderr().includes('probing'));
  running.interrupt();
  const { code, stderr } = await running.done;
  assert.equal(code, 130);
  assert.ok(stderr.includes(`The deployment goes on: \`tide ops wait ${id}\``), stderr);
  await ground.tide('cancel');
  const canceled = await ground.tide(`ops wait ${id}`);
  assert.equal(canceled.code, 7);
  assert.match(canceled.stderr, /has not come into force: it was canceled\.\n {2}web: r1 is in force, as before/);
});

test('a gateway that is away for a moment does not end the wait', async (t) => {
  const ground = await AppGround.deployed(t);
  let breaks = 2;
  const door: typeof fetch = async (input, init) => {
    if (String(input).includes('/operations/') && breaks-- > 0) throw new TypeError('fetch failed');
    return await fetch(input, init);
  };
  const ran = await ground.tide('deploy --image shop:2 --wait', { fetch: door });
  assert.deepEqual([ran.code, ran.stdout], [0, 'web r2\n'], ran.stderr);
  assert.equal(ran.stderr.match(/asking again/g)?.length, 1, ran.stderr);
});

test('options become what the API takes', async (t) => {
  const ground = await AppGround.start(t);
  const sent: Sent[] = [];
  const asked = async (line: string): Promise<unknown> => {
    sent.length = 0;
    const ran = await ground.tide(`deploy ${line} -a shop`, listening(sent));
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual([sent.length, sent[0]?.method, sent[0]?.path], [1, 'POST', '/v1/apps/shop/deployments']);
    return sent[0]?.body;
  };
  assert.deepEqual(await asked(''), {});
  assert.deepEqual(await asked('--image a:1'), { sets: ['web'], image: 'a:1' }, 'never the image of the database');
  assert.deepEqual(await asked('--image a:1 --set web,db'), { sets: ['web', 'db'], image: 'a:1' });
  assert.deepEqual(await asked('--members 2,3 --set web'), { sets: ['web'], strategy: 'member', members: [2, 3] });
  assert.deepEqual(await asked('--steps 10:1m,50%:5m --ready-within 3m --cause why'), {
    strategy: 'canary',
    steps: [
      { weight: 10, hold: '1m' },
      { weight: 50, hold: '5m' },
    ],
    ready_within: '3m',
    cause: 'why',
  });
});

test('an image for a member is that of this member, with all that it has otherwise', async (t) => {
  const ground = await AppGround.deployed(t);
  const agent = { index: 2, name: 'agent', image: 'agent:1', options: { env: { LEVEL: 'low' } } };
  const spec = { containers: [{ index: 1, name: 'main', image: 'shop:1' }, agent], port: 8080 };
  assert.equal((await ground.tide('sets apply -f - --wait', { input: JSON.stringify(spec) })).code, 0);
  const moved = await ground.tide('deploy --members 2 --image agent:2 --wait');
  assert.deepEqual([moved.code, moved.stdout], [0, 'web r3\n'], moved.stderr);
  const [replica] = [...ground.platform.replicas.values()];
  assert.deepEqual(replica?.members, { main: 'sha256:shop:1', agent: 'sha256:agent:2' });
  const now = await ground.json<{ spec: { containers: object[] } }>('sets show web');
  assert.deepEqual(now.spec.containers[1], { ...agent, image: 'agent:2' });
  const none = await ground.tide('deploy --members 3 --image agent:2');
  assert.equal(none.code, 2);
  assert.match(none.stderr, /web has no container 3; it has 1 \(main\), 2 \(agent\)/);
  assert.equal((await ground.tide('deploy --members 1,2 --image agent:2')).code, 2);
});

test('a compose file is sent as it is, with the variables that were given, to the app that it names', async (t) => {
  const ground = await AppGround.start(t);
  const text = 'name: shop # ours\nservices:\n  web:\n    image: shop:$TAG\n';
  writeFileSync(join(ground.ground.home, 'compose.yaml'), text);
  const sent: Sent[] = [];
  const env = { REGION: 'eu' };
  const line = 'deploy -f compose.yaml --var TAG=1=2 --var REGION --strategy bluegreen';
  const ran = await ground.tide(line, { ...listening(sent), env });
  assert.deepEqual([ran.code, ran.stdout], [0, 'opr_1\n'], ran.stderr);
  const body = { text, variables: { TAG: '1=2', REGION: 'eu' }, strategy: 'bluegreen' };
  assert.deepEqual(sent, [{ method: 'POST', path: '/v1/apps/shop/compose', body }]);
  const piped = await ground.tide('deploy --file - -a blog', { ...listening(sent), input: 'services: {}\n' });
  assert.equal(piped.code, 0, piped.stderr);
  assert.deepEqual(sent[1], {
    ...{ method: 'POST', path: '/v1/apps/blog/compose', body: { text: 'services: {}\n', variables: {} } },
  });
  assert.equal((await ground.tide('deploy -f nowhere.yaml -a shop')).code, 1);
});

test('a compose file brings a whole app up, and what of it is left out is said with its line', async (t) => {
  const ground = await AppGround.start(t);
  const services = '  web: { image: "shop:$TAG", depends_on: [db] }\n  db: { image: "db:1", restart: always }\n';
  writeFileSync(join(ground.ground.home, 'compose.yaml'), `name: My_Shop\nservices:\n${services}`);
  const tried = await ground.tide('deploy -f compose.yaml --var TAG=1 --dry-run');
  assert.deepEqual([tried.code, tried.stdout], [0, 'SET  IMAGES\ndb   db:1\nweb  shop:1\n'], tried.stderr);
  assert.match(tried.stderr, /^compose\.yaml:4: .*restart/m);
  assert.equal((await ground.tide('sets show web -a my-shop')).code, 3, 'nothing is made');
  const made = await ground.tide('deploy -f compose.yaml --var TAG=1 --wait');
  assert.deepEqual([made.code, made.stdout], [0, 'db r1\nweb r1\n'], made.stderr);
  assert.match(made.stderr, /^compose\.yaml:4: .*restart/m);
  const again = await ground.tide('deploy -f compose.yaml --var TAG=1 --wait');
  assert.deepEqual([again.code, again.stdout], [0, ''], again.stderr);
  ground.platform.silent.add('shop:2').add('db:2');
  writeFileSync(join(ground.ground.home, 'compose.yaml'), `services:\n${services.replace('db:1', 'db:$DB')}`);
  const slow = ground.begin('deploy -f compose.yaml -a my-shop --var TAG=2 --var DB=2 --wait');
  await until(() => /^probing: [\w ]+ \(0 of 2 sets done\)$/m.test(slow.stderr()));
  slow.interrupt();
  assert.equal((await slow.done).code, 130);
  await ground.tide('cancel -a my-shop');
  ground.platform.missing.add('shop:none');
  const bad = await ground.tide('deploy -f compose.yaml -a my-shop --var TAG=none --var DB=1 --wait');
  assert.equal(bad.code, 7);
  assert.match(bad.stderr, /shop:none.*\(image\.not_found\)/);
  writeFileSync(join(ground.ground.home, 'bad.yaml'), 'services:\n  web: { image: [] }\n');
  const unread = await ground.tide('deploy -f bad.yaml -a shop');
  assert.equal(unread.code, 1);
  assert.match(unread.stderr, /Line 2, column \d+:/);
});

test('what cannot be meant is said before anything is asked', async (t) => {
  const ground = await AppGround.start(t);
  const closed: typeof fetch = () => assert.fail('nothing is asked');
  for (const [line, said] of [
    ['--strategy rollin', /none of rolling,.*\nfix: Did you mean "rolling"\?/],
    ['--steps 10', /"10" is not such as 10:1m/],
    ['--steps 10:soon', /"10:soon" is not/],
    ['--steps 10:1m --strategy rolling', /--steps goes with --strategy canary/],
    ['--members x', /"x" is no index/],
    ['--members 2 --strategy canary', /--members goes with/],
    ['--members 2 --steps 1:1s', /do not go together/],
    ['--strategy member', /needs --members/],
    ['--var A=1', /give --file/],
    ['--image a:1 --dry-run', /give --file/],
    ['-f compose.yaml --strategy member', /needs --members/],
    ['-f compose.yaml --image a:1', /--image does not go with --file/],
    ['-f compose.yaml --var NOWHERE', /it has no value/],
    ['--timeout soon', /--timeout: "soon" is no duration/],
  ] as const) {
    const ran = await ground.tide(`deploy ${line} -a shop`, { fetch: closed });
    assert.equal(ran.code, 2, `${line}: ${ran.stderr}`);
    assert.match(ran.stderr, said);
  }
  const none = await ground.tide('deploy --image shop:1 -a shop');
  assert.equal(none.code, 3);
  assert.match(none.stderr, /fix: `tide apps create shop` makes it/);
});
