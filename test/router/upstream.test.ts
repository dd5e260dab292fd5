/** An upstream: where it is dialled, and what names it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { hashText, Upstream } from '#router/upstream';
import { replica } from '#test/router/sample';

const twoPorts = replica('a', {
  endpoints: [
    { port: 8080, dialHost: '172.17.0.2', dialPort: 8080 },
    { port: 9090, dialHost: '127.0.0.1', dialPort: 32_768 },
  ],
});

test('an upstream is dialled at the port its route names, or at the main one', () => {
  const upstream = new Upstream(twoPorts);
  assert.deepEqual(upstream.endpoint(null), { port: 8080, dialHost: '172.17.0.2', dialPort: 8080 });
  assert.deepEqual(upstream.endpoint(9090), { port: 9090, dialHost: '127.0.0.1', dialPort: 32_768 });
  assert.equal(upstream.endpoint(1), null);
  assert.equal(new Upstream(replica('a', { endpoints: [] })).endpoint(null), null);
});

test('a new upstream is unknown, idle and not ready', () => {
  const upstream = new Upstream(twoPorts);
  assert.deepEqual(upstream.health, { health: 'unknown', streak: 0 });
  assert.equal(upstream.inFlight, 0);
  assert.equal(upstream.removed, false);
});

test('every activation of a replica has the same tag and seed, and its tag tells nothing of its address', () => {
  const [first, second] = [new Upstream(twoPorts), new Upstream({ ...twoPorts, endpoints: [] })];
  assert.equal(first.tag, second.tag);
  assert.equal(first.seed, second.seed);
  assert.notEqual(first.tag, new Upstream(replica('b')).tag);
  assert.match(first.tag, /^[a-z0-9]{1,7}$/);
});

test('the hash of a text is FNV-1a', () => {
  assert.equal(hashText(''), 0x811c9dc5);
  assert.equal(hashText('a'), 0xe40c292c);
  assert.equal(hashText('foobar'), 0xbf9cf968);
});
