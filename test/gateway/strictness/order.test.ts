/** Answers come in the order of their requests, one to each, and none behind the one that ends the connection. */
import assert from 'node:assert/strict';
import { onEveryLane } from '../support/rig.ts';
import { echo } from '../support/upstreams.ts';

const HOST = 'Host: app.test\r\n';

onEveryLane('everything sent ahead of a request at fault is answered before it', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const good = `PUT /1 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`;
  const text = await rig.talk(
    `${good}GET /2 HTTP/1.1\r\nHost: nobody.test\r\n\r\nGET /3 HTTP/1.1\r\n${HOST}\r\nGET /4 HTTP/1.1\r\nX y\r\n\r\n`,
  );
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '404', '200', '400']);
});

onEveryLane('a body that stops after its request was answered has no second answer', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const wire = await rig.wire('POST / HTTP/1.1\r\nHost: nobody.test\r\nContent-Length: 10\r\n\r\nabc');
  await wire.has('HTTP/1.1 404');
  wire.socket.end();
  const text = await wire.over();
  assert.equal(text.split('HTTP/1.1 ').length, 2);
});

onEveryLane('a body that is at fault behind requests sent ahead has one answer', {}, async (rig) => {
  const replica = await rig.app(echo);
  rig.addSet({ ports: [replica.port] });
  const bad = `POST /2 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n`;
  const text = await rig.talk(`GET /1 HTTP/1.1\r\n${HOST}\r\n${bad}`);
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '400']);
});
