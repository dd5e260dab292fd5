/** What replicas may answer wrongly, and what the client sees of it: an honest error or a visible cut, nothing else. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import { onEveryLane } from './support/rig.ts';

interface BrokenAnswer {
  readonly name: string;
  /** Octets of the replica, as latin1 text. */
  readonly octets: string;
  /** What the replica does after them. */
  readonly after: 'end' | 'reset' | 'stay';
  /** An error code of the gateway, a cut answer, or a good one with this body. */
  readonly expect: 'upstream_reset' | 'upstream_protocol' | 'cut' | { readonly body: string };
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

const ANSWERS: readonly BrokenAnswer[] = [
  { name: 'nothing', octets: '', after: 'end', expect: 'upstream_reset' },
  { name: 'a reset', octets: '', after: 'reset', expect: 'upstream_reset' },
  { name: 'half a status line', octets: 'HTTP/1.1 20', after: 'end', expect: 'upstream_reset' },
  { name: 'half a head', octets: `${HEAD}X-A: b\r\n`, after: 'end', expect: 'upstream_reset' },
  { name: 'half a head and a reset', octets: `${HEAD}X-A: b\r\n`, after: 'reset', expect: 'upstream_reset' },
  { name: 'only an informational head', octets: 'HTTP/1.1 103 E\r\n\r\n', after: 'end', expect: 'upstream_reset' },
  { name: 'garbage', octets: 'SSH-2.0-OpenSSH_9\r\n', after: 'stay', expect: 'upstream_protocol' },
  { name: 'HTTP/2 in plain', octets: '\0\0\x06\x04\0\0\0\0\0', after: 'stay', expect: 'upstream_protocol' },
  { name: 'a status out of range', octets: 'HTTP/1.1 999 X\r\n\r\n', after: 'end', expect: 'upstream_protocol' },
  {
    name: 'bare line feeds',
    octets: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
    after: 'end',
    expect: 'upstream_protocol',
  },
  { name: 'a folded line', octets: `${HEAD}X-A: b\r\n c\r\n\r\n`, after: 'end', expect: 'upstream_protocol' },
  {
    name: 'a head too large',
    octets: `${HEAD}X-A: ${'a'.repeat(40_000)}\r\n\r\n`,
    after: 'stay',
    expect: 'upstream_protocol',
  },
  {
    name: 'two different lengths',
    octets: `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nabc`,
    after: 'end',
    expect: 'upstream_protocol',
  },
  {
    name: 'a length and chunks',
    octets: `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    after: 'end',
    expect: 'upstream_protocol',
  },
  { name: 'a negative length', octets: `${HEAD}Content-Length: -1\r\n\r\n`, after: 'end', expect: 'upstream_protocol' },
  {
    name: 'an unknown coding',
    octets: `${HEAD}Transfer-Encoding: gzip\r\n\r\nx`,
    after: 'end',
    expect: 'upstream_protocol',
  },
  {
    name: 'a switch nobody asked for',
    octets: 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    after: 'stay',
    expect: 'upstream_protocol',
  },
  { name: 'a cut body', octets: `${HEAD}Content-Length: 10\r\n\r\nabc`, after: 'end', expect: 'cut' },
  { name: 'a cut body and a reset', octets: `${HEAD}Content-Length: 10\r\n\r\nabc`, after: 'reset', expect: 'cut' },
  { name: 'no body where one was announced', octets: `${HEAD}Content-Length: 10\r\n\r\n`, after: 'end', expect: 'cut' },
  { name: 'a cut chunk', octets: `${CHUNKED}a\r\nabc`, after: 'end', expect: 'cut' },
  { name: 'chunks without an end', octets: `${CHUNKED}3\r\nabc\r\n`, after: 'end', expect: 'cut' },
  { name: 'a last chunk without its last line', octets: `${CHUNKED}3\r\nabc\r\n0\r\n`, after: 'end', expect: 'cut' },
  { name: 'a bad chunk size', octets: `${CHUNKED}3\r\nabc\r\nxyz\r\n`, after: 'stay', expect: 'cut' },
  { name: 'a chunk longer than its size', octets: `${CHUNKED}3\r\nabcd\r\n0\r\n\r\n`, after: 'stay', expect: 'cut' },
  {
    name: 'a trailer that frames',
    octets: `${CHUNKED}3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n`,
    after: 'stay',
    expect: 'cut',
  },
  {
    name: 'a reset where the end of the connection ends the body',
    octets: `${HEAD}\r\nabc`,
    after: 'reset',
    expect: 'cut',
  },
  {
    name: 'more than was announced',
    octets: `${HEAD}Content-Length: 3\r\n\r\nabcdef`,
    after: 'stay',
    expect: { body: 'abc' },
  },
  {
    name: 'a second answer behind the first',
    octets: `${HEAD}Content-Length: 3\r\n\r\nabc${HEAD}Content-Length: 4\r\n\r\nevil`,
    after: 'stay',
    expect: { body: 'abc' },
  },
  {
    name: 'octets behind the last chunk',
    octets: `${CHUNKED}3\r\nabc\r\n0\r\n\r\nevil`,
    after: 'stay',
    expect: { body: 'abc' },
  },
  { name: 'a body for 204', octets: 'HTTP/1.1 204 No\r\n\r\nevil', after: 'stay', expect: { body: '' } },
];

for (const answer of ANSWERS) {
  onEveryLane(`a replica that answers with ${answer.name}`, {}, async (rig) => {
    const replica = await rig.raw((socket) => {
      socket.write(Buffer.from(answer.octets, 'latin1'), () => {
        if (answer.after === 'end') socket.end();
        // Let what was written arrive first.
        else if (answer.after === 'reset') setTimeout(() => socket.resetAndDestroy(), 30);
      });
    });
    rig.addSet({ ports: [replica.port], policy: { retry: 0 } });
    const wire = await rig.wire('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
    const { expect } = answer;
    if (typeof expect === 'object') {
      await wire.has(/\r\n\r\n/);
      await rig.quiet();
      await rig.settled();
      const [head = '', ...rest] = wire.text.split('\r\n\r\n');
      const body = rest.join('\r\n\r\n');
      assert.match(head, /^HTTP\/1\.1 20[04] /);
      assert.equal(/chunked/i.test(head) ? body.slice(3, -7) : body, expect.body);
      await until(() => replica.open() === 0, { what: 'a dropped connection' });
      wire.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
      await until(() => replica.opened() === 2, { what: 'a request on a new connection' });
      return;
    }
    if (expect === 'cut') {
      const text = await wire.over();
      assert.ok(!text.endsWith('0\r\n\r\n'), 'a cut answer must not look complete');
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      const body = text.split('\r\n\r\n').slice(1).join('\r\n\r\n');
      if (length !== undefined) assert.ok(body.length < Number(length));
      await rig.quiet();
      assert.equal(rig.counts().cut, 1);
    } else {
      const text = await wire.has(new RegExp(`X-Tidegate-Error: ${expect}[\\s\\S]*\\}\\n$`));
      assert.match(text, /^(?:HTTP\/1\.1 103 E\r\n\r\n)?HTTP\/1\.1 502 /);
      assert.doesNotMatch(text, /127\.0\.0\.1/);
      assert.equal(rig.counts().errors[expect], 1);
      // The client's connection is as good as before.
      wire.write('GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n');
      await wire.has('HTTP/1.1 404');
    }
    await until(() => replica.open() === 0, { what: 'a dropped connection' });
  });
}

onEveryLane(
  'to an HTTP/1.0 client a cut answer is a reset, since the end of the connection would end it',
  {},
  async (rig) => {
    const replica = await rig.raw((socket) => {
      socket.write(`${CHUNKED}3\r\nabc\r\n`);
      setTimeout(() => socket.resetAndDestroy(), 50);
    });
    rig.addSet({ ports: [replica.port] });
    const wire = await rig.wire('GET / HTTP/1.0\r\nHost: app.test\r\n\r\n');
    await wire.over();
    assert.ok(wire.wasReset, 'the connection ended cleanly');
  },
);

onEveryLane('a head that comes in single octets is read like any other', {}, async (rig) => {
  const octets =
    'HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
  const replica = await rig.raw((socket) => {
    socket.setNoDelay(true);
    let at = 0;
    const next = (): void => {
      if (at === octets.length || socket.destroyed) return;
      socket.write(octets[at++] ?? '');
      setImmediate(next);
    };
    next();
  });
  rig.addSet({ ports: [replica.port] });
  assert.equal((await rig.send()).text, 'abc');
});
