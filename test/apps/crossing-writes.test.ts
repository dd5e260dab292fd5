/** Writes about one set that are under way at the same time, on a store that takes its time and mixes them up: none is lost. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasEnded } from '#apps/deployment-record';
import type { SetSpec } from '#core/set-spec';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const ASKER = { tenant: 'acme', by: 'op_1' };
const ROUNDS = 6;
const CLIENTS = 5;
const ACTIONS = 5;
const WRITE_MS_MAX = 4;

let platform: Platform;

beforeEach(() => {
  platform = new Platform();
});
afterEach(() => platform.close());

/** What was acknowledged last of each field. */
interface Model {
  max: string;
  drain: string;
  cpu: number;
  image: string;
  env: Record<string, string>;
  stopped: boolean;
}

/** The same numbers for the same seed, from 0 up to 1. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function setOf() {
  const found = platform.apps.library.set('acme', 'shop', 'web');
  assert.ok(found !== null);
  return found;
}

/** Reads, changes and writes the set in its turn, as the API does. */
function patch(change: (spec: SetSpec) => SetSpec, acknowledged: () => void): Promise<void> {
  return platform.apps.turns.take('acme/shop/web', async () => {
    const wish = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling' as const };
    await platform.apps.putSet({ ...wish, spec: change(setOf().spec) });
    acknowledged();
  });
}

async function act(random: () => number, model: Model): Promise<void> {
  const n = 1 + Math.floor(random() * 9);
  const label = (name: string, value: string) => (spec: SetSpec) => ({
    ...spec,
    labels: { ...spec.labels, [name]: value },
  });
  const kinds = [
    () => patch(label('tidegate.scale.max', String(n)), () => Object.assign(model, { max: String(n) })),
    () => patch(label('tidegate.drain', `${n}s`), () => Object.assign(model, { drain: `${n}s` })),
    () =>
      patch(
        (spec) => ({ ...spec, resources: { ...spec.resources, cpu: n } }),
        () => Object.assign(model, { cpu: n }),
      ),
    () =>
      platform.apps.turns.take('acme/shop/web', async () => {
        const { spec } = setOf();
        const containers = spec.containers.map((one, i) => (i === 0 ? { ...one, image: `shop:${n}` } : one));
        await platform.apps.deploy({
          ...{
            tenant: 'acme',
            app: 'shop',
            by: 'op_1',
            strategy: 'bluegreen',
            steps: [],
            members: [],
            cause: 'a test',
          },
          ...{ turns: [{ set: 'web', spec: { ...spec, containers }, revision: null }], readyWithinMs: 5000 },
        });
        model.image = `shop:${n}`;
      }),
    async () => {
      const name = `V${n}`;
      await platform.apps.putApp(ASKER, 'shop', ({ env }) => ({ env: { ...env, [name]: 'yes' } }));
      model.env[name] = 'yes';
    },
    () => platform.apps.putSecret(ASKER, 'shop', `S${n}`, 'hidden'),
  ];
  await kinds[Math.floor(random() * kinds.length)]?.();
}

suite('on a slow store', () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    test(`policy, limits, images and environment that were acknowledged are all there in the end (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      await platform.open();
      const wish = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling' as const };
      await platform.apps.putSet({ ...wish, spec: specOf('shop:0') });
      await until(
        () => setOf().current === 1 && platform.apps.deployments.book.movingOf('acme', 'shop', 'web') === null,
      );
      platform.delay = () => sleep(Math.floor(random() * WRITE_MS_MAX));
      const model: Model = { max: '1', drain: '', cpu: 1, image: 'shop:0', env: {}, stopped: false };
      await Promise.all(
        Array.from({ length: CLIENTS }, async () => {
          for (let i = 0; i < ACTIONS; i++) await act(random, model);
        }),
      );
      await until(() => platform.apps.deployments.book.list('acme', 'shop').every((one) => hasEnded(one.state)));
      platform.delay = null;
      const said = () => {
        const { spec, labels, current } = setOf();
        const app = platform.apps.library.app('acme', 'shop');
        const inForce = platform.apps.library.revision('acme', 'shop', 'web', current ?? 0)?.spec;
        const seen = (one: SetSpec | undefined) => [one?.containers[0]?.image, one?.resources.cpu];
        const policy = (one: Readonly<Record<string, string>>) => [
          one['tidegate.scale.max'] ?? '1',
          one['tidegate.drain'] ?? '',
        ];
        return {
          wished: seen(spec),
          inForce: seen(inForce),
          policy: policy(spec.labels),
          held: policy(labels),
          env: app?.env,
        };
      };
      const asked = { policy: [model.max, model.drain], held: [model.max, model.drain], env: model.env };
      const wanted = { wished: [model.image, model.cpu], inForce: [model.image, model.cpu], ...asked };
      assert.deepEqual(said(), wanted);
      const numbers = platform.apps.library.revisions('acme', 'shop', 'web').map((one) => one.number);
      assert.equal(new Set(numbers).size, numbers.length);
      // And so it is kept.
      await platform.kill();
      await platform.open();
      assert.deepEqual(said(), wanted);
    });
  }
});

test('a deployment that was canceled before it began does not begin, however slowly that is kept', async () => {
  await platform.open();
  const wish = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'rolling' as const };
  const first = await platform.apps.putSet({ ...wish, spec: specOf('shop:1') });
  platform.delay = () => sleep(WRITE_MS_MAX);
  const second = await platform.apps.putSet({ ...wish, spec: specOf('shop:2') });
  assert.ok(first.deployment !== null && second.deployment !== null);
  const { id } = second.deployment;
  const isDone = await platform.apps.deployments.wish(second.deployment, 'cancel');
  const stateOf = (of: string) => platform.apps.deployments.book.get('acme', 'shop', of)?.state ?? 'queued';
  await until(() => hasEnded(stateOf(first.deployment?.id ?? '')) && hasEnded(stateOf(id)));
  assert.equal(stateOf(id), isDone ? 'canceled' : 'succeeded');
  assert.equal(isDone, true);
  await until(() => setOf().current === 1);
  assert.equal(setOf().spec.containers[0]?.image, 'shop:1');
});

for (const wish of ['cancel', 'abort'] as const) {
  test(`who is told that a deployment ends (${wish}) is told the truth, at whatever moment it is wished`, async () => {
    await platform.open();
    const asked = { ...ASKER, app: 'shop', set: 'web', cause: 'a test', strategy: 'bluegreen' as const };
    await platform.apps.putSet({ ...asked, spec: specOf('shop:0') });
    await until(() => setOf().current === 1 && platform.apps.deployments.book.movingOf('acme', 'shop', 'web') === null);
    platform.delay = () => sleep(1);
    for (let round = 1; round <= 12; round++) {
      const { deployment } = await platform.apps.putSet({ ...asked, spec: specOf(`shop:${round}`) });
      assert.ok(deployment !== null);
      await sleep(round * 2);
      const isDone = await platform.apps.deployments.wish(deployment, wish);
      const now = () => platform.apps.deployments.book.get('acme', 'shop', deployment.id);
      const ended = await until(() => (hasEnded(now()?.state ?? 'queued') ? now() : null));
      assert.equal(ended?.state === 'succeeded', !isDone, `round ${round}: ${ended?.state}, and it was said ${isDone}`);
    }
  });
}
