/**
 * The outside contract, held to from outside: a real Tidegate before a real Engine, told by labels and settings alone and
 * asked over its two listeners alone. Every test has an app of its own, so they run side by side.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startTestEngine, type TestEngine } from '../support/engine.ts';
import { type Hello, type HelloOptions, runHello } from '../support/hello.ts';
import { type Answer, type AskOptions, ask, startTidegate, type TidegateProcess } from '../support/tidegate.ts';
import { until as untilFact } from '../support/until.ts';

const MAIN = path.resolve(import.meta.dirname, '../../main.ts');
const UPLOAD_BYTES = 10_000_000;
const SCALED_REPLICAS = 2;
/** So many that they do not all belong to one of two replicas by chance. */
const HASHED_USERS = 24;
/** The machine may be busy with other things. */
const PATIENCE_MS = 60_000;
/** A browser's navigation. */
const BROWSER = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
/** Answers every request by hanging up; an app that is broken while it runs. */
const HANGS_UP = "require('http').createServer((request) => request.socket.destroy()).listen(8080)";

let engine: TestEngine;
let tidegate: TidegateProcess;

before(async () => {
  engine = await startTestEngine();
  await engine.images.hello();
  tidegate = await startTidegate({ docker: engine.socket });
});
after(async () => {
  await tidegate?.close();
  await engine?.close();
});

/** The whole of a wake, and then its parts. */
const WAKE_TIMING =
  /^wake;dur=[\d.]+(?:, wake-(?:decide|engine|probe|queue);dur=[\d.]+){4}, wake-first-byte;dur=[\d.]+$/;

describe('labels', { concurrency: 4 }, () => {
  test('a list of hostnames is served, whatever their case, port or last dot; a wildcard covers one label', async () => {
    await hello('names', { host: 'names.test, Upper.TEST,*.wild.test' });
    await serves('names.test');
    for (const host of ['upper.test', 'NAMES.test:8080', 'names.test.', 'any.wild.test']) {
      assert.equal((await tidegate.ask(host)).status, 200, host);
    }
    for (const host of ['wild.test', 'too.deep.wild.test', 'names.localhost'])
      isError(await tidegate.ask(host), 404, 'no_route');
  });

  test('the longest path wins on segment boundaries, and a stripped prefix is told to the app', async () => {
    const labels = { 'route.api.path': '/api', 'route.api.path.strip': 'true', 'route.deep.path': '/api/deep' };
    await hello('paths', labels);
    await serves('paths.localhost');
    assert.equal((await tidegate.ask('paths.localhost', { path: '/api/healthz?x=1' })).status, 200);
    assert.equal(
      toldHeaders(await tidegate.ask('paths.localhost', { path: '/api/headers' })).get('x-forwarded-prefix'),
      '/api',
    );
    // What hello itself says when a path reaches it unstripped.
    for (const target of ['/api/deep/healthz', '/apix/healthz']) {
      assert.match(
        (await tidegate.ask('paths.localhost', { path: target })).body,
        new RegExp(`nothing at GET ${target}`),
      );
    }
  });

  test('a path that two readers could read differently is refused where it would lead elsewhere', async () => {
    await hello('quirks', { 'route.api.path': '/api' });
    await serves('quirks.localhost');
    for (const target of ['/%61pi', '/x/../api', '/api%2fdeep']) {
      isError(await tidegate.ask('quirks.localhost', { path: target }), 400, 'bad_request');
    }
  });

  test('a further route has hostnames and a port of its own, and an error names no address', async () => {
    const { address } = await hello('further', { 'route.other.host': 'other.test', 'route.other.port': '9' });
    await serves('further.localhost');
    const refused = await tidegate.ask('other.test');
    isError(refused, 502, 'upstream_connect');
    const said = JSON.stringify(refused);
    assert.ok(address !== '' && !said.includes(address) && !said.includes('further'), said);
  });

  test('of several EXPOSEd ports none is guessed; a label says which', async () => {
    const create = { ExposedPorts: { '9000/tcp': {} } };
    await hello('several', {}, { create });
    await hello('said', { port: '8080' }, { create });
    await serves('said.localhost');
    const event = await eventOf('label.rejected', 'several');
    assert.match(event.cause, /tidegate\.port .*8080 or 9000/);
    isError(await tidegate.ask('several.localhost'), 404, 'no_route');
  });

  test('containers are served when they ask for it, and not otherwise', async () => {
    await runHello(engine, { name: 'plain', labels: {} });
    await hello('hidden', { enable: 'false' });
    await runHello(engine, { name: 'opted', labels: { 'tidegate.enable': 'true' } });
    await serves('opted.localhost');
    for (const name of ['plain', 'hidden']) isError(await tidegate.ask(`${name}.localhost`), 404, 'no_route');
  });

  test('an unknown label is answered with the nearest that exists', async () => {
    await hello('typo', { concurency: '3' });
    assert.match((await eventOf('label.unknown', 'typo')).cause, /did you mean tidegate\.concurrency\?/);
    await serves('typo.localhost');
  });

  test('a bad value keeps the last good form and says what is wrong', async () => {
    const first = await hello('formed', { host: 'formed.test', retry: '1' });
    await serves('formed.test');
    const second = await hello('formed-next', { app: 'formed', host: 'not a host', retry: 'lots' });
    const causes = await until(async () => {
      const found = (await events('label.rejected', 'formed')).map((one) => one.cause);
      return found.length >= 2 && found;
    });
    for (const cause of ['tidegate.retry="lots": expected', 'tidegate.host="not a host": expected']) {
      assert.ok(
        causes.some((one) => one.startsWith(cause)),
        causes.join('\n'),
      );
    }
    await first.container.remove({ force: true });
    await until(async () => nameOf(await tidegate.ask('formed.test')) === second.id.slice(0, 12));
    const { policy } = await tidegate.adminJson<{ policy: { retry: number } }>('/v1/apps/formed/sets/web');
    assert.equal(policy.retry, 1);
  });

  test('of two owners of a hostname the first keeps it, and the second takes over when it is gone', async () => {
    const first = await hello('owner', { host: 'owned.test' });
    await serves('owned.test');
    const second = await hello('rival', { host: 'owned.test,rival.test' });
    await serves('rival.test');
    assert.match((await eventOf('route.conflict', 'rival')).cause, /owned\.test\/ is held by default\/owner\/web/);
    assert.equal(nameOf(await tidegate.ask('owned.test')), first.id.slice(0, 12));
    await first.container.remove({ force: true });
    await eventOf('route.taken', 'rival');
    assert.equal(nameOf(await tidegate.ask('owned.test')), second.id.slice(0, 12));
  });

  test('a user network is dialled; a network that is not there makes the route unroutable, with a reason', async () => {
    await engine.docker.createNetwork({ Name: 'contract-net' });
    await hello('netted', { network: 'contract-net' }, { network: 'contract-net' });
    await hello('unnetted', { network: 'nowhere' });
    await serves('netted.localhost');
    assert.match((await eventOf('route.unroutable', 'unnetted')).cause, /^tidegate\.network="nowhere": /);
    isError(await tidegate.ask('unnetted.localhost'), 503, 'no_replicas');
  });

  test('a hash of a header keeps its values where they are, and rr takes turns', async () => {
    await twins('hashed', { lb: 'hash:header:x-user' });
    await twins('turns', { lb: 'rr' });
    // That a replica is ready is told to every worker, which takes its moment: asked until two rounds agree.
    let replicaOf = new Map<string, string>();
    await until(async () => {
      const before = replicaOf;
      replicaOf = new Map();
      for (let user = 0; user < HASHED_USERS; user++) {
        const headers = { 'x-user': `user-${user}` };
        replicaOf.set(headers['x-user'], nameOf(await tidegate.ask('hashed.localhost', { headers })));
      }
      return (
        new Set(replicaOf.values()).size === 2 && [...replicaOf].every(([user, name]) => before.get(user) === name)
      );
    }, 'the values are spread');
    for (const [user, replica] of replicaOf) {
      assert.equal(nameOf(await tidegate.ask('hashed.localhost', { headers: { 'x-user': user } })), replica, user);
    }
    const met = new Set<string>();
    await until(async () => met.add(nameOf(await tidegate.ask('turns.localhost'))).size === 2, 'both take turns');
    const turns: string[] = [];
    // Every worker takes turns by itself, and each request may come to another one.
    for (let i = 0; i < 12; i++) turns.push(nameOf(await tidegate.ask('turns.localhost')));
    for (const name of new Set(turns)) assert.ok(turns.filter((one) => one === name).length <= 8, turns.join());
  });

  test('a sticky client stays with its replica', async () => {
    await twins('sticky', { sticky: 'cookie', lb: 'rr' });
    const first = await tidegate.ask('sticky.localhost');
    const cookie = String(first.headers['set-cookie']);
    assert.match(cookie, /; HttpOnly/);
    for (let i = 0; i < 4; i++) {
      const again = await tidegate.ask('sticky.localhost', { headers: { cookie: cookie.split(';')[0] ?? '' } });
      assert.equal(nameOf(again), nameOf(first));
    }
  });

  test('weights split the traffic between revisions', async () => {
    await twins('split', {}, [
      { weight: '100', revision: 'r1' },
      { weight: '0', revision: 'r2' },
    ]);
    const { replicas } = await setOf('split');
    const served = replicas.find((one) => one.revision === 'r1')?.container_id.slice(0, 12);
    for (let i = 0; i < 8; i++) assert.equal(nameOf(await tidegate.ask('split.localhost')), served);
  });

  test('a replica that fails its health path takes nothing until it passes again', async () => {
    const [ill] = await twins('probed', { 'health.path': '/healthz', 'health.interval': '50ms', lb: 'rr' });
    await fetch(`http://${ill.address}:8080/healthz/fail`, { method: 'POST' });
    await until(async () => (await setOf('probed')).ready === 1);
    assert.match((await eventOf('replica.unhealthy', 'probed')).cause, /503/);
    const askedIll = async (): Promise<boolean> =>
      nameOf(await tidegate.ask('probed.localhost')) === ill.id.slice(0, 12);
    // Every worker hears of it by itself, a moment after control.
    await until(async () =>
      [await askedIll(), await askedIll(), await askedIll(), await askedIll()].every((one) => !one),
    );
    for (let i = 0; i < 8; i++) assert.equal(await askedIll(), false);
    await fetch(`http://${ill.address}:8080/healthz/pass`, { method: 'POST' });
    await until(async () => (await setOf('probed')).ready === 2);
  });

  test('beyond the concurrency requests wait, beyond the queue they are turned away', async () => {
    await hello('narrow', { concurrency: '1', 'wake.queue': '1' });
    await serves('narrow.localhost');
    const stream = await opened(tidegate.port, { path: '/clock', headers: { host: 'narrow.localhost' } });
    const held = tidegate.ask('narrow.localhost');
    await until(async () => (await setOf('narrow')).held === 1);
    const shed = await tidegate.ask('narrow.localhost');
    isError(shed, 503, 'waiting_room_full');
    assert.match(String(shed.headers['retry-after']), /^\d+$/);
    stream.destroy();
    assert.equal((await held).status, 200);
  });

  test('a wake that takes too long is answered for, and so is a full waiting room', async () => {
    const labels = { 'scale.min': '0', 'wake.timeout': '5s', 'wake.queue': '1' };
    await hello('slowpoke', labels, { start: false, env: { START_DELAY_MS: '600000' } });
    await known('slowpoke');
    const held = tidegate.ask('slowpoke.localhost');
    await until(async () => (await setOf('slowpoke')).held === 1);
    isError(await tidegate.ask('slowpoke.localhost'), 503, 'waiting_room_full');
    const late = await held;
    isError(late, 503, 'wake_timeout');
    assert.match(String(late.headers['retry-after']), /^\d+$/);
  });

  test('wake=page shows a browser a page that asks again, and holds everybody else', async () => {
    await hello('paged', { 'scale.min': '0', wake: 'page' }, { start: false, env: { START_DELAY_MS: '500' } });
    await known('paged');
    const page = await tidegate.ask('paged.localhost', { headers: BROWSER });
    isError(page, 503, 'waking');
    assert.match(String(page.headers['retry-after']), /^\d+$/);
    assert.match(page.body, /http-equiv="refresh"/);
    const held = await tidegate.ask('paged.localhost');
    assert.equal(held.status, 200);
    assert.match(String(held.headers['server-timing']), WAKE_TIMING);
  });

  test('with min=1 a stop by a person is respected until the container is started again', async () => {
    const { container } = await hello('halted', {});
    await serves('halted.localhost');
    await container.stop();
    const stopped = await tidegate.ask('halted.localhost');
    isError(stopped, 503, 'stopped');
    assert.match(String(stopped.headers['retry-after']), /^\d+$/);
    await container.start();
    await serves('halted.localhost');
  });

  test('what a set depends on is woken first', async () => {
    await hello('stack-db', { app: 'stack', set: 'db', 'scale.min': '0' }, { start: false });
    await hello('stack', { 'scale.min': '0', depends: 'db' }, { start: false });
    await known('stack', 2);
    const woken = await tidegate.ask('stack.localhost');
    assert.equal(woken.status, 200, JSON.stringify(woken));
    const types = ['replica.ready', 'container.started'].join();
    const order = (await events(types, 'stack')).map((one) => `${one.set} ${one.type}`).toReversed();
    assert.ok(order.indexOf('db replica.ready') < order.indexOf('web container.started'), order.join('\n'));
    assert.ok(order.includes('db replica.ready'));
  });

  test('a set of class data is one replica that is never idled', async () => {
    await hello('ledger', { class: 'data', host: 'ledger.test' });
    await serves('ledger.test');
    for (const replicas of [0, 2]) {
      const refused = await put('/v1/apps/ledger/sets/web/scale', { replicas });
      assert.equal(refused.status, 422);
      assert.equal(problemOf(refused).errors[0]?.pointer, '/replicas');
    }
    await hello('napping', { class: 'data', host: 'napping.test', 'scale.min': '0' });
    assert.match((await eventOf('label.rejected', 'napping')).cause, /class data/);
  });

  test('an app that answers too late is a 504', async () => {
    await hello('tardy', { 'timeout.response': '200ms' });
    await serves('tardy.localhost');
    isError(await tidegate.ask('tardy.localhost', { path: '/work?ms=30000' }), 504, 'upstream_timeout');
  });

  test('what is idempotent is tried on another replica, what is not is never sent twice', async () => {
    const create = { Image: 'tidegate/node:24', Cmd: ['node', '-e', HANGS_UP] };
    await hello('torn-bad', { app: 'torn', lb: 'rr', port: '8080' }, { create });
    await hello('torn-good', { app: 'torn', lb: 'rr', port: '8080' });
    await until(async () => (await setOf('torn')).ready === 2);
    for (let i = 0; i < 6; i++) assert.equal((await tidegate.ask('torn.localhost')).status, 200);
    const post = (): Promise<Answer> => tidegate.ask('torn.localhost', { method: 'POST', path: '/echo', body: 'once' });
    const torn = await until(async () => {
      const answer = await post();
      return answer.status !== 200 && answer;
    });
    isError(torn, 502, 'upstream_reset');
  });

  test('what comes faster than the rate is told when to come again', async () => {
    await hello('rated', { rate: '1/h;burst=2;key=header:x-user' });
    await serves('rated.localhost');
    const headers = { 'x-user': 'eager' };
    const statuses = [];
    // One connection is served by one worker, which counts at once; the others hear of it a moment later.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 3; i++) statuses.push((await tidegate.ask('rated.localhost', { headers, agent })).status);
    const limited = await tidegate.ask('rated.localhost', { headers, agent });
    agent.destroy();
    assert.deepEqual(statuses, [200, 200, 429]);
    isError(limited, 429, 'rate_limited');
    await until(async () => (await tidegate.ask('rated.localhost', { headers })).status === 429, 'all workers know');
    assert.ok(Number(limited.headers['retry-after']) > 0);
    assert.equal((await tidegate.ask('rated.localhost', { headers: { 'x-user': 'calm' } })).status, 200);
  });

  test('a body above the limit is a 413, announced or not', async () => {
    await hello('bounded', { 'body.max': '1k' });
    await serves('bounded.localhost');
    const send = (bytes: number, headers: Record<string, string> = {}): Promise<Answer> =>
      tidegate.ask('bounded.localhost', { method: 'POST', path: '/echo', body: 'x'.repeat(bytes), headers });
    assert.equal((await send(1024)).status, 200);
    isError(await send(1025), 413, 'body_too_large');
    isError(await send(1025, { 'transfer-encoding': 'chunked' }), 413, 'body_too_large');
  });

  test('tls=only sends plain HTTP to HTTPS, path and query included', async () => {
    await hello('sealed', { tls: 'only' });
    await known('sealed');
    const answer = await tidegate.ask('sealed.localhost', { path: '/cart?item=1' });
    assert.equal(answer.status, 308);
    assert.equal(answer.headers.location, 'https://sealed.localhost/cart?item=1');
  });
});

describe('the gateway', { concurrency: 4 }, () => {
  before(async () => {
    await hello('gate', {});
    await serves('gate.localhost');
  });

  test('tells the app who asks, keeps its Host, and drops what is for the gateway alone', async () => {
    const headers = {
      connection: 'x-mine, close',
      'x-mine': 'secret',
      'x-kept': 'yes',
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.test',
      'x-request-id': 'chosen-by-client',
      'proxy-connection': 'keep-alive',
      'keep-alive': 'timeout=5',
    };
    const told = toldHeaders(await tidegate.ask('gate.localhost:8080', { path: '/headers', headers }));
    assert.equal(told.get('host'), 'gate.localhost:8080');
    assert.equal(told.get('x-forwarded-for'), '127.0.0.1');
    assert.equal(told.get('x-forwarded-proto'), 'http');
    assert.equal(told.get('x-forwarded-host'), 'gate.localhost:8080');
    assert.equal(told.get('x-kept'), 'yes');
    assert.match(told.get('x-request-id') ?? '', /^(?!chosen-by-client).{8,}/);
    for (const name of ['x-mine', 'proxy-connection', 'keep-alive']) assert.equal(told.get(name), undefined, name);
  });

  test('its own answers are a page for people and a problem for programs', async () => {
    const problem = await tidegate.ask('nobody.test', { headers: { accept: 'application/json' } });
    isError(problem, 404, 'no_route');
    assert.equal(problem.headers['content-type'], 'application/problem+json');
    const { status, code, request_id } = JSON.parse(problem.body);
    assert.deepEqual([status, code, request_id], [404, 'no_route', problem.headers['x-request-id']]);
    const page = await tidegate.ask('nobody.test', { headers: BROWSER });
    isError(page, 404, 'no_route');
    assert.match(String(page.headers['content-type']), /^text\/html/);
    assert.ok(page.body.includes(String(page.headers['x-request-id'])));
  });

  test('a WebSocket echoes, and its close is the app’s', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${tidegate.port}/ws`, { headers: { host: 'gate.localhost' } });
    await once(socket, 'open');
    socket.send('there and back');
    const [data] = await once(socket, 'message');
    assert.equal(String(data), 'there and back');
    socket.close(1000, 'done');
    const [code] = await once(socket, 'close');
    assert.equal(code, 1000);
  });

  test('server-sent events come one by one while the answer goes on', async () => {
    const stream = await opened(tidegate.port, { path: '/clock?every=20', headers: { host: 'gate.localhost' } });
    assert.equal(stream.headers['content-type'], 'text/event-stream');
    const text = await textUntil(stream, (soFar) => soFar.includes('id: 3'));
    const ids = text.match(/^id: \d+/gm) ?? [];
    assert.deepEqual(ids.slice(0, 3), ['id: 1', 'id: 2', 'id: 3']);
  });

  test('ten megabytes come back as they went', async () => {
    const upload = randomBytes(UPLOAD_BYTES);
    const call = request({
      host: '127.0.0.1',
      port: tidegate.port,
      method: 'POST',
      path: '/echo',
      agent: false,
      headers: { host: 'gate.localhost', 'content-length': UPLOAD_BYTES },
    });
    call.end(upload);
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    const back = createHash('sha256');
    for await (const chunk of response) back.update(chunk);
    assert.equal(back.digest('hex'), createHash('sha256').update(upload).digest('hex'));
  });
});

describe('the admin API', { concurrency: 4 }, () => {
  before(async () => {
    await hello('known', {});
    await runHello(engine, { name: 'foreign', labels: { 'tidegate.app': 'foreign', 'tidegate.tenant': 'acme' } });
    await serves('known.localhost');
    await serves('foreign.localhost');
  });

  test('health, readiness, metrics and its description need no token', async () => {
    for (const target of ['/healthz', '/readyz', '/metrics', '/docs']) {
      assert.equal((await openly(target)).status, 200, target);
    }
    assert.match((await openly('/metrics')).body, /^tidegate_hostnames \d+$/m);
    const { openapi, paths } = JSON.parse((await openly('/openapi.json')).body);
    assert.match(openapi, /^3\.1\./);
    for (const target of ['/v1/apps', '/v1/apps/{app}/sets/{set}/scale', '/v1/routes/resolve', '/v1/events']) {
      assert.ok(paths[target], target);
    }
  });

  test('everything else does, in the Authorization header', async () => {
    const none = await openly('/v1/apps');
    assert.equal(none.status, 401);
    assert.match(String(none.headers['www-authenticate']), /^Bearer /);
    assert.equal(problemOf(none).code, 'unauthorized');
    const wrong = await tidegate.admin('/v1/apps', { headers: { authorization: 'Bearer tide_op_wrong' } });
    assert.equal(wrong.status, 401);
  });

  test('apps, sets and hosts say what is there', async () => {
    const apps = await tidegate.adminJson<{ items: { name: string }[] }>('/v1/apps');
    assert.ok(apps.items.some((one) => one.name === 'known'));
    const app = await tidegate.adminJson<{ hostnames: string[] }>('/v1/apps/known');
    assert.deepEqual(app.hostnames, ['known.localhost']);
    const hosts = await tidegate.adminJson<{ items: { state: string }[] }>('/v1/hosts');
    assert.deepEqual(
      hosts.items.map((one) => one.state),
      ['reachable'],
    );
  });

  test('another tenant’s app is not there; an operator may act for that tenant', async () => {
    const hidden = await tidegate.admin('/v1/apps/foreign');
    assert.equal(hidden.status, 404);
    assert.equal(problemOf(hidden).code, 'not_found');
    const headers = { 'tidegate-tenant': 'acme' };
    assert.equal((await tidegate.admin('/v1/apps/foreign', { headers })).status, 200);
    assert.equal((await tidegate.admin('/v1/apps/known', { headers })).status, 404);
    const resolved = await tidegate.adminJson<{ outcome: string }>(resolving('http://known.localhost/'), { headers });
    assert.equal(resolved.outcome, 'other_tenant');
  });

  test('a bad scale is refused with a pointer to what is wrong', async () => {
    const scale = '/v1/apps/known/sets/web/scale';
    const cases: [body: unknown, pointer: string][] = [
      [{ replicas: 'x' }, '/replicas'],
      [{ replicas: -1 }, '/replicas'],
      [{ replcas: 1 }, '/replcas'],
      [{ min: 3, max: 1 }, '/max'],
      [[], ''],
    ];
    for (const [body, pointer] of cases) {
      const refused = await put(scale, body);
      assert.equal(refused.status, 422, refused.body);
      assert.equal(problemOf(refused).errors[0]?.pointer, pointer);
    }
    assert.match(problemOf(await put(scale, { replcas: 1 })).detail, /Did you mean "replicas"\?/);
    assert.equal((await tidegate.admin(scale, { method: 'PUT', body: '{' })).status, 400);
    assert.equal((await put('/v1/apps/known/sets/wob/scale', { replicas: 1 })).status, 404);
  });

  test('a scale makes replicas, and going back to the labels takes them away', async () => {
    await hello('grown', {});
    await serves('grown.localhost');
    assert.equal((await put('/v1/apps/grown/sets/web/scale', { replicas: SCALED_REPLICAS })).status, 200);
    await until(async () => (await setOf('grown')).ready === SCALED_REPLICAS);
    assert.equal((await put('/v1/apps/grown/sets/web/scale', { replicas: null })).status, 200);
    await until(async () => (await setOf('grown')).replicas.length === 1);
  });

  test('a lease keeps an idle app awake', async () => {
    const labels = { 'scale.min': '0', 'scale.stop': '2s' };
    await hello('leased', labels);
    await known('leased');
    const lease = (ttl: string): Promise<Answer> =>
      tidegate.admin('/v1/apps/leased/lease', { method: 'POST', body: JSON.stringify({ ttl }) });
    assert.equal((await lease('10m')).status, 200);
    assert.equal(problemOf(await lease('long')).errors[0]?.pointer, '/ttl');
    await until(async () => (await setOf('leased')).state === 'up');
    await hello('unleased', labels);
    await eventOf('set.stopped', 'unleased');
    assert.equal((await setOf('leased')).state, 'up');
  });

  test('routes are listed, and a URL is explained', async () => {
    const { items } = await tidegate.adminJson<{ items: Record<string, unknown>[] }>('/v1/routes?limit=1000');
    const route = items.find((one) => one.hostname === 'known.localhost');
    assert.deepEqual([route?.path, route?.app, route?.set, route?.origin], ['/', 'known', 'web', 'labels']);
    const found = await tidegate.adminJson<{ outcome: string; why: string[] }>(resolving('http://known.localhost/x'));
    assert.equal(found.outcome, 'routed');
    assert.ok(found.why.length > 0);
    const lost = await tidegate.adminJson<{ outcome: string; nearest: string }>(resolving('http://knwn.localhost/'));
    assert.deepEqual([lost.outcome, lost.nearest], ['no_hostname', 'known.localhost']);
    assert.equal((await tidegate.admin(resolving('not a url'))).status, 422);
  });

  test('a stream of events goes on after the one that was seen last', async () => {
    const [newest, before] = await until(async () => {
      const found = await events('container.started,replica.ready', 'known');
      return found.length === 2 && found;
    });
    const stream = await opened(tidegate.adminPort, {
      path: '/v1/events?app=known&type=container.started,replica.ready',
      headers: {
        accept: 'text/event-stream',
        authorization: `Bearer ${operatorToken()}`,
        'last-event-id': before?.id ?? '',
      },
    });
    const text = await textUntil(stream, (soFar) => soFar.includes('data: '));
    assert.equal(/^id: (.*)$/m.exec(text)?.[1], newest?.id);
    const unknown = await tidegate.admin('/v1/events?type=set.wakin');
    assert.match(problemOf(unknown).detail, /Did you mean "set\.waking"\?/);
  });

  test('what does not exist is a 404, what may not be done a 405 that says what may', async () => {
    assert.equal(problemOf(await tidegate.admin('/v1/nothing')).code, 'not_found');
    assert.deepEqual(problemOf(await tidegate.admin('/v1/apps/knwn')).fix, ['Did you mean "known"?']);
    const wrong = await tidegate.admin('/v1/apps', { method: 'DELETE' });
    assert.equal(wrong.status, 405);
    assert.match(String(wrong.headers.allow), /GET/);
  });
});

describe('the program', () => {
  test('every problem of the settings is told at once, with the nearest name', async () => {
    const { code, output } = await failedStart({ TIDEGATE_HTP: 'off', TIDEGATE_ADMIN: 'off', TIDEGATE_LOG: 'loud' });
    assert.equal(code, 1);
    assert.match(output, /TIDEGATE_HTP is not a setting; did you mean TIDEGATE_HTTP\?/);
    assert.match(output, /TIDEGATE_ADMIN=off: /);
    assert.match(output, /TIDEGATE_LOG=loud: /);
  });

  test('a second process on the same state directory or address ends and says why', async () => {
    const settings = { TIDEGATE_HTTP: '127.0.0.1:0', TIDEGATE_ADMIN: '127.0.0.1:0', TIDEGATE_DATA: tidegate.data };
    const locked = await failedStart(settings);
    assert.equal(locked.code, 1);
    assert.match(locked.output, new RegExp(`is held by process ${tidegate.pid} \\(store\\.locked\\)`));
    const address = `127.0.0.1:${tidegate.adminPort}`;
    const taken = await failedStart({ ...settings, TIDEGATE_ADMIN: address, TIDEGATE_DATA: `${tidegate.data}/other` });
    assert.equal(taken.code, 1);
    assert.ok(taken.output.includes(address) && taken.output.includes('(listener.in_use)'), taken.output);
  });

  test('Ctrl-C finishes what is in flight and leaves containers alone; the next start carries on', async () => {
    const { container } = await hello('lasting', { 'scale.max': '3' });
    await serves('lasting.localhost');
    assert.equal((await put('/v1/apps/lasting/sets/web/scale', { max: 2 })).status, 200);
    const token = operatorToken();
    const inFlight = tidegate.ask('lasting.localhost', { path: '/work?ms=3000' });
    await until(async () => (await setOf('lasting')).in_flight === 1);
    const code = tidegate.stop('SIGINT');
    assert.equal((await inFlight).status, 200);
    assert.equal(await code, 0);
    assert.ok((await container.inspect()).State.Running);
    await tidegate.start();
    assert.equal(operatorToken(), token);
    await serves('lasting.localhost');
    const scale = await tidegate.adminJson<{ max: number }>('/v1/apps/lasting/sets/web/scale');
    assert.equal(scale.max, 2);
  });
});

interface SetJson {
  readonly state: string;
  readonly ready: number;
  readonly held: number;
  readonly in_flight: number;
  readonly replicas: readonly { readonly container_id: string; readonly revision: string | null }[];
}

interface EventJson {
  readonly id: string;
  readonly type: string;
  readonly set: string | null;
  readonly cause: string;
}

interface ProblemJson {
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { readonly pointer: string }[];
  readonly fix: readonly string[];
}

type Labels = Readonly<Record<string, string>>;

/** The example app with labels, their prefix left out. `app` defaults to its name. */
function hello(name: string, labels: Labels, options: Partial<HelloOptions> = {}): Promise<Hello> {
  const all = Object.entries({ app: name, ...labels });
  return runHello(engine, { ...options, name, labels: Object.fromEntries(all.map(([k, v]) => [`tidegate.${k}`, v])) });
}

/** Two replicas of one set that have passed their probe. */
async function twins(app: string, labels: Labels, each: readonly [Labels, Labels] = [{}, {}]): Promise<[Hello, Hello]> {
  const [first, second] = each;
  const pair = await Promise.all([
    hello(`${app}-1`, { app, ...labels, ...first }),
    hello(`${app}-2`, { app, ...labels, ...second }),
  ]);
  await until(async () => (await events('replica.ready', app)).length === 2, `both replicas of ${app} are ready`);
  return pair;
}

/** Waits for a fact, or fails with `what` was waited for. */
function until<T>(fact: () => T | Promise<T>, what = 'the expected fact'): ReturnType<typeof untilFact<T>> {
  return untilFact(fact, { timeoutMs: PATIENCE_MS, what });
}

async function serves(hostname: string): Promise<void> {
  await until(async () => (await tidegate.ask(hostname)).status === 200, `${hostname} is served`);
}

/** Discovered, awake or not. */
async function known(app: string, sets = 1): Promise<void> {
  await until(async () => (await tidegate.adminJson<{ sets: unknown[] }>(`/v1/apps/${app}`)).sets.length === sets);
}

function setOf(app: string): Promise<SetJson> {
  return tidegate.adminJson(`/v1/apps/${app}/sets/web`);
}

/** Newest first. */
async function events(type: string, app: string): Promise<EventJson[]> {
  return (await tidegate.adminJson<{ items: EventJson[] }>(`/v1/events?app=${app}&type=${type}`)).items;
}

function eventOf(type: string, app: string): Promise<EventJson> {
  return until(async () => (await events(type, app))[0], `${type} of ${app}`);
}

function put(pathname: string, value: unknown): Promise<Answer> {
  return tidegate.admin(pathname, { method: 'PUT', body: JSON.stringify(value) });
}

/** Asks the admin API without a token. */
function openly(pathname: string): Promise<Answer> {
  return ask(tidegate.adminPort, { path: pathname });
}

function resolving(url: string): string {
  return `/v1/routes/resolve?url=${encodeURIComponent(url)}`;
}

function problemOf(answer: Answer): ProblemJson {
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  return JSON.parse(answer.body) as ProblemJson;
}

function isError(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, answer.headers['x-tidegate-error']], [status, code]);
  assert.match(String(answer.headers['x-request-id']), /^\S+$/);
}

/** Which container answered. */
function nameOf(answer: Answer): string {
  return (JSON.parse(answer.body) as { hostname: string }).hostname;
}

/** Headers that reached the app, names in lower case. */
function toldHeaders(answer: Answer): ReadonlyMap<string, string> {
  return new Map((JSON.parse(answer.body) as [string, string][]).map(([name, value]) => [name.toLowerCase(), value]));
}

/** The beginning of an answer that goes on. */
async function opened(port: number, options: AskOptions): Promise<IncomingMessage> {
  const call = request({ host: '127.0.0.1', port, path: options.path, agent: false, headers: { ...options.headers } });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

/** Chunks of an answer up to the one after which it `suffices`. */
async function textUntil(response: IncomingMessage, suffices: (text: string) => boolean): Promise<string> {
  let text = '';
  for await (const chunk of response) {
    text += String(chunk);
    if (suffices(text)) break;
  }
  return text;
}

/** A start that is meant to fail. */
async function failedStart(settings: Labels): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env.PATH, TIDEGATE_HTTPS: 'off', TIDEGATE_DOCKER: engine.socket, ...settings };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const [code] = await once(child, 'close');
  return { code, output };
}

function operatorToken(): string {
  return readFileSync(path.join(tidegate.data, 'operator.token'), 'utf8').trim();
}
