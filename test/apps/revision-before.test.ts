/** What a set goes back to when nobody names a revision. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type DeploymentRecord, hasEnded } from '#apps/deployment-record';
import { revisionBefore } from '#apps/revision-before';
import { compareSpecs } from '#apps/spec-comparison';
import type { Revision, SetSpec } from '#core/set-spec';
import { until } from '#test/support/until';
import { Platform, specOf } from './support/platform.ts';

const ASKER = { tenant: 'acme', by: 'op_1' };

let platform: Platform;

beforeEach(async () => {
  platform = new Platform();
  await platform.open();
});
afterEach(() => platform.close());

async function put(spec: SetSpec): Promise<DeploymentRecord | null> {
  const wish = { ...ASKER, app: 'shop', set: 'web', spec, cause: 'a test', strategy: 'rolling' as const };
  return await ended((await platform.apps.putSet(wish)).deployment);
}

async function ended(deployment: DeploymentRecord | null): Promise<DeploymentRecord | null> {
  if (deployment === null) return null;
  return await until(() => {
    const now = platform.apps.deployments.book.get('acme', 'shop', deployment.id);
    return now !== null && hasEnded(now.state) ? now : null;
  });
}

function before(): string | null {
  const { library } = platform.apps;
  const current = library.set('acme', 'shop', 'web')?.current ?? null;
  return revisionBefore(library.revisions('acme', 'shop', 'web'), current)?.name ?? null;
}

test('what failed is passed over, also by the next process', async () => {
  await put(specOf('shop:1'));
  assert.equal(before(), null);
  platform.crashing.add('shop:bad');
  assert.equal((await put(specOf('shop:bad')))?.state, 'failed');
  await put(specOf('shop:3'));
  assert.equal(before(), 'r1');
  const proofs = () => platform.apps.library.revisions('acme', 'shop', 'web').map((one) => typeof one.provedAt);
  assert.deepEqual(proofs(), ['number', 'object', 'number']);
  await platform.kill();
  await platform.open();
  assert.equal(before(), 'r1');
  assert.deepEqual(proofs(), ['number', 'object', 'number']);
});

test('what was only made anew, or given other limits, is passed over', async () => {
  await put(specOf('shop:1'));
  await put(specOf('shop:2'));
  const spec = specOf('shop:2');
  await put({ ...spec, resources: { ...spec.resources, cpu: 2 } });
  const set = platform.apps.library.set('acme', 'shop', 'web');
  assert.ok(set !== null);
  await ended(await platform.apps.revisions.restart(ASKER, 'shop', [set]));
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 4);
  assert.equal(before(), 'r1');
});

test('the same name for another image is something to go back to, and so is what was kept before proofs were', () => {
  const revision = (number: number, id: string): Revision => ({
    ...{ name: `r${number}`, number, share: `r${number}`, createdAt: 0, by: 'op_1', cause: 'a test' },
    ...{ spec: specOf('shop:1'), env: {}, secrets: [] },
    images: { 1: { reference: 'shop:1', id, digest: null } },
  });
  assert.equal(revisionBefore([revision(1, 'sha256:a'), revision(2, 'sha256:b')], 2)?.name, 'r1');
  assert.equal(revisionBefore([revision(1, 'sha256:a'), revision(2, 'sha256:a')], 2), null);
});

test('other links ask for other containers, the same in another order do not', async () => {
  const linked = (...links: readonly string[]): SetSpec => ({ ...specOf('shop:1'), links });
  assert.equal(compareSpecs(linked('a'), linked('a', 'b')), 'containers');
  assert.equal(compareSpecs(linked('a', 'b'), linked('a')), 'containers');
  assert.notEqual(compareSpecs(linked('a', 'b'), linked('b', 'a')), 'containers');
  await put(linked());
  assert.equal((await put(linked('blog')))?.state, 'succeeded');
  assert.equal(platform.apps.library.set('acme', 'shop', 'web')?.current, 2);
});
