/**
 * Hello: a small app to see Tidegate with. It says who it is and what reached it, and it has one road for everything a
 * gateway has to carry: short answers, slow answers, big answers, streamed bodies, server-sent events and WebSockets.
 *
 * Promise: on SIGTERM it takes nothing new, finishes what is in flight and exits 0.
 *
 * Settings: PORT (8080), RELEASE (said in answers), FAILING (`true`: answers 500 to all but its health checks), START_DELAY_MS (starts to listen only then), STOP_DELAY_MS (stays that long after its last answer),
 * STOP_GRACE_MS (after SIGTERM it answers what still arrives for so long, each on a connection that it then closes).
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { hostname } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';

const PORT = Number(process.env.PORT ?? 8080);
const RELEASE = process.env.RELEASE ?? null;
const FAILING = process.env.FAILING === 'true';
const START_DELAY_MS = Number(process.env.START_DELAY_MS ?? 0);
const STOP_DELAY_MS = Number(process.env.STOP_DELAY_MS ?? 0);
const STOP_GRACE_MS = Number(process.env.STOP_GRACE_MS ?? 0);
const MIN_TICK_MS = 10;
const CHUNK_BYTES = 65_536;
const GOING_AWAY = 1001;

const startedAt = Date.now();
const page = readFileSync(new URL('./page.html', import.meta.url), 'utf8');
const clocks = new Set();
let served = 0;
/** Calls of `/work` now, and the most of them at a time so far. */
let working = 0;
let busiest = 0;
let healthy = true;
let stopping = false;

const routes = {
  'GET /': greet,
  'GET /headers': (request, response) => json(response, 200, pairs(request.rawHeaders)),
  'GET /healthz': (_request, response) => json(response, healthy ? 200 : 503, { healthy }),
  'POST /healthz/pass': (_request, response) => turn(response, true),
  'POST /healthz/fail': (_request, response) => turn(response, false),
  'POST /echo': echo,
  'GET /clock': clock,
  'GET /work': work,
  'POST /work': work,
  'GET /bytes': bytes,
  'GET /status': status,
};

const server = http.createServer((request, response) => {
  served += 1;
  if (stopping) response.setHeader('connection', 'close');
  const { path, query } = split(request.url ?? '/');
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  const route = routes[`${method} ${path}`];
  if (FAILING && path !== '/healthz') json(response, 500, { error: 'as asked for', release: RELEASE });
  else if (route) route(request, response, query);
  else json(response, 404, { error: `nothing at ${request.method} ${path}` });
});

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket, head) => {
  if (split(request.url ?? '/').path !== '/ws') {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(request, socket, head, (peer) => {
    peer.on('error', () => peer.terminate());
    peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
  });
});

/** Who answers and what reached it: a page for browsers, JSON for everything else. */
function greet(request, response) {
  if (request.headers.accept?.includes('text/html')) {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    return;
  }
  const seen = Object.entries(request.headers).filter(([name]) => /^(host|user-agent|x-|forwarded)/.test(name));
  json(response, 200, {
    app: 'hello',
    release: RELEASE,
    hostname: hostname(),
    uptime_ms: Date.now() - startedAt,
    served,
    headers: Object.fromEntries(seen),
  });
}

/** Makes the next health checks pass or fail. */
function turn(response, value) {
  healthy = value;
  json(response, 200, { healthy });
}

/** The status that was asked for. */
function status(_request, response, query) {
  const code = number(query, 'code', 200);
  json(response, code >= 200 && code <= 599 ? code : 400, { code });
}

/** Gives the body back as it arrives. */
function echo(request, response) {
  response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' });
  request.pipe(response);
}

/** Server-sent events: the time, every `every` ms, `count` times or for ever. */
function clock(request, response, query) {
  const every = Math.max(MIN_TICK_MS, number(query, 'every', 1000));
  const count = number(query, 'count', Number.POSITIVE_INFINITY);
  let id = 0;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const tick = () => {
    id += 1;
    response.write(`id: ${id}\ndata: ${new Date().toISOString()}\n\n`);
    if (id >= count) response.end();
  };
  const timer = setInterval(tick, every);
  clocks.add(response);
  response.on('close', () => {
    clearInterval(timer);
    clocks.delete(response);
  });
  request.resume();
  tick();
}

/** Answers after `ms`; with `lease` it says that it works on for so long, and is to be kept awake. */
async function work(_request, response, query) {
  const ms = number(query, 'ms', 5);
  working += 1;
  busiest = Math.max(busiest, working);
  await sleep(ms);
  working -= 1;
  const lease = query.get('lease');
  if (lease !== null) response.setHeader('Tidegate-Lease', lease);
  json(response, 200, { worked_ms: ms, hostname: hostname(), busiest });
}

/** `n` bytes, written as fast as they are taken. */
function bytes(_request, response, query) {
  const n = Math.floor(number(query, 'n', 1024));
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': n });
  pipeline(Readable.from(chunks(n)), response, () => {}); // the only error is a client that left
}

function* chunks(n) {
  const chunk = Buffer.alloc(Math.min(n, CHUNK_BYTES), 'x');
  for (let left = n; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk;
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

function split(url) {
  const [path, query = ''] = url.split('?', 2);
  return { path, query: new URLSearchParams(query) };
}

/** A query parameter that is a number of zero or more, or its default. */
function number(query, name, fallback) {
  const value = Number(query.get(name) ?? fallback);
  return value >= 0 ? value : fallback;
}

/** Node's flat list of raw header names and values as pairs: order, case and repetition as received. */
function pairs(raw) {
  return raw.flatMap((name, i) => (i % 2 === 0 ? [[name, raw[i + 1]]] : []));
}

async function stop() {
  if (stopping) return;
  stopping = true;
  for (const response of clocks) response.end();
  for (const peer of sockets.clients) peer.close(GOING_AWAY);
  // Whoever sends requests learns of the signal a moment later than the app.
  if (STOP_GRACE_MS > 0) await sleep(STOP_GRACE_MS);
  server.close(async () => {
    await sleep(STOP_DELAY_MS);
    process.exit(0);
  });
  setInterval(() => server.closeIdleConnections(), MIN_TICK_MS);
}

process.once('SIGTERM', stop);
process.once('SIGINT', stop);
if (START_DELAY_MS > 0) await sleep(START_DELAY_MS);
if (!stopping) {
  server.listen(PORT, () =>
    process.stdout.write(`hello listens on ${PORT}, ${Date.now() - startedAt} ms after its start\n`),
  );
}
