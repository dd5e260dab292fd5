/**
 * Control killed at a call to the Engine: before the Engine hears of it, when it hears of it late, or when it has done what
 * it was asked for and nobody was told. Whatever was under way comes to its end, and nothing is left of what was begun.
 *
 * Environment: `CUTS=all` cuts every call that changes anything, of every flow, in each of the three ways (a quarter of an
 * hour), instead of those that are told apart by what they leave; `CUTS_SPARES` spare sandboxes are kept meanwhile.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { deployHello, type OperationSeen } from '#test/support/deployed-app';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { type CutKind, EngineFront } from '#test/support/engine-front';
import { runHello } from '#test/support/hello';
import { type Answer, startTidegate, type TidegateProcess } from '#test/support/tidegate';
import { until } from '#test/support/until';
import { childrenOf } from '#test/workers/children';

const SPARES = Number(process.env.CUTS_SPARES ?? 0);
const ENDS_WITHIN_MS = 40_000;
const MIB = 1_048_576;
/** Of each replica, beside its pause container. */
const MEMBERS = 2;

interface Container {
  readonly Id: string;
  readonly Names: readonly string[];
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

interface Flow {
  /** Begins it for the n-th time. */
  readonly begin: (n: number) => Promise<unknown>;
  /** It has come to its end, and everything is as it should be. */
  readonly isOver: (n: number) => Promise<boolean>;
  /** Calls that are cut unless all are. */
  readonly cuts: readonly { readonly kind: CutKind; readonly call: RegExp }[];
  /** What the set has before. */
  readonly spec?: Readonly<Record<string, unknown>>;
  /** What else is there before. */
  readonly first?: () => Promise<unknown>;
  /** Makes it possible once more. */
  readonly again?: () => Promise<unknown>;
}

let engine: TestEngine;
let image: string;
let front: EngineFront;
let tidegate: TidegateProcess;

before(async () => {
  engine = await startTestEngine();
  image = await engine.images.hello();
});
afterEach(async () => {
  await tidegate?.close();
  await front?.[Symbol.asyncDispose]();
  await engine.reset();
});
after(() => engine.close());

// ---- what is there

async function containers(): Promise<Container[]> {
  return (await engine.docker.listContainers({ all: true })) as unknown as Container[];
}

async function membersOf(app = 'shop'): Promise<Container[]> {
  return (await containers()).filter(({ Labels }) => Labels['tidegate.app'] === app && isMember(Labels));
}

function isMember(labels: Container['Labels']): boolean {
  return labels['tidegate.role'] === 'member';
}

/** So many replicas, all of them whole, in that state, and no container beside them. */
async function has(replicas: number, { app = 'shop', state = 'running', revision = '' } = {}): Promise<boolean> {
  const all = await containers();
  const own = all.filter(({ Labels }) => Labels['tidegate.app'] === app);
  const members = own.filter(({ Labels }) => isMember(Labels));
  const isRight = ({ State, Labels, Names }: Container): boolean =>
    State === state &&
    (revision === '' || Labels['tidegate.revision'] === revision) &&
    !Names.some((name) => name.endsWith('.next'));
  const ids = new Set(members.map(replicaOf));
  return ids.size === replicas && members.length === replicas * MEMBERS && own.every(isRight) && hasNoOthers(all);
}

/** Each replica has its pause container, made for it or taken from the spares, and there are no others. */
function hasNoOthers(all: readonly Container[]): boolean {
  const ids = new Set(all.filter(({ Labels }) => isMember(Labels)).map(replicaOf));
  const pauses = all.filter(({ Labels }) => Labels['tidegate.role'] === 'pause').map(replicaOf);
  const taken = ids.size - pauses.length;
  const spares = all.filter(({ Labels }) => Labels['tidegate.role'] === 'spare').length;
  return pauses.every((id) => ids.has(id)) && spares >= taken && spares <= taken + SPARES;
}

function replicaOf({ Labels }: Container): string | undefined {
  return Labels['tidegate.replica'];
}

async function serves(app = 'shop'): Promise<boolean> {
  return (await tidegate.ask(`${app}.localhost`, { timeoutMs: 20_000 })).status === 200;
}

// ---- what is asked for, through ends of control

function api(pathname: string, method = 'GET', body?: unknown): Promise<Answer> {
  return tidegate.admin(pathname, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
}

/** Asks for a change. Control may end before it answers; what it refuses is a fault of somebody. */
async function ask(pathname: string, method: string, body?: unknown): Promise<void> {
  const answer = await api(pathname, method, body).catch(() => null);
  if (answer !== null && answer.status >= 400 && answer.status < 500) assert.fail(answer.body);
}

async function lastOperation(): Promise<OperationSeen> {
  const { items } = JSON.parse((await api('/v1/operations?limit=1')).body) as { items: OperationSeen[] };
  assert.ok(items[0] !== undefined);
  return items[0];
}

async function lastSucceeded(): Promise<boolean> {
  const { state, error } = await lastOperation();
  assert.ok(state !== 'failed' && state !== 'canceled', JSON.stringify(error));
  return state === 'succeeded';
}

function twoMembers(agentEnv: Readonly<Record<string, string>> = {}) {
  return [
    { index: 1, name: 'main', image },
    { index: 2, name: 'agent', image, options: { env: { PORT: '9090', ...agentEnv } } },
  ];
}

function deploysBy(strategy: string): Pick<Flow, 'begin' | 'isOver'> {
  const body = (n: number) => ({ sets: ['web'], strategy, containers: twoMembers({ N: String(n) }) });
  return {
    begin: (n) => ask('/v1/apps/shop/deployments', 'POST', body(n)),
    isOver: async (n) => (await lastSucceeded()) && (await has(1, { revision: `r${n + 1}` })) && (await serves()),
  };
}

async function memoryOfMembers(): Promise<number> {
  const seen = await Promise.all((await membersOf()).map(({ Id }) => engine.docker.getContainer(Id).inspect()));
  return seen.reduce((sum, { HostConfig }) => sum + (HostConfig.Memory ?? 0), 0) / MIB;
}

const FLOWS: Readonly<Record<string, Flow>> = {
  'a rolling deployment': {
    ...deploysBy('rolling'),
    cuts: [
      { kind: 'late', call: /create\?name=[^-]*-[^-]*-[^-]*-[^-]*$/ },
      { kind: 'done', call: /\/start/ },
    ],
  },
  'a bluegreen deployment': { ...deploysBy('bluegreen'), cuts: [{ kind: 'late', call: /create\?name=.*-agent$/ }] },
  'a deployment that removes first': {
    ...deploysBy('recreate'),
    cuts: [{ kind: 'lost', call: /^DELETE .*force=false/ }],
  },
  'a deployment of a member': {
    begin: (n) =>
      ask('/v1/apps/shop/deployments', 'POST', {
        ...{ sets: ['web'], strategy: 'member', members: [2], containers: twoMembers({ N: String(n) }) },
      }),
    isOver: async (n) => {
      if (!(await lastSucceeded()) || !(await has(1))) return false;
      const agent = (await membersOf()).find(({ Labels }) => Labels['tidegate.member'] === '2.agent');
      const { Config } = await engine.docker.getContainer(agent?.Id ?? '').inspect();
      return Config.Env.includes(`N=${n}`) && (await serves());
    },
    cuts: [
      { kind: 'lost', call: /^DELETE / },
      { kind: 'done', call: /\/rename/ },
    ],
  },
  'other limits': {
    spec: { resources: { cpu: 1, memory: '128Mi' } },
    begin: (n) => ask('/v1/apps/shop/sets/web/resources', 'PATCH', { memory: `${128 + n * 8}Mi` }),
    isOver: async (n) => (await has(1)) && Math.abs((await memoryOfMembers()) - (128 + n * 8)) < 2,
    cuts: [{ kind: 'lost', call: /\/update/ }],
  },
  'more and fewer replicas': {
    begin: (n) => ask('/v1/apps/shop/sets/web/scale', 'PUT', { min: 1 + (n % 2), max: 3 }),
    isOver: async (n) => (await has(1 + (n % 2))) && (await serves()),
    cuts: [
      { kind: 'lost', call: /create\?name=.*-main$/ },
      { kind: 'late', call: /^DELETE / },
    ],
  },
  'a stop and a start': {
    begin: (n) => ask(`/v1/apps/shop/${n % 2 === 1 ? 'stop' : 'start'}`, 'POST'),
    isOver: async (n) => (n % 2 === 1 ? await has(1, { state: 'exited' }) : (await has(1)) && (await serves())),
    cuts: [
      { kind: 'late', call: /\/stop/ },
      { kind: 'done', call: /\/start/ },
    ],
  },
  'sleep and wake': {
    spec: { scale: { min: 0, stop: '1s' } },
    begin: () => serves(),
    isOver: async () => {
      if (!(await has(1, { state: 'exited' }))) return false;
      const { state } = JSON.parse((await api('/v1/apps/shop/sets/web')).body) as { state: string };
      return state === 'zero' && (await serves()) && (await has(1));
    },
    cuts: [{ kind: 'lost', call: /\/stop\?t=2$/ }],
  },
  'the first deployment of an app': {
    begin: (n) =>
      ask(`/v1/apps/a${n}/sets/web`, 'PUT', {
        ...{ containers: twoMembers(), port: 8080, health: { path: '/healthz', interval: '500ms' } },
      }),
    isOver: async (n) => (await has(1, { app: `a${n}` })) && (await serves(`a${n}`)),
    cuts: [{ kind: 'done', call: /networks\/create/ }],
  },
  'copies of a container': {
    first: () => runHello(engine, { name: 'made', labels: { 'tidegate.app': 'made', 'tidegate.scale.max': '3' } }),
    begin: (n) => ask('/v1/apps/made/sets/web/scale', 'PUT', { replicas: 1 + (n % 2) }),
    isOver: async (n) => {
      const all = (await containers()).filter(({ Labels }) => Labels['tidegate.app'] === 'made');
      return all.length === 1 + (n % 2) && all.every(({ State }) => State === 'running') && (await serves('made'));
    },
    cuts: [
      { kind: 'late', call: /create/ },
      { kind: 'lost', call: /^DELETE / },
    ],
  },
  'a removal': {
    begin: () => ask('/v1/apps/shop', 'DELETE'),
    isOver: async () => {
      const networks = (await engine.docker.listNetworks()).filter(({ Name }) => Name.startsWith('tidegate-default-'));
      return networks.length === 0 && (await has(0)) && (await api('/v1/apps/shop')).status === 404;
    },
    cuts: [{ kind: 'lost', call: /^DELETE \/networks/ }],
    again: () => deployed(),
  },
};

// ---- cuts

function deployed(spec: Readonly<Record<string, unknown>> = {}): Promise<OperationSeen | null> {
  return deployHello(tidegate, { image, more: { containers: twoMembers(), ...spec } });
}

function killControl(): void {
  const [control] = childrenOf(tidegate.pid, 'control');
  assert.ok(control !== undefined, 'control runs');
  process.kill(control, 'SIGKILL');
}

/** @returns the call that was cut; null: there was none */
async function cutOnce(flow: Flow, n: number, kind: CutKind, isIt: (call: string) => boolean): Promise<string | null> {
  let call: string | null = null;
  front.cut = {
    ...{ kind, isIt },
    onCut: (one) => {
      call = one;
      killControl();
    },
  };
  await flow.begin(n);
  await until(() => flow.isOver(n).catch((error) => error instanceof assert.AssertionError && Promise.reject(error)), {
    ...{ what: 'it comes to its end', timeoutMs: ENDS_WITHIN_MS, everyMs: 100 },
  }).catch(async (error) => {
    const left = (await containers()).map(({ Names, State }) => `${Names[0]} ${State}`);
    assert.fail(`${kind}: ${call}: ${String(error)}; there are ${JSON.stringify(left)}\n${tidegate.log.slice(-2000)}`);
  });
  front.cut = null;
  await flow.again?.();
  return call;
}

for (const [name, flow] of Object.entries(FLOWS)) {
  test(`${name} comes to its end when control is killed at a call to the Engine`, async (t) => {
    front = await EngineFront.start(engine.socketPath);
    const settings = { TIDEGATE_WORKERS: '1', TIDEGATE_SPARES: String(SPARES) };
    tidegate = await startTidegate({ docker: front.socket, settings });
    await deployed(flow.spec);
    await flow.first?.();
    let n = 0;
    if (process.env.CUTS !== 'all') {
      for (const { kind, call } of flow.cuts) {
        const cut = await cutOnce(flow, ++n, kind, (one) => call.test(one));
        assert.ok(cut !== null, `there was no call ${call}`);
      }
      return;
    }
    for (const kind of ['lost', 'late', 'done'] as const) {
      let cut: string | null = '';
      let nth = 0;
      for (; cut !== null; nth++) {
        let before = 0;
        cut = await cutOnce(flow, ++n, kind, (one) => !one.startsWith('GET ') && before++ === nth);
      }
      t.diagnostic(`${kind}: ${nth - 1} calls`);
    }
  });
}
