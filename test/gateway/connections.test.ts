/** Connections to replicas: used again when that is safe, never otherwise. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { until } from '#test/support/until';
import { keepAliveAgent } from './support/clients.ts';
import { onEveryLane } from './support/rig.ts';
import { echo } from './support/upstreams.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

onEveryLane('requests of different clients share a connection to the replica', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  for (let i = 0; i < 5; i++) assert.equal((await rig.send()).status, 200);
  assert.equal((await rig.send({ method: 'POST', body: 'x' })).status, 200);
  assert.equal(replica.opened(), 1);
});

onEveryLane('requests at the same time get connections of their own', {}, async (rig) => {
  let waiting = 0;
  let release: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    release = resolve;
  });
  const replica = await rig.app((_request, response) => {
    waiting++;
    if (waiting === 20) release();
    void all.then(() => response.end('ok'));
  });
  rig.addSet({ ports: [replica.port] });
  await Promise.all(Array.from({ length: 20 }, () => rig.send()));
  assert.equal(replica.opened(), 20);
  assert.equal(rig.gateway.collect().kept, 20);
});

onEveryLane('what is kept to a replica is closed when the replica leaves', {}, async (rig) => {
  const replica = await rig.app(echo);
  const { pool, upstreams } = rig.addSet({ ports: [replica.port] });
  await rig.send();
  assert.equal(replica.open(), 1);
  for (const upstream of upstreams) pool.remove(upstream);
  await until(() => replica.open() === 0);
  rig.addReplica(pool, replica.port);
  assert.equal((await rig.send()).status, 200);
  assert.equal(replica.opened(), 2, 'the activation that came after it has connections of its own');
});

onEveryLane('a connection in use when its replica leaves serves to the end and is not kept', {}, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    finish = () => response.end('late');
  });
  const { pool, upstreams } = rig.addSet({ ports: [replica.port] });
  const answer = rig.send();
  await until(() => replica.opened() === 1 && pool.inFlight === 1);
  await rig.settled();
  for (const upstream of upstreams) pool.remove(upstream);
  finish();
  assert.equal((await answer).text, 'late');
  await until(() => replica.open() === 0);
  assert.equal(rig.gateway.collect().kept, 0);
});

onEveryLane('a replica that is draining gets its connections back closed', {}, async (rig) => {
  let finish: () => void = () => {};
  const replica = await rig.app((_request, response) => {
    finish = () => response.end('late');
  });
  const { pool, upstreams } = rig.addSet({ ports: [replica.port] });
  const answer = rig.send();
  await until(() => pool.inFlight === 1 && replica.opened() === 1);
  await rig.settled();
  for (const upstream of upstreams) pool.drain(upstream);
  finish();
  assert.equal((await answer).text, 'late');
  await until(() => replica.open() === 0);
});

for (const [what, extra] of [
  ['in the same packet', true],
  ['later', false],
] as const) {
  onEveryLane(`octets nobody asked for (${what}) are never taken for an answer`, {}, async (rig) => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const replica = await rig.raw((socket) => {
      if (extra) socket.write(OK + evil);
      else {
        socket.write(OK);
        setTimeout(() => socket.write(evil), 20);
      }
    });
    rig.addSet({ ports: [replica.port] });
    assert.equal((await rig.send()).text, 'ok');
    await until(() => replica.open() === 0, { what: 'a dropped connection' });
    assert.equal((await rig.send()).text, 'ok');
    assert.equal(replica.opened(), 2);
  });
}

onEveryLane('a replica that says close, or speaks HTTP/1.0, is asked on a new connection', {}, async (rig) => {
  for (const head of ['HTTP/1.1 200 OK\r\nConnection: close', 'HTTP/1.0 200 OK']) {
    const replica = await rig.raw((socket) => socket.write(`${head}\r\nContent-Length: 2\r\n\r\nok`));
    rig.addSet({ host: 'other.test', set: head, ports: [replica.port] });
    assert.equal((await rig.send({ host: 'other.test' })).text, 'ok');
    assert.equal((await rig.send({ host: 'other.test' })).text, 'ok');
    assert.equal(replica.opened(), 2, head);
    rig.table.remove(`default/app/${head}`);
  }
});

onEveryLane('a connection is given up before the replica would close it', {}, async (rig) => {
  const replica = await rig.raw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok');
  });
  rig.addSet({ ports: [replica.port] });
  await rig.send();
  assert.equal(rig.gateway.collect().kept, 0, 'a second is no time to keep anything');
});

onEveryLane('a kept connection that was closed meanwhile costs a GET nothing', {}, async (rig) => {
  const sockets: Socket[] = [];
  const replica = await rig.raw((socket) => {
    sockets.push(socket);
    socket.write(OK);
    // The second request on a connection meets a reset, as when it crosses the close of an idle connection.
    socket.on('data', () => socket.resetAndDestroy());
  });
  const { pool } = rig.addSet({ ports: [replica.port], policy: { retry: 0 } });
  const suspects: string[] = [];
  pool.watch({ onSuspect: (_pool, upstream) => suspects.push(upstream.name) });
  assert.equal((await rig.send()).text, 'ok');
  assert.equal((await rig.send()).text, 'ok');
  assert.equal(replica.opened(), 2);
  assert.deepEqual(suspects, [], 'an old connection says nothing of the replica');
});

onEveryLane('a POST never goes out on a connection whose close has arrived', {}, async (rig) => {
  let posts = 0;
  const sockets: Socket[] = [];
  const replica = await rig.raw((socket, octets) => {
    sockets.push(socket);
    if (octets.toString('latin1').startsWith('POST')) posts++;
    socket.write(OK);
    socket.on('data', () => socket.resetAndDestroy());
  });
  rig.addSet({ ports: [replica.port], policy: { retry: 0 } });
  for (let i = 0; i < 20; i++) {
    assert.equal((await rig.send()).text, 'ok');
    // The FIN is on its way when the POST comes in; both are waiting for the gateway in one turn of its loop.
    const posted = rig.send({ method: 'POST', body: 'x' });
    sockets.at(-1)?.end();
    assert.equal((await posted).text, 'ok');
    assert.equal(posts, i + 1);
  }
});

let choosing: () => void = () => {};
const choice = (): number => {
  choosing();
  return 0;
};
onEveryLane(
  'a POST waits for the close of a kept connection that is just being said',
  { random: choice },
  async (rig) => {
    const sockets: Socket[] = [];
    const replica = await rig.raw((socket) => {
      sockets.push(socket);
      socket.write(OK);
      socket.on('data', () => socket.resetAndDestroy());
    });
    // Two replicas, so that the pool has to choose: that is the moment in which the first one hangs up.
    rig.addSet({ ports: [replica.port, replica.port], policy: { retry: 0 } });
    assert.equal((await rig.send()).text, 'ok');
    choosing = () => {
      choosing = () => {};
      sockets[0]?.end();
    };
    assert.equal((await rig.send({ method: 'POST', body: 'x' })).text, 'ok');
    assert.equal(replica.opened(), 2);
  },
);

onEveryLane('a client connection is kept over answers of the gateway itself', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const agent = rig.owns(new ClosableAgent());
  assert.equal((await rig.send({ host: 'nobody.test', agent: agent.agent })).status, 404);
  assert.equal(
    (await rig.send({ host: 'nobody.test', method: 'POST', body: 'small', agent: agent.agent })).status,
    404,
  );
  assert.equal((await rig.send({ agent: agent.agent })).status, 200);
  assert.equal(rig.gateway.collect().connections, 1);
});

class ClosableAgent {
  readonly agent = keepAliveAgent();

  close(): void {
    this.agent.destroy();
  }
}

onEveryLane('a client that said it would send nothing more is not waited for', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const client = connect({ port: rig.port, host: '127.0.0.1', allowHalfOpen: true });
  let text = '';
  let ended = false;
  client.on('data', (octets) => {
    text += octets.toString('latin1');
  });
  client.on('end', () => {
    ended = true;
  });
  client.write('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  await until(() => rig.gateway.collect().connections === 0 && ended);
  assert.match(text, /^HTTP\/1.1 200 /);
  assert.ok(!client.writableEnded, 'its own side is open still');
  client.destroy();
});
