/** What only the lane itself can get wrong: where one message ends and the next begins, and who takes it. */
import assert from 'node:assert/strict';
import { until } from '#test/support/until';
import { onEveryLane } from '../support/rig.ts';
import { echo } from '../support/upstreams.ts';

const GET = 'GET / HTTP/1.1\r\nHost: app.test\r\n\r\n';

onEveryLane('messages are told apart wherever the network cuts them', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const stream =
    'POST /1 HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello' +
    'POST /2 HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n' +
    'GET /3 HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
  // Every cut in two pieces, with the second one held until the first has been read.
  for (let cut = 1; cut < stream.length; cut += 7) {
    const wire = await rig.wire(stream.slice(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    wire.write(stream.slice(cut));
    const text = await wire.over();
    const targets = [...text.matchAll(/"target":"(\/\d)"/g)].map((match) => match[1]);
    const bodies = [...text.matchAll(/"body":"([^"]*)"/g)].map((match) => match[1]);
    assert.deepEqual(targets, ['/1', '/2', '/3'], `cut at ${cut}`);
    assert.deepEqual(bodies, ['hello', 'abcde', ''], `cut at ${cut}`);
  }
});

onEveryLane('a client that sends ahead and reads nothing is not served without end', {}, async (rig) => {
  let served = 0;
  const replica = await rig.app((_request, response) => {
    served++;
    response.end(Buffer.alloc(1_000_000));
  });
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire();
  wire.socket.pause();
  wire.write(GET.repeat(100));
  await until(() => served > 0);
  let before = -1;
  while (before !== served) {
    before = served;
    await rig.settled();
  }
  assert.ok(served < 50, `${served} answers of a megabyte wait for a client that reads none`);
  wire.socket.resume();
  await until(() => served === 100);
});

onEveryLane('what is not HTTP/1 is answered and closed, whatever pieces it comes in', {}, async (rig) => {
  // The slow lane alone does not speak HTTP/2.
  const preface = rig.lane === 'slow' ? ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'] : [];
  for (const octets of [...preface, '\x16\x03\x01\x02\x00\x01', 'GET / HTTP/3.0\r\n\r\n']) {
    for (const size of [octets.length, 3]) {
      const wire = await rig.wire();
      for (let i = 0; i < octets.length; i += size) {
        if (!wire.ended) wire.write(octets.slice(i, i + size));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.match(await wire.over(), /^HTTP\/1\.1 (400|505) /, JSON.stringify(octets));
    }
  }
});

onEveryLane('methods that begin like HTTP/2 are methods', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  for (const method of ['POST', 'PUT', 'PATCH', 'PROPFIND']) {
    const text = await rig.talk(`${method} / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`);
    assert.match(text, new RegExp(`"method":"${method}"`));
  }
});

onEveryLane('the rest of a body that was refused is skipped, and the next request answered', {}, async (rig) => {
  rig.addSet({ ports: [(await rig.app(echo)).port] });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 20000\r\n\r\n');
  await wire.has('HTTP/1.1 404');
  wire.write(`${'GET / HTTP/1.1\r\n'.repeat(1250)}${GET}`);
  const text = await wire.has('"method":"GET"');
  assert.equal(text.match(/HTTP\/1\.1 /g)?.length, 2);
});
