/** Clients that stay with one replica: by cookie, by address, by header. */
import assert from 'node:assert/strict';
import { onEveryLane, type Rig } from './support/rig.ts';

async function named(rig: Rig, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let i = 0; i < count; i++) {
    ports.push((await rig.app((_request, response) => response.end(`replica ${i}`))).port);
  }
  return ports;
}

onEveryLane('a sticky client stays with its replica and gets its cookie once', {}, async (rig) => {
  rig.addSet({ ports: await named(rig, 4), policy: { sticky: 'cookie' } });
  for (let client = 0; client < 5; client++) {
    const first = await rig.send();
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    assert.match(cookie, /^tidegate_[0-9a-z]+=[0-9a-z]+; Path=\/; HttpOnly; SameSite=Lax$/);
    const [pair = ''] = cookie.split(';');
    for (let i = 0; i < 5; i++) {
      const again = await rig.send({ headers: { cookie: `other=1; ${pair}; more=2` } });
      assert.equal(again.text, first.text);
      assert.equal(again.headers['set-cookie'], undefined);
    }
  }
});

onEveryLane('a sticky client whose replica has left gets another one and its cookie', {}, async (rig) => {
  const { pool, upstreams } = rig.addSet({ ports: await named(rig, 2), policy: { sticky: 'cookie' } });
  const first = await rig.send();
  const [pair = ''] = (first.headers['set-cookie']?.[0] ?? '').split(';');
  const gone = upstreams.find((one) => pair.endsWith(`=${one.tag}`));
  assert.ok(gone);
  pool.remove(gone);
  const second = await rig.send({ headers: { cookie: pair } });
  assert.notEqual(second.text, first.text);
  assert.ok(second.headers['set-cookie']);
});

onEveryLane('a sticky cookie over https is for https only', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  rig.addSet({ ports: await named(rig, 1), policy: { sticky: 'cookie' } });
  const { headers } = await rig.send({ headers: { 'x-forwarded-proto': 'https' } });
  assert.match(headers['set-cookie']?.[0] ?? '', /; Secure$/);
});

onEveryLane('hash:ip and hash:header send equal keys to one replica', { trusted: ['127.0.0.1/32'] }, async (rig) => {
  const ports = await named(rig, 4);
  rig.addSet({ host: 'ip.test', set: 'ip', ports, policy: { lb: { kind: 'hash-ip' } } });
  rig.addSet({ host: 'key.test', set: 'key', ports, policy: { lb: { kind: 'hash-header', header: 'x-key' } } });
  const reached = new Set<string>();
  for (let i = 0; i < 16; i++) {
    const byIp = { host: 'ip.test', headers: { 'x-forwarded-for': `203.0.113.${i}` } };
    const byKey = { host: 'key.test', headers: { 'x-key': `key ${i}` } };
    for (const sent of [byIp, byKey]) {
      const { text } = await rig.send(sent);
      for (let k = 0; k < 3; k++) assert.equal((await rig.send(sent)).text, text);
      reached.add(`${sent.host} ${text}`);
    }
  }
  assert.ok(reached.size >= 6, 'the keys are spread over the replicas');
});
