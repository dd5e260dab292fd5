/** A small proxy on `http-proxy`, as its README builds one: kept connections, forwarded fields, one hostname. */
import { readFileSync } from 'node:fs';
import { Agent, createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { parseArgs } from 'node:util';
import httpProxy from 'http-proxy';
import { HOSTNAME } from '../proxies/candidate.ts';

const BACKLOG = 4096;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    upstream: { type: 'string', multiple: true, default: [] },
    cert: { type: 'string' },
    key: { type: 'string' },
  },
});
const targets = values.upstream.map((one) => `http://127.0.0.1:${one}`);
const proxy = httpProxy.createProxyServer({ agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }), xfwd: true });
let turn = 0;

proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response && !response.headersSent) response.writeHead(502);
  response.end();
});

const listener: RequestListener = (request, response) => {
  if (request.headers.host !== HOSTNAME) {
    response.writeHead(404).end();
    return;
  }
  proxy.web(request, response, nextTarget());
};
const server =
  values.cert === undefined || values.key === undefined
    ? createServer(listener)
    : createSecureServer({ cert: readFileSync(values.cert), key: readFileSync(values.key) }, listener);
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head, nextTarget()));
server.keepAliveTimeout = 0;
server.listen(Number(values.port), '127.0.0.1', BACKLOG);

function nextTarget(): { target?: string } {
  const target = targets[turn++ % targets.length];
  return target === undefined ? {} : { target };
}
