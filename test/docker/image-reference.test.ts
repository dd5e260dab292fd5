/** How names of images are read: what is taken for a tag, a digest, a port of a registry. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familiarName, readReference } from '#docker/image-reference';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

const READ = [
  ['shop', 'shop', 'latest', 'shop:latest'],
  ['shop:1.4', 'shop', '1.4', 'shop:1.4'],
  ['registry.example/team/shop', 'registry.example/team/shop', 'latest', 'registry.example/team/shop:latest'],
  ['localhost:5000/shop', 'localhost:5000/shop', 'latest', 'localhost:5000/shop:latest'],
  ['localhost:5000/shop:2_a', 'localhost:5000/shop', '2_a', 'localhost:5000/shop:2_a'],
  [`shop@${DIGEST}`, 'shop', DIGEST, `shop@${DIGEST}`],
  [`r.example:5000/shop:1@${DIGEST}`, 'r.example:5000/shop', DIGEST, `r.example:5000/shop@${DIGEST}`],
  [DIGEST, '', null, DIGEST],
  ['ab'.repeat(32), '', null, DIGEST],
] as const;

for (const [text, repository, version, whole] of READ) {
  test(`${text} is read in its parts`, () => {
    assert.deepEqual(readReference(text), { repository, version, text: whole });
  });
}

for (const text of [
  '',
  ' ',
  'a b',
  'shop:',
  'shop:1:2',
  'shop@sha256:12',
  '/shop',
  'shop/',
  'a//b',
  'shop?x=1',
  '../x',
]) {
  test(`"${text}" names no image`, () => {
    assert.equal(readReference(text), null);
  });
}

test('names of Docker Hub are listed by the Engine in their shortest form', () => {
  assert.equal(familiarName('docker.io/library/nginx'), 'nginx');
  assert.equal(familiarName('index.docker.io/team/shop'), 'team/shop');
  assert.equal(familiarName('registry.example/library/nginx'), 'registry.example/library/nginx');
});
