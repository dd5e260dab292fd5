/** `tide` as people use it, against a real Tidegate on a real Engine: an app from nothing to its end, with what goes wrong between. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { TestRegistry } from '#test/support/registry';
import { runTide, type TideRan } from '#test/support/tide';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const SECRET = 'correct-horse-battery-staple';

let engine: TestEngine;
let tidegate: TidegateProcess;
let registry: TestRegistry;
/** All that any run of tide has said, and all that it was called with. */
let said = '';

before(async () => {
  engine = await startTestEngine();
  registry = await TestRegistry.start();
  tidegate = await startTidegate({ docker: engine.socket });
});
after(async () => {
  await tidegate.close();
  await registry[Symbol.asyncDispose]();
  await engine.close();
});

async function tide(line: string, input = ''): Promise<TideRan> {
  const ran = await runTide(tidegate, line.split(' '), input);
  said += `${line}\n${ran.stdout}${ran.stderr}`;
  return ran;
}

async function succeeds(line: string, input = ''): Promise<string> {
  const { code, stdout, stderr } = await tide(line, input);
  assert.equal(code, 0, `tide ${line}: ${stderr}`);
  return stdout;
}

async function release(): Promise<string | null> {
  const answer = await tidegate.ask('shop.localhost');
  assert.equal(answer.status, 200, answer.body);
  return (JSON.parse(answer.body) as { release: string | null }).release;
}

test('an app is made, deployed, taken back and removed, and what fails is told so that it can be mended', async () => {
  const image = await engine.images.hello();

  // From nothing to an answer.
  await succeeds('apps create shop');
  assert.equal(await succeeds(`deploy --image ${image} -a shop --port 8080 --wait`), 'web r1\n');
  assert.equal(await release(), null);

  // An image that is not there.
  const missing = await tide(`deploy --image ${registry.address}/shop/none:1 --wait`);
  assert.deepEqual([missing.code, missing.stdout], [7, ''], missing.stderr);
  assert.match(missing.stderr, /failed while resolving: .*shop\/none:1.* \(image\.not_found\)\n/);
  assert.match(missing.stderr, / {2}web: r1 is in force, as before\.\nfix: /);
  assert.equal(await release(), null, 'what served serves');

  // A program that listens elsewhere.
  await succeeds('env set PORT=3000');
  const deaf = await tide(`deploy --image ${image} --ready-within 4s --cause nightly --wait`);
  assert.equal(deaf.code, 7, deaf.stderr);
  assert.match(deaf.stderr, /failed while probing: .* \(replica\.not_ready\)\n(.*\n)* {2}main is running\.\n/);
  assert.match(deaf.stderr, / {2}It listens on 3000\. Port 8080 was dialled\.\n/);
  assert.match(deaf.stderr, /fix: Make the port of the set 3000, or have it listen on 8080\.\n/);
  const listed = await succeeds('deployments');
  const [, newest = ''] = listed.split('\n');
  assert.match(newest, /^dep_\w+ +failed +rolling +web r1 → r2 /);
  assert.equal((await tide(`deployments ${newest.split(' ')[0]}`)).code, 7);

  // A program that ends at once.
  const command = ['node', '-e', 'console.error("no database at db:5432"); process.exit(3)'];
  const crashing = { containers: [{ image, options: { command } }], port: 8080 };
  const crashed = await tide('sets apply -f - --wait', JSON.stringify(crashing));
  assert.equal(crashed.code, 7, crashed.stderr);
  assert.match(
    crashed.stderr,
    /failed while probing: .* \(replica\.crashed\)\n(.*\n)* {2}main ended with exit code 3\.\n/,
  );
  assert.match(crashed.stderr, / {2}\| no database at db:5432\n(.*\n)* {2}web: r1 is in force, as before\.\n/);

  assert.match(
    await succeeds('status'),
    /shop +web +Deployed +replica\.crashed +.*r3 did not come into force .*r1 serves\.\n/,
  );

  // A secret, which comes to the container and nowhere else.
  await succeeds('env set PORT=8080 RELEASE=blue');
  await succeeds('secrets set PASSWORD=-', `${SECRET}\n`);
  const mended = { containers: [{ image }], port: 8080 };
  assert.equal(await succeeds('sets apply -f -', JSON.stringify(mended)), '', 'that is what is in force');
  assert.equal(await succeeds('deploy --wait'), 'web r4\n');
  assert.equal(await release(), 'blue');
  assert.equal(await succeeds('exec web -- node -p process.env.PASSWORD.length'), `${SECRET.length}\n`);
  const reads = [
    'secrets ls',
    'env ls',
    'sets show --json',
    'revisions --json',
    'audit',
    'events',
    'deployments --json',
  ];
  await Promise.all(reads.map((line) => succeeds(line)));

  // Back, with the environment of before; and what was begun is there to be read.
  assert.equal(await succeeds('rollback r1 --wait'), 'web r1\n');
  assert.equal(await release(), null);
  const operations = JSON.parse(await succeeds('ops ls --json')) as { items: { type: string; state: string }[] };
  assert.deepEqual(
    operations.items.map(({ type, state }) => `${type} ${state}`),
    ['succeeded', 'succeeded', 'failed', 'failed', 'failed', 'succeeded'].map((state) => `deployment ${state}`),
  );

  assert.doesNotMatch(await succeeds('status'), /CONDITION/);

  // Limits while it runs, and its scale, which is in its spec; then down, up, and away.
  assert.match(await succeeds('resize web --cpu 0.5 --memory 256Mi'), /memory: +256Mi\n/);
  assert.match(await succeeds('scale web --max 4'), /^web +1 +4 +1 /m);
  assert.deepEqual(JSON.parse(await succeeds('sets show')).scale, { max: 4 });
  await succeeds('stop');
  await until(async () => (await tidegate.ask('shop.localhost')).status === 503);
  await succeeds('start');
  await until(async () => (await tidegate.ask('shop.localhost')).status === 200);
  await succeeds('apps rm shop --yes --wait');
  const left = await engine.docker.listContainers({ all: true });
  assert.deepEqual(left, []);
  assert.equal((await tide('revisions -a shop')).code, 3);

  assert.ok(!said.includes(SECRET), 'tide has said the secret');
  assert.ok(!tidegate.log.includes(SECRET), 'the log has it');
  for (const file of readdirSync(tidegate.data, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    assert.ok(!readFileSync(path.join(file.parentPath, file.name)).includes(SECRET), `${file.name} has it`);
  }
});
