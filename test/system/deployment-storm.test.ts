/**
 * Deployments under traffic: steady requests, slow ones and WebSockets, with none of them failing and none answered by
 * the old revision once it was switched off; and revisions that are no good, which hurt nobody.
 *
 * Environment: `DEPLOYMENTS` of each strategy instead of 1, `REQUESTS_PER_SECOND` instead of 60, `WEBSOCKETS` instead of 5,
 * `SLOW_MS` that slow requests take instead of 1500.
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { deployHello, endOf, type OperationSeen, putHello } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';

const DEPLOYMENTS = Number(process.env.DEPLOYMENTS ?? 1);
const PER_SECOND = Number(process.env.REQUESTS_PER_SECOND ?? 60);
const WEBSOCKETS = Number(process.env.WEBSOCKETS ?? 5);
const SLOW_MS = Number(process.env.SLOW_MS ?? 1500);
const SLOW_EVERY_MS = 500;
const TICK_MS = 5;
const SOCKET_LIVES_MS = 3000;

let engine: TestEngine;
let tidegate: TidegateProcess;
let image: string;

before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
});
after(() => engine.close());
afterEach(async () => {
  for (const visitors of [...crowd]) await visitors.stop();
  await tidegate.close();
  await engine.reset();
});

interface Answered {
  readonly startedAt: number;
  readonly release: string | null;
}

/** Those who have not been stopped. */
const crowd = new Set<Visitors>();

/** Visitors of every kind, until they are stopped. */
class Visitors {
  readonly failures: string[] = [];
  readonly answers: Answered[] = [];
  slow = 0;
  echoes = 0;
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 200 });
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #open = new Set<Promise<void>>();
  #stopped = false;

  constructor(port: number) {
    this.#port = port;
    crowd.add(this);
    const begun = performance.now();
    let sent = 0;
    const sendDue = (): void => {
      const due = ((performance.now() - begun) / 1000) * PER_SECOND;
      for (; sent < due; sent++) this.#track(this.#ask('/'));
    };
    this.#timers.push(setInterval(sendDue, TICK_MS));
    this.#timers.push(setInterval(() => this.#track(this.#ask(`/work?ms=${SLOW_MS}`)), SLOW_EVERY_MS));
    for (let i = 0; i < WEBSOCKETS; i++) this.#track(this.#talkOnAndOn());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    crowd.delete(this);
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#open);
    this.#agent.destroy();
  }

  #track(work: Promise<void>): void {
    this.#open.add(work);
    void work.finally(() => this.#open.delete(work));
  }

  #ask(path: string): Promise<void> {
    const startedAt = performance.now();
    return new Promise((resolve) => {
      const fail = (why: string): void => {
        this.failures.push(`${path}: ${why}`);
        resolve();
      };
      const call = request({
        host: '127.0.0.1',
        port: this.#port,
        path,
        agent: this.#agent,
        headers: { host: 'shop.localhost' },
      });
      call.on('error', (error) => fail(error.message));
      call.on('response', (response) => {
        let body = '';
        response.on('data', (part) => {
          body += part;
        });
        response.on('error', (error) => fail(`cut: ${error.message}`));
        response.on('end', () => {
          if (response.statusCode !== 200) {
            fail(`${response.statusCode} ${String(response.headers['x-tidegate-error'])}`);
            return;
          }
          if (path === '/')
            this.answers.push({ startedAt, release: (JSON.parse(body) as { release: string }).release });
          else this.slow++;
          resolve();
        });
      });
      call.end();
    });
  }

  async #talkOnAndOn(): Promise<void> {
    while (!this.#stopped) await this.#talk();
  }

  /** One conversation: what is said comes back until it is ended from here. */
  #talk(): Promise<void> {
    return new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${this.#port}/ws`, { headers: { host: 'shop.localhost' } });
      const endAt = performance.now() + SOCKET_LIVES_MS;
      let isOver = false;
      socket.on('open', () => socket.send('x'));
      socket.on('message', () => {
        this.echoes++;
        isOver = performance.now() > endAt;
        if (isOver) socket.close();
        else setTimeout(() => socket.readyState === WebSocket.OPEN && socket.send('x'), 50);
      });
      socket.on('error', (error) => this.failures.push(`websocket: ${error.message}`));
      socket.on('close', (code) => {
        if (!isOver) this.failures.push(`websocket: closed by the other side with ${code}`);
        resolve();
      });
    });
  }
}

async function deploy(release: string, strategy: string, more: Record<string, unknown> = {}): Promise<OperationSeen> {
  const accepted = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', {
    method: 'POST',
    body: JSON.stringify({
      ...{ sets: ['web'], strategy },
      containers: [
        { name: 'main', image, options: { env: { RELEASE: release, STOP_GRACE_MS: '500', ...(more.env as object) } } },
      ],
      ...(strategy === 'canary'
        ? {
            steps: more.steps ?? [
              { weight: 20, hold: '1s' },
              { weight: 60, hold: '1s' },
            ],
          }
        : {}),
      ...(more.ready_within === undefined ? {} : { ready_within: more.ready_within }),
    }),
  });
  return await endOf(tidegate, accepted.id);
}

for (const strategy of ['rolling', 'bluegreen', 'canary', 'recreate'] as const) {
  test(`${strategy}: ${DEPLOYMENTS} under traffic cost no request, and the old revision answers none after its time`, async (t) => {
    tidegate = await startTidegate({ docker: engine.socket });
    await deployHello(tidegate, {
      image,
      env: { RELEASE: '0', STOP_GRACE_MS: '500' },
      more: { scale: { min: 2, max: 2 } },
    });
    await until(async () => (await tidegate.ask('shop.localhost')).status === 200);
    const visitors = new Visitors(tidegate.port);
    const late: string[] = [];
    for (let i = 1; i <= DEPLOYMENTS; i++) {
      const end = await deploy(String(i), strategy);
      assert.equal(end.state, 'succeeded', JSON.stringify(end));
      const switchedAt = performance.now();
      await until(() => visitors.answers.some((one) => one.startedAt > switchedAt + 300), { what: 'answers after it' });
      for (const { startedAt, release } of visitors.answers) {
        if (startedAt > switchedAt && release !== String(i)) late.push(`${release} answered for ${i}`);
      }
    }
    await visitors.stop();
    const { answers, slow, echoes } = visitors;
    t.diagnostic(`${answers.length} answers, ${slow} slow ones, ${echoes} echoes over ${WEBSOCKETS} WebSockets`);
    assert.deepEqual(visitors.failures, []);
    assert.deepEqual(late, []);
  });
}

test('a revision that fails its probes, one that crashes, and one that answers 500: traffic is unharmed, and it is said why', async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  await deployHello(tidegate, {
    image,
    env: { RELEASE: '0', STOP_GRACE_MS: '500' },
    more: { scale: { min: 2, max: 2 } },
  });
  const visitors = new Visitors(tidegate.port);
  const mute = await deploy('mute', 'rolling', { env: { PORT: '9999' }, ready_within: '5s' });
  assert.equal(mute.error?.code, 'replica.not_ready', JSON.stringify(mute));
  const evidence = JSON.stringify(mute.error?.data);
  assert.match(evidence, /"listens":\["9999"\]/);
  assert.match(evidence, /"port":8080/);
  const { operation } = await putHello(tidegate, {
    image,
    more: {
      scale: { min: 2, max: 2 },
      containers: [{ name: 'main', image, options: { command: ['node', '-e', 'process.exit(9)'] } }],
    },
  });
  const crashed = await endOf(tidegate, operation);
  assert.equal(crashed.error?.code, 'replica.crashed', JSON.stringify(crashed));
  await visitors.stop();
  assert.deepEqual(visitors.failures, []);

  const others = new Visitors(tidegate.port);
  const bad = await deploy('bad', 'canary', { env: { FAILING: 'true' }, steps: [{ weight: 20, hold: '60s' }] });
  await others.stop();
  assert.equal(bad.state, 'failed', JSON.stringify(bad));
  assert.equal(bad.error?.code, 'canary.worse', JSON.stringify(bad));
  const after = await tidegate.ask('shop.localhost');
  assert.equal((JSON.parse(after.body) as { release: string }).release, '0');
  const harmed = others.failures.length / (others.answers.length + others.failures.length);
  assert.ok(harmed < 0.2, `of all requests ${Math.round(harmed * 100)} % met the canary before it was aborted`);
});

test(`member: ${DEPLOYMENTS} under traffic cost no request, and the main container never stops`, async () => {
  tidegate = await startTidegate({ docker: engine.socket });
  const main = { index: 1, name: 'main', image, options: { env: { RELEASE: '0' } } };
  const agent = (release: number) => ({
    index: 2,
    name: 'agent',
    image,
    options: { env: { PORT: '9090', RELEASE: String(release) } },
  });
  await deployHello(tidegate, { image, more: { containers: [main, agent(0)], scale: { min: 2, max: 2 } } });
  const startsOfMain = async (): Promise<readonly string[]> => {
    const all = await engine.docker.listContainers({ filters: { label: ['tidegate.member=1.main'] } });
    const seen = await Promise.all(all.map(({ Id }) => engine.docker.getContainer(Id).inspect()));
    return seen.map(({ State }) => State.StartedAt).sort();
  };
  await until(async () => (await startsOfMain()).length === 2, { what: 'two replicas' });
  const before = await startsOfMain();
  const visitors = new Visitors(tidegate.port);
  for (let i = 1; i <= DEPLOYMENTS; i++) {
    const accepted = await tidegate.adminJson<{ id: string }>('/v1/apps/shop/deployments', {
      method: 'POST',
      body: JSON.stringify({ sets: ['web'], strategy: 'member', members: [2], containers: [main, agent(i)] }),
    });
    const end = await endOf(tidegate, accepted.id);
    assert.equal(end.state, 'succeeded', JSON.stringify(end));
  }
  await visitors.stop();
  assert.deepEqual(visitors.failures, []);
  assert.deepEqual(await startsOfMain(), before);
});
