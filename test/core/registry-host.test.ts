/** Whose an image is, however its name is written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRegistryHost, registryHostOf, repositoryOf } from '#core/registry-host';

const NAMES: readonly (readonly [image: string, host: string, repository: string | null])[] = [
  ['redis', 'docker.io', 'docker.io/library/redis'],
  ['redis:7@sha256:abc', 'docker.io', 'docker.io/library/redis'],
  ['docker.io/redis', 'docker.io', 'docker.io/library/redis'],
  ['docker.io/library/redis:7', 'docker.io', 'docker.io/library/redis'],
  ['index.docker.io/acme/shop', 'docker.io', 'docker.io/acme/shop'],
  ['acme/shop:1.4', 'docker.io', 'docker.io/acme/shop'],
  ['localhost/shop', 'localhost', 'localhost/shop'],
  ['Registry.Example/shop:1', 'registry.example', 'registry.example/shop'],
  ['127.0.0.1:5000/a/b:1', '127.0.0.1:5000', '127.0.0.1:5000/a/b'],
  [`registry.example:5000/a@sha256:${'0'.repeat(64)}`, 'registry.example:5000', 'registry.example:5000/a'],
  ['[::1]:5000/a:1', '[::1]:5000', '[::1]:5000/a'],
  [`sha256:${'0'.repeat(64)}`, 'docker.io', null],
  ['0'.repeat(64), 'docker.io', null],
];

for (const [image, host, repository] of NAMES) {
  test(`${image.slice(0, 50)} is ${repository ?? 'of no registry'}`, () => {
    assert.equal(registryHostOf(image), host);
    assert.equal(repositoryOf(image), repository);
  });
}

test('a registry is taken as people write it, and kept in one spelling', () => {
  assert.equal(readRegistryHost('https://index.docker.io/v1/'), 'docker.io');
  assert.equal(readRegistryHost('Registry.Example:5000/'), 'registry.example:5000');
  assert.equal(readRegistryHost('http://10.0.0.5:5000/v2'), '10.0.0.5:5000');
  assert.equal(readRegistryHost('localhost'), 'localhost');
  for (const wrong of ['', 'acme', 'a/b.c', 'a b.c', '-x.y', 'x.y:port', 'x..y/z', `${'a'.repeat(300)}.b`]) {
    assert.equal(readRegistryHost(wrong), null, wrong);
  }
});
