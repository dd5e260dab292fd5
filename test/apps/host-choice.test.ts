/** Where replicas are made when there is more than one host. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { SetRecord } from '#apps/app-record';
import { HostChoice } from '#apps/host-choice';
import type { ReplicaSight } from '#apps/ports';
import { VolumeHomes } from '#apps/volume-homes';
import { isTidegateError, TidegateError } from '#core/errors';
import { NO_OPTIONS, type Revision } from '#core/set-spec';
import type { HostEngine } from '#docker/host-engine';
import { openSqliteStore } from '#store/sqlite-store';
import type { Store } from '#store/store';
import { specOf } from './support/platform.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'tidegate-hosts-'));
let store: Store;
let homes: VolumeHomes;
let hosts: FakeHost[];
let replicas: string[];
/** Hosts without room for another replica. */
const full = new Set<string>();
/** Hosts whose room was counted. */
let counted: string[];
/** What is seen of the set at the next looks, before it is `replicas`. */
let looks: string[][];

interface FakeHost {
  readonly host: string;
  isAway: boolean;
  readonly images: Set<string>;
  readonly volumes: Set<string>;
}

beforeEach(async () => {
  store = await openSqliteStore(directory);
  homes = await VolumeHomes.open(store);
  hosts = ['a', 'b'].map((host) => ({ host, isAway: false, images: new Set(), volumes: new Set() }));
  replicas = [];
  full.clear();
  counted = [];
  looks = [];
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

function hostOf(name: string): FakeHost {
  const found = hosts.find((one) => one.host === name);
  assert.ok(found !== undefined);
  return found;
}

function choice(): HostChoice {
  return new HostChoice({
    reserve: {
      hasRoom: (host) => {
        counted.push(host);
        return !full.has(host);
      },
    },
    homes,
    ports: {
      engines: () => hosts.map(engineOf),
      sight: () => ({
        target: { min: 0, max: 10, awake: 1 },
        replicas: (looks.shift() ?? replicas).map((host, i): ReplicaSight => {
          return { id: `${host}/${i}`, host, phase: 'ready', revision: 'r1', failures: 0, inFlight: 0 };
        }),
      }),
    },
  });
}

function engineOf({ host, isAway, images, volumes }: FakeHost): HostEngine {
  const engine: Partial<HostEngine> = {
    host,
    state: isAway ? 'degraded' : 'reachable',
    volumes: () => Promise.resolve([...volumes].map((name) => ({ id: name, name, labels: {} }))),
    ensureImage: (id) =>
      images.has(id)
        ? Promise.resolve({
            id,
            digest: null,
            exposedPorts: [],
            entrypoint: [],
            cmd: [],
            user: '',
            healthcheck: null,
            volumes: [],
          })
        : Promise.reject(new TidegateError('image.not_found', `${id}: no such image`)),
  };
  return engine as HostEngine;
}

const SET: SetRecord = {
  ...{ tenant: 'acme', app: 'shop', name: 'db', spec: specOf('db:1'), labels: {}, current: null, shares: [] },
  ...{ routing: null, lastRevision: 1, createdAt: 0 },
};

function revision(volumes: readonly string[], digest: string | null = 'db@sha256:1'): Revision {
  const spec = specOf('db:1');
  const mounts = volumes.map((name) => ({ name, path: `/${name}`, readonly: false }));
  const containers = [{ index: 1, name: 'main', image: 'db:1', options: { ...NO_OPTIONS, volumes: mounts } }];
  return {
    ...{ name: 'r1', number: 1, share: 'r1', createdAt: 0, by: 'op_1', cause: 'a test', env: {}, secrets: [] },
    ...{ spec: { ...spec, containers }, images: { 1: { reference: 'db:1', id: 'sha256:db', digest } } },
  };
}

test('what has a volume stays where the volume is, however busy that host is, also in the next process', async () => {
  replicas = ['b'];
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'a');
  replicas = ['a', 'a'];
  homes = await VolumeHomes.open(store);
  assert.equal((await choice().choose(SET, revision([]))).host, 'b');
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'a');
  // A second volume comes to where the first one is.
  assert.equal((await choice().choose(SET, revision(['data', 'logs']))).host, 'a');
  assert.equal((await choice().choose(SET, revision(['logs']))).host, 'a');
});

test('two replicas that are made at a time find one home', async () => {
  const one = choice();
  // Whoever looked for himself would find another host each time.
  looks = [['b'], ['a']];
  const found = await Promise.all(['db', 'web'].map((name) => one.choose({ ...SET, name }, revision(['data']))));
  assert.deepEqual(
    found.map((engine) => engine.host),
    ['a', 'a'],
  );
});

test('while the host of a volume is away nothing is made anywhere else, and the reason names it', async () => {
  await choice().choose(SET, revision(['data']));
  hostOf('a').isAway = true;
  await assert.rejects(choice().choose(SET, revision(['data'])), (error) => {
    assert.ok(isTidegateError(error, 'engine.unreachable'));
    assert.match(error.message, /host a .*tidegate-acme\.shop\.data/);
    return true;
  });
  assert.equal((await choice().choose(SET, revision([]))).host, 'b');
});

test('a volume that nobody wrote a host down for is found where it is; one that is removed may come back anywhere', async () => {
  hostOf('b').volumes.add('tidegate-acme.shop.data');
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'b');
  hostOf('b').volumes.clear();
  await homes.gone('tidegate-acme.shop.data', 'b');
  replicas = ['b'];
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'a');
});

test('what was given up on a host is not looked for there, and nothing is made there, whoever has room', async () => {
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'a');
  hostOf('a').volumes.add('tidegate-acme.shop.data');
  const left = { tenant: 'acme', app: 'shop', volume: 'tidegate-acme.shop.data', host: 'a', by: 'op_1' };
  await homes.giveUp([{ ...left, at: 0, told: false }], []);
  homes = await VolumeHomes.open(store);
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'b');
  // Others go there as before.
  assert.equal((await choice().choose(SET, revision([]))).host, 'a');
  await homes.gone('tidegate-acme.shop.data', 'b');
  hostOf('b').isAway = true;
  await assert.rejects(choice().choose(SET, revision(['data'])), (error) =>
    isTidegateError(error, 'volume.left_behind'),
  );
  await homes.gone('tidegate-acme.shop.data', 'a');
  assert.equal((await choice().choose(SET, revision(['data']))).host, 'a');
});

test('a host that is not among the settings any more is told apart from one that is silent', async () => {
  await choice().choose(SET, revision(['data']));
  hosts = hosts.filter((one) => one.host !== 'a');
  await assert.rejects(choice().choose(SET, revision(['data'])), (error) => {
    assert.ok(isTidegateError(error, 'volume.host_removed'));
    assert.match(error.message, /host a is not in TIDEGATE_DOCKER any more.*tidegate-acme\.shop\.data/);
    return true;
  });
});

test('an image of no registry is used on the host that has it', async () => {
  hostOf('b').images.add('sha256:db');
  replicas = ['b', 'b'];
  assert.equal((await choice().choose(SET, revision([], null))).host, 'b');
  assert.equal((await choice().choose(SET, revision([]))).host, 'a');
  hostOf('b').images.clear();
  await assert.rejects(choice().choose(SET, revision([], null)), (error) => isTidegateError(error, 'image.not_found'));
});

test('a host with room goes before one without, however few replicas that has; where all are full the fewest count', async () => {
  replicas = ['a', 'a'];
  assert.equal((await choice().choose(SET, revision([]))).host, 'b');
  full.add('b');
  assert.equal((await choice().choose(SET, revision([]))).host, 'a');
  full.add('a');
  assert.equal((await choice().choose(SET, revision([]))).host, 'b');
});

test('where there is no choice no room is counted: it takes a look at every set', async () => {
  hostOf('b').isAway = true;
  full.add('a');
  assert.equal((await choice().choose(SET, revision([]))).host, 'a');
  assert.deepEqual(counted, []);
});
