/** What goes wrong: each exit code, the words of the API with every fix, and a gateway that is not there. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import test, { type TestContext } from 'node:test';
import { TENANT_TOKEN } from '#test/admin/tidegate';
import { until } from '#test/support/until';
import { TideGround } from './tide-ground.ts';

/** A URL where something listened a moment ago. */
async function nobody(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

/** Something that listens where the API should be. */
async function other(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  await once(server, 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

test('a problem is said with title, code, detail, the places at fault and every fix', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  const { code, stdout, stderr } = await ground.tide(['domains', 'add', 'not a name', '-a', 'shop']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /^error: A value cannot be used \(invalid\)\n {2}\/hostname: .*not a name.*\nfix: Write a hostname/,
  );
  const two = await ground.tide(['domains', 'add', 'a.test', '-a', 'A!', '--path', 'x']);
  assert.match(two.stderr, /\/app: "A!" names no app/);
  assert.match(two.stderr, /\/path: "x" is no path/);
});

test('what is not there ends with 3, what the token does not allow with 4, what is in the way with 5', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  for (const line of [
    'status -a nope',
    'scale nope=1',
    'domains show nope.test',
    'certs show nope.test',
    'api GET /x',
  ]) {
    const { code, stderr } = await ground.tide(line.split(' '));
    assert.equal(code, 3, `${line}: ${stderr}`);
  }
  const wrong = await ground.tide(['status'], { env: { TIDEGATE_TOKEN: 'tide_op_00_wrong' } });
  assert.equal(wrong.code, 4);
  assert.match(wrong.stderr, /\(unauthorized\)[\s\S]*fix: The token is from TIDEGATE_TOKEN[\s\S]*fix: `tide login`/);
  const tenant = await ground.tide(['hosts'], { env: { TIDEGATE_TOKEN: TENANT_TOKEN } });
  assert.equal(tenant.code, 4);
  await ground.tide(['domains', 'add', 'a.test']);
  const again = await ground.tide(['domains', 'add', 'a.test']);
  assert.equal(again.code, 5);
  assert.match(again.stderr, /\(conflict\)/);
});

test('the command line that means nothing ends with 2 and asks nobody', async (t) => {
  const ground = await TideGround.start(t);
  const never: typeof fetch = () => Promise.reject(new Error('asked'));
  for (const line of [
    'statsu',
    'domains',
    'lease',
    'events --limit x',
    'scale a=b=c',
    'domains verify a.test --wait=x',
  ]) {
    const { code, stdout, stderr } = await ground.tide(line.split(' '), { fetch: never });
    assert.deepEqual([code, stdout], [2, ''], line);
    assert.match(stderr, /^tide: /, line);
  }
});

test('what would be lost needs a yes: of a person, or of the command line', async (t) => {
  const ground = await TideGround.start(t);
  ground.discover();
  await ground.tide(['domains', 'add', 'a.test']);
  const calls = (): number => ground.tidegate.domains.calls.filter((one) => one.startsWith('remove')).length;
  const remove = ['domains', 'rm', 'a.test'];
  const alone = await ground.tide(remove);
  assert.deepEqual([alone.code, calls()], [2, 0]);
  assert.match(alone.stderr, /--yes/);
  const no = await ground.tide(remove, { terminal: true, input: 'n\n' });
  assert.deepEqual([no.code, calls()], [1, 0]);
  assert.match(no.stderr, /Let go of a\.test\?.*\[y\/N\]/);
  const yes = await ground.tide(remove, { terminal: true, input: 'y\n' });
  assert.deepEqual([yes.code, calls()], [0, 1], yes.stderr);
  await ground.tide(['domains', 'add', 'a.test']);
  assert.deepEqual([(await ground.tide([...remove, '--yes'])).code, calls()], [0, 2]);
});

test('without a gateway it says where it looked, what was wrong and what to do', async (t) => {
  const ground = await TideGround.start(t);
  const url = await nobody();
  for (const args of [['status'], ['events', '-f'], ['api', 'GET', '/']]) {
    const { code, stderr, stdout } = await ground.tide(args, { env: { TIDEGATE_URL: url } });
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /No Tidegate answers at http:\/\/127\.0\.0\.1:\d+: nothing listens there\./);
    assert.ok(stderr.includes(url) && stderr.includes('npm start') && stderr.includes('TIDEGATE_URL'), stderr);
  }
});

test('something else at the URL is told from a gateway, and gets no token by a redirect', async (t) => {
  const ground = await TideGround.start(t);
  const html = await other(t, (_, response) => void response.end('<html>'));
  const page = await ground.tide(['status'], { env: { TIDEGATE_URL: html } });
  assert.equal(page.code, 1);
  assert.match(page.stderr, /not the admin API/);
  let reached = 0;
  const target = await other(t, (_, response) => {
    reached++;
    response.end('{}');
  });
  const moved = await other(t, (_, response) => void response.writeHead(307, { location: target }).end());
  const away = await ground.tide(['status'], { env: { TIDEGATE_URL: moved } });
  assert.deepEqual([away.code, reached], [1, 0]);
  assert.match(away.stderr, /redirects are not followed/);
});

test('a gateway that does not answer ends with 6, and Ctrl-C with 130', async (t) => {
  const ground = await TideGround.start(t);
  let asked = 0;
  const mute = await other(t, () => void asked++);
  const late = ground.begin(['status'], { env: { TIDEGATE_URL: mute } });
  await until(() => asked === 1);
  await ground.tidegate.clock.advance(60_000);
  const { code, stderr } = await late.done;
  assert.equal(code, 6, stderr);
  assert.match(stderr, /not answered within 60 s/);
  const ended = ground.begin(['status'], { env: { TIDEGATE_URL: mute } });
  await until(() => asked === 2);
  ended.interrupt();
  assert.deepEqual(await ended.done, { code: 130, stdout: '', stderr: '' });
});

test('a URL that cannot be used is said without what is secret in it', async (t) => {
  const ground = await TideGround.start(t);
  for (const url of ['ftp://x', 'http://', 'http://me:hunter2@127.0.0.1:9']) {
    const { code, stderr } = await ground.tide(['status'], { env: { TIDEGATE_URL: url } });
    assert.equal(code, 2, url);
    assert.match(stderr, /TIDEGATE_URL/);
    assert.doesNotMatch(stderr, /hunter2/);
  }
  const short = await ground.tide(['whoami'], { env: { TIDEGATE_URL: ground.url.slice('http://'.length) } });
  assert.equal(short.code, 0, 'host and port are enough');
});
