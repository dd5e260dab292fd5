/** Apps on an Engine with its firewall: replicas of one app reach each other, those of others they do not. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock } from '#core/clock';
import { silentLog } from '#core/log';
import { openEngine } from '#docker/docker-engine';
import type { HostEngine } from '#docker/host-engine';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { execIn } from '#test/support/exec-in';
import { memberPlan, replicaPlan } from '#test/support/replica-plans';
import { until } from '#test/support/until';

let testEngine: TestEngine;
let engine: HostEngine;
let image: string;

before(async () => {
  testEngine = await startTestEngine({ firewall: true });
  image = await testEngine.images.hello();
  engine = openEngine({ endpoint: testEngine.socket, host: 'h1', clock: systemClock, log: silentLog });
});
after(async () => {
  engine?.close();
  await testEngine?.close();
});

interface Running {
  readonly container: string;
  readonly address: string;
}

/** @param linked apps whose sets may reach it */
async function run(app: string, set: string, linked: readonly string[] = []): Promise<Running> {
  const network = `tidegate-t-${app}`;
  await engine.ensureNetwork({ name: network, labels: { 'tidegate.app': app } });
  const main = memberPlan({ index: 1, name: 'main', image });
  const joins = linked.map((name) => ({ name: `tidegate-t-${name}`, aliases: [`${set}.${app}.internal`] }));
  const plan = replicaPlan({ id: `rep_${app}${set}`, app, set, network, members: [main], joins });
  const pauseId = await engine.makeReplica(plan);
  await engine.start(pauseId);
  const container = `${plan.name}-main`;
  await until(async () => (await tries(container, '127.0.0.1:8080')) === 'reached', { what: `${container} listens` });
  return {
    container,
    address: (await engine.inspect(pauseId)).networks.find(({ name }) => name === network)?.ip ?? '',
  };
}

/** What becomes of a connection from within a container; a name that means nothing there is silence, too. */
async function tries(container: string, target: string): Promise<'reached' | 'refused' | 'silence'> {
  const [host, port] = target.split(':');
  // Killed, because an exit would wait for a name server that does not answer.
  const script = `
    const socket = require('net').connect(${port}, '${host}');
    socket.setTimeout(1500);
    const say = (what) => { process.stdout.write(what); process.kill(process.pid, 'SIGKILL'); };
    socket.on('connect', () => say('reached'));
    socket.on('timeout', () => say('silence'));
    socket.on('error', ({ code }) => say(code === 'ECONNREFUSED' ? 'refused' : 'silence'));`;
  const { output } = await execIn(testEngine, container, ['node', '-e', script]);
  return output.trim() as 'reached' | 'refused' | 'silence';
}

test('replicas of one app reach each other by name and address, those of another app by neither, unless they are linked', async () => {
  const web = await run('shop', 'web');
  const db = await run('shop', 'db');
  const other = await run('blog', 'web');

  assert.equal(await tries(web.container, 'db:8080'), 'reached');
  assert.equal(await tries(web.container, 'db.shop.internal:8080'), 'reached');
  assert.equal(await tries(web.container, `${db.address}:8080`), 'reached');

  assert.equal(await tries(other.container, 'db:8080'), 'silence');
  assert.equal(await tries(other.container, 'db.shop.internal:8080'), 'silence');
  assert.equal(await tries(other.container, `${db.address}:8080`), 'silence');
  assert.equal(await tries(web.container, `${other.address}:8080`), 'silence');

  await run('mail', 'api', ['blog']);
  assert.equal(await tries(other.container, 'api.mail.internal:8080'), 'reached', 'the app that is linked');
  assert.equal(await tries(web.container, 'api.mail.internal:8080'), 'silence', 'one that is not');
});
