/** Commands on tokens, tenants, plans, usage and the audit log. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { until } from '#test/support/until';
import { linesOf, TideGround } from './tide-ground.ts';

const CREATE = ['tokens', 'create', 'ci', '--kind', 'dep', '--role', 'developer'];

function cells(line: string | undefined): string[] {
  return (line ?? '').split(/ {2,}/);
}

test('a new token is all that is on stdout, works, and is listed without its secret', async (t) => {
  const ground = await TideGround.start(t);
  const made = await ground.tide([...CREATE, '--apps', 'shop, blog-*', '--expires', '90d']);
  assert.equal(made.code, 0);
  assert.match(made.stdout, /^tide_dep_[0-9A-Z]{26}_[0-9a-f]{64}\n$/);
  assert.match(made.stderr, /^ci \(tok_\w+\): nobody will see it again/);
  const token = made.stdout.trim();
  const who = await ground.tide(['whoami'], { env: { TIDEGATE_TOKEN: token } });
  assert.match(who.stdout, /role: +developer\nscopes: +deploy\ntenant: +default\napps: +shop, blog-\*\n/);
  const list = await ground.tide(['tokens', 'ls']);
  const [, row] = linesOf(list.stdout).map(cells);
  assert.deepEqual(row?.slice(0, 7), ['ci', 'dep', 'developer', 'shop, blog-*', 'everywhere', 'in 90 days', 'now']);
  assert.equal(list.stdout.includes(token.slice(-64)), false);
  const json = await ground.tide(['tokens', 'ls', '--json']);
  const { next_cursor: _, ...api } = (await ground.api('/v1/tokens')) as { next_cursor: unknown };
  assert.deepEqual(JSON.parse(json.stdout), api);
});

test('a token is rotated and ended after a question, and then in force no more', async (t) => {
  const ground = await TideGround.start(t);
  const first = (await ground.tide(CREATE)).stdout.trim();
  assert.equal((await ground.tide(['tokens', 'rotate', 'ci'])).code, 2, 'nobody is there to answer');
  const second = (await ground.tide(['tokens', 'rotate', 'ci', '--yes'])).stdout.trim();
  const code = async (token: string) => (await ground.tide(['whoami'], { env: { TIDEGATE_TOKEN: token } })).code;
  assert.deepEqual([await code(first), await code(second)], [4, 0]);
  assert.equal((await ground.tide(['tokens', 'rm', 'ci', '-y'])).code, 0);
  assert.deepEqual([await code(second), (await ground.tide(['tokens', 'rm', 'ci', '-y'])).code], [4, 3]);
});

test('what cannot be asked for is said before, or by the gateway', async (t) => {
  const ground = await TideGround.start(t);
  assert.equal((await ground.tide(['tokens', 'create', 'ci'])).code, 2);
  const odd = await ground.tide([...CREATE, '--expires', 'soon']);
  assert.deepEqual(
    [odd.code, odd.stderr.split('\n')[0]],
    [2, 'tide: --expires: "soon" is neither 12h, 90d, 8w nor a time.'],
  );
  const role = await ground.tide(['tokens', 'create', 'ci', '--role', 'king']);
  assert.deepEqual([role.code, role.stdout], [1, '']);
  const viewer = (await ground.tide(['tokens', 'create', 'v', '--role', 'viewer'])).stdout.trim();
  const refused = await ground.tide(CREATE, { env: { TIDEGATE_TOKEN: viewer } });
  assert.equal(refused.code, 4);
  assert.match(refused.stderr, /needs the scope "admin".*\nfix: Use a token with the scope "admin"/s);
});

test('tenants and plans are made, changed, suspended and removed', async (t) => {
  const ground = await TideGround.start(t);
  const plan = await ground.tide([
    'plans',
    'set',
    'small',
    '--limits',
    'apps=2,memory=4Gi,cpu=0.5',
    '--allow',
    'binds',
  ]);
  assert.deepEqual(cells(linesOf(plan.stdout)[1]), [
    'small',
    'apps=2,cpu=0.5,memory=4Gi',
    'binds,publish_ports,sysctls',
  ]);
  assert.equal((await ground.tide(['plans', 'set', 'bad', '--limits', 'apps'])).code, 2);
  assert.match((await ground.tide(['tenants', 'create', 'acme', '--plan', 'small'])).stderr, /--tenant acme/);
  const rows = linesOf((await ground.tide(['tenants', 'ls'])).stdout).map(cells);
  assert.deepEqual(
    rows.slice(1).map((row) => row.slice(0, 3)),
    [
      ['acme', 'small', 'active'],
      ['default', 'unlimited', 'active'],
    ],
  );
  const usage = await ground.tide(['usage', '--tenant', 'acme']);
  assert.match(usage.stdout, /apps +0 +2\n(.*\n)*memory +0 +4Gi\n/);
  assert.equal((await ground.tide(['plans', 'rm', 'small'])).code, 5);
  await ground.tide(['tenants', 'suspend', 'acme', '-y']);
  assert.match((await ground.tide(['tenants', 'ls'])).stdout, /acme +small +suspended/);
  await ground.tide(['tenants', 'resume', 'acme']);
  const set = await ground.tide(['tenants', 'set', 'acme', '--plan', 'unlimited', '--json']);
  assert.deepEqual(JSON.parse(set.stdout), await ground.api('/v1/tenants/acme'));
  assert.equal((await ground.tide(['tenants', 'rm', 'acme', '-y'])).code, 0);
  assert.equal((await ground.tide(['plans', 'rm', 'small'])).code, 0);
  assert.match((await ground.tide(['plans', 'ls'])).stdout, /unlimited +none +publish_ports,sysctls\n/);
});

test('audit shows who changed what, and with --follow what is changed now', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  await ground.tide(['scale', 'web', '--min', '0']);
  await ground.tide(['scale', 'web', '--min', '1', '--dry-run']);
  await ground.tide(['scale', 'none', '--min', '0', '--app', 'shop']);
  const { stdout } = await ground.tide(['audit']);
  const [first, second, third] = linesOf(stdout).map((line) => line.slice(line.indexOf('  ') + 2));
  assert.match(first ?? '', /^done +PUT +\/v1\/apps\/shop\/sets\/web\/scale \(min\) +by operator from 127\.0\.0\.1$/);
  assert.match(second ?? '', /, only tried +by operator/);
  assert.match(third ?? '', /^not_found +PUT/);
  const json = await ground.tide(['audit', '--json', '--limit', '1', '--actor', 'operator', '--app', 'shop']);
  assert.equal(JSON.parse(json.stdout).items.length, 1);
  const running = ground.begin(['audit', '-f']);
  await until(() => running.stderr().includes('as they happen'));
  await ground.tide(['tokens', 'create', 'ci', '--role', 'viewer']);
  await until(() => running.stdout().includes('/v1/tokens (name, role, resources, cidrs, expires_at)'));
  running.interrupt();
  assert.equal((await running.done).code, 130);
});

test('audit --follow says once what was under way when it began, and misses nothing for that', async (t) => {
  const ground = await TideGround.start(t);
  const audit = ground.tidegate.ports.tenancy?.audit;
  assert.ok(audit !== undefined);
  await ground.tide(['tokens', 'create', 'before', '--role', 'viewer']);
  const begun = await audit.begin({
    ...{ principal: { id: 'op_01', name: 'operator', operator: true }, tenant: 'default', method: 'PUT' },
    ...{ path: '/v1/apps/{app}/slow', params: { app: 'shop' }, requestId: 'req_1', client: null },
    ...{ fields: [], dryRun: false },
  });
  assert.match((await ground.tide(['audit'])).stdout, /under way +PUT +\/v1\/apps\/shop\/slow/);
  const running = ground.begin(['audit', '-f', '--limit', '10']);
  await until(() => running.stderr().includes('as they happen'));
  assert.equal(linesOf(running.stdout()).length, 1);
  await audit.finish(begun, { status: 200, code: null });
  await until(() => running.stdout().includes('/slow'));
  await ground.tide(['tokens', 'create', 'after', '--role', 'viewer']);
  await until(() => linesOf(running.stdout()).length >= 3);
  running.interrupt();
  const { stdout, stderr } = await running.done;
  assert.doesNotMatch(stderr, /missed/);
  assert.deepEqual(
    linesOf(stdout).map((line) => / +(\w+) +(?:PUT|POST) +(\S+)/.exec(line)?.slice(1)),
    [
      ['done', '/v1/tokens'],
      ['done', '/v1/apps/shop/slow'],
      ['done', '/v1/tokens'],
    ],
  );
});
