/** Whose a container is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriesOurLabel, isOurs, Ownership } from '#docker/ownership';

for (const labels of [
  { 'tidegate.enable': 'true' },
  { 'tidegate.app': 'shop' },
  { 'tidegate.host': 'shop.example.com' },
  { 'tidegate.route.api.host': 'api.example.com' },
]) {
  test(`${JSON.stringify(labels)} makes a container ours`, () => {
    assert.equal(isOurs(labels), true);
  });
}

for (const labels of [
  {},
  { 'com.docker.compose.project': 'shop' },
  { 'tidegate.port': '8080' },
  { 'tidegate.route.api.port': '8080' },
  { 'tidegate.enable': 'false', 'tidegate.app': 'shop' },
  { 'tidegate.enable': ' FALSE ', 'tidegate.host': 'shop.example.com' },
  { 'xtidegate.app': 'shop' },
]) {
  test(`${JSON.stringify(labels)} does not`, () => {
    assert.equal(isOurs(labels), false);
  });
}

test('any label of ours makes a container worth listing', () => {
  assert.equal(carriesOurLabel({ 'tidegate.prot': '8080' }), true);
  assert.equal(carriesOurLabel({ tidegate: 'x', 'tidegatex.app': 'y' }), false);
});

test('a complete list replaces what was known', () => {
  const ownership = new Ownership();
  ownership.saw('a', { 'tidegate.app': 'shop' });
  ownership.saw('b', {});
  assert.equal(ownership.isOurs('a'), true);
  assert.equal(ownership.isOurs('b'), false);
  ownership.sawAll([{ status: 'running', id: 'c', labels: { 'tidegate.app': 'shop' } }]);
  assert.equal(ownership.isOurs('a'), undefined);
  assert.equal(ownership.isOurs('c'), true);
  ownership.forget('c');
  assert.equal(ownership.isOurs('c'), undefined);
});
