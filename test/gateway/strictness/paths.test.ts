/**
 * Paths that readers resolve differently, with and without a prefix that is taken off: each goes to one set with one meaning,
 * or is refused. Beside them the answers that belong to no app: `OPTIONS *`, old clients, what a client is told of Date.
 */
import assert from 'node:assert/strict';
import { onEveryLane } from '../support/rig.ts';
import { ByteLog } from './byte-log.ts';

/** Target as sent; the set and target it has to reach, or null for 400. */
const TARGETS: readonly (readonly [sent: string, set: 'root' | 'api' | null, target?: string])[] = [
  ['/', 'root', '/'],
  ['/api', 'api', '/'],
  ['/api?q', 'api', '/?q'],
  ['/api/', 'api', '/'],
  ['/api/a/b?c', 'api', '/a/b?c'],
  ['/api/a%2fb', 'api', '/a%2fb'],
  ['/api/a/../b', 'api', '/a/../b'],
  ['/api/%2e/b', 'api', '/%2e/b'],
  ['/api//b', 'api', '//b'],
  ['/apis', 'root', '/apis'],
  ['/API', 'root', '/API'],
  ['/a?/api', 'root', '/a?/api'],
  ['/a/../b', 'root', '/a/../b'],
  ['/a;b', 'root', '/a;b'],
  ['//a', 'root', '//a'],
  ['/%61', 'root', '/%61'],
  ['/%25%36%31pi', 'root', '/%25%36%31pi'],
  ['/api/..', null],
  ['/api/../x', null],
  ['/api/%2e%2e/x', null],
  ['/api/%2E./x', null],
  ['/api/..%2fx', null],
  ['/api/..;/x', null],
  ['/api/..%5cx', null],
  ['/x/../api', null],
  ['/./api', null],
  ['//api', null],
  ['/%61pi', null],
  ['/api;x', null],
  ['/%2fapi', null],
  ['/x%5c..%5capi', null],
];

onEveryLane('a path means one set, whoever reads it', {}, async (rig) => {
  const root = rig.owns(await ByteLog.start());
  const api = rig.owns(await ByteLog.start());
  rig.addSet({ ports: [root.port] });
  rig.addSet({ set: 'api', ports: [api.port], route: { path: '/api', strip: true } });
  for (const [sent, set, target] of TARGETS) {
    const text = await rig.talk(`GET ${sent} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`);
    const seen = { root: root.take().requests, api: api.take().requests };
    assert.match(text, set === null ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 200 /, sent);
    const got = [...seen.root.map((one) => `root ${one.target}`), ...seen.api.map((one) => `api ${one.target}`)];
    assert.deepEqual(got, set === null ? [] : [`${set} ${target}`], sent);
  }
});

onEveryLane('OPTIONS * asks the root of a host', {}, async (rig) => {
  const root = rig.owns(await ByteLog.start());
  rig.addSet({ ports: [root.port] });
  await rig.talk('OPTIONS * HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  assert.deepEqual(
    root.take().requests.map(({ method, target }) => `${method} ${target}`),
    ['OPTIONS *'],
  );
});

onEveryLane('an answer has exactly one Date, the replica’s if it gives one', {}, async (rig) => {
  const replica = rig.owns(await ByteLog.start());
  rig.addSet({ ports: [replica.port] });
  const get = 'GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n';
  const date = /\r\ndate: ([^\r]*)/gi;
  const [given, ...further] = [...(await rig.talk(get)).matchAll(date)];
  assert.ok(Math.abs(Date.parse(given?.[1] ?? '') - Date.now()) < 60_000);
  assert.deepEqual(further, []);
  const old = 'Tue, 15 Nov 1994 08:12:31 GMT';
  replica.answer = (_request, { socket }) =>
    socket.write(`HTTP/1.1 200 OK\r\nDate: ${old}\r\nContent-Length: 0\r\n\r\n`);
  assert.deepEqual(
    [...(await rig.talk(get)).matchAll(date)].map(([, value]) => value),
    [old],
  );
  const refused = await rig.talk('GET / HTTP/1.1\r\nHost: app.test\r\nExpect: x\r\n\r\n');
  assert.equal([...refused.matchAll(date)].length, 1);
});
