/** Output of containers on a real Engine: kept whole and once, over restarts of everybody and the end of the container. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type Docker from 'dockerode';
import { systemClock } from '#core/clock';
import { silentLog } from '#core/log';
import { Discovery } from '#discovery/discovery';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
import { LogCollector } from '#logs/log-collector';
import type { LogFilter } from '#logs/log-filter';
import { LogStore } from '#logs/log-store';
import { temporaryDirectory } from '#test/store/temporary';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { until } from '../support/until.ts';

const SHOP = { tenant: 'default', app: 'shop', set: null };
const LABELS = { 'tidegate.app': 'shop', 'tidegate.port': '8080' };
const ALL: LogFilter = {
  ...{ replica: null, member: null, stream: null, since: null, until: null, grep: null, ignoreCase: false },
};

let daemon: TestEngine;
let image: string;
let directory: string;
let tidegate: Keeper;

/** The part of Tidegate that keeps output. */
class Keeper {
  readonly engine: DockerEngine;
  readonly store: LogStore;
  readonly #collector: LogCollector;
  readonly #discovery: Discovery;

  private constructor(store: LogStore) {
    const tools = { clock: systemClock, log: silentLog };
    this.store = store;
    this.engine = openEngine({ endpoint: daemon.socket, host: 'local', ...tools });
    this.#collector = new LogCollector({ store, engine: () => this.engine, ...tools });
    this.#discovery = new Discovery({
      hosts: [
        {
          engine: this.engine,
          reach: { bridgeReachable: true, gatewayNetworks: null, publishedHost: '127.0.0.1' },
        },
      ],
      baseDomain: 'localhost',
      ...tools,
      emit: () => {},
      onSet: (snapshot) => this.#collector.observe(snapshot),
      onSetRemoved: (key) => this.#collector.forget(key),
    });
  }

  static async start(): Promise<Keeper> {
    const tools = { clock: systemClock, log: silentLog };
    const store = await LogStore.open({ directory, keepBytes: 67_108_864, keepMs: 86_400_000, ...tools });
    const keeper = new Keeper(store);
    keeper.#discovery.start();
    await keeper.#discovery.ready;
    return keeper;
  }

  async texts(filter: Partial<LogFilter> = {}): Promise<string[]> {
    const { lines } = await this.store.page(SHOP, { ...ALL, ...filter }, { limit: 10_000, before: new Map() });
    return lines.map(({ text }) => text);
  }

  async close(): Promise<void> {
    this.#discovery.close();
    await this.#collector.close();
    await this.store.close();
    this.engine.close();
  }
}

before(async () => {
  daemon = await startTestEngine({ liveRestore: true });
  image = await daemon.images.hello();
});
after(() => daemon.close());

beforeEach(async () => {
  directory = temporaryDirectory();
  tidegate = await Keeper.start();
});

afterEach(async () => {
  await tidegate.close();
  await daemon.reset();
});

interface Script {
  readonly name: string;
  /** JavaScript. */
  readonly code: string;
  readonly tty?: boolean;
}

async function run({ name, code, tty = false }: Script): Promise<Docker.Container> {
  const container = await daemon.docker.createContainer({
    name,
    Image: image,
    Labels: LABELS,
    Entrypoint: ['node', '-e', code],
    Tty: tty,
  });
  await container.start();
  return container;
}

/** Writes `<word> 1`, `<word> 2` … for ever. */
function counting(word: string, everyMs: number): string {
  return `let n = 0; setInterval(() => console.log('${word} ' + ++n), ${everyMs})`;
}

/** That these are all, in order and once. */
function assertCounted(texts: readonly string[], word: string): number {
  const own = texts.filter((text) => text.startsWith(`${word} `));
  assert.deepEqual(
    own,
    own.map((_, index) => `${word} ${index + 1}`),
  );
  return own.length;
}

test('lines of a container that was removed are still found', async () => {
  const code = `console.log('a needle of old'); console.error('on stderr'); setInterval(() => {}, 1000)`;
  const old = await run({ name: 'old', code });
  await until(async () => (await tidegate.texts()).length === 2);
  await old.remove({ force: true });
  await run({ name: 'new', code: counting('new', 20) });
  await until(async () => (await tidegate.texts()).some((text) => text.startsWith('new')));
  assert.deepEqual(await tidegate.texts({ grep: 'needle' }), ['a needle of old']);
  assert.deepEqual(await tidegate.texts({ stream: 'stderr' }), ['on stderr']);
  assert.deepEqual(await tidegate.texts({ replica: 'old', grep: 'NEEDLE', ignoreCase: true }), ['a needle of old']);
});

test('all that a container says before it ends is kept, with a terminal or not', async () => {
  for (const tty of [false, true]) {
    const name = tty ? 'terminal' : 'plain';
    const code = `for (let n = 1; n <= 3000; n++) console.log('${name} ' + n)`;
    const container = await run({ name, code, tty });
    await container.wait();
    await until(async () => (await tidegate.texts()).includes(`${name} 3000`), { what: `${name} is read to its end` });
    assert.equal(assertCounted(await tidegate.texts(), name), 3000);
  }
});

test('a restart of Tidegate loses and doubles nothing', async () => {
  await run({ name: 'web', code: counting('tick', 5) });
  for (let round = 0; round < 3; round++) {
    const seen = (await tidegate.texts()).length;
    await until(async () => (await tidegate.texts()).length > seen + 20);
    await tidegate.close();
    tidegate = await Keeper.start();
  }
  const before = assertCounted(await tidegate.texts(), 'tick');
  await until(async () => (await tidegate.texts()).length > before + 20);
  assertCounted(await tidegate.texts(), 'tick');
});

test('a restart of the Engine and of the container loses and doubles nothing', async () => {
  const container = await run({ name: 'web', code: counting('tick', 5) });
  await until(async () => (await tidegate.texts()).length > 20);
  await daemon.kill9();
  await daemon.start();
  const before = assertCounted(await tidegate.texts(), 'tick');
  await until(async () => (await tidegate.texts()).length > before + 20, { what: 'lines come again' });
  assertCounted(await tidegate.texts(), 'tick');
  await container.restart({ t: 0 });
  const isAnew = async (): Promise<boolean> =>
    (await tidegate.texts()).filter((text) => text === 'tick 1').length === 2;
  await until(isAnew, { what: 'the second run is read' });
  const texts = await tidegate.texts();
  assertCounted(texts.slice(texts.lastIndexOf('tick 1')), 'tick');
});

test('a line that is far too long costs itself alone', async () => {
  await run({
    name: 'web',
    code: `console.log('x'.repeat(100_000)); console.log('next'); setInterval(() => {}, 1000)`,
  });
  await until(async () => (await tidegate.texts()).includes('next'));
  const { lines } = await tidegate.store.page(SHOP, ALL, { limit: 10, before: new Map() });
  assert.deepEqual(
    lines.map(({ text, cut }) => [text.length, cut]),
    [
      [16_384, true],
      [4, false],
    ],
  );
});

test('a reader that follows is handed every line once', async () => {
  await run({ name: 'web', code: counting('tick', 3) });
  await until(() => tidegate.store.knows(SHOP));
  const tail = tidegate.store.tail(SHOP, ALL, new Map());
  const texts: string[] = [];
  while (texts.length < 200) {
    const { lines, gap } = await tail.read();
    assert.equal(gap, false);
    texts.push(...lines.map(({ text }) => text));
    await tail.arrived(AbortSignal.timeout(5000));
  }
  assertCounted(texts, 'tick');
});
