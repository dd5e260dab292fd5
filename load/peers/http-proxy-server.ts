/** A small proxy on `http-proxy`, as its README builds one: kept connections, forwarded fields, one hostname. */
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';
import { HOSTNAME } from '../proxies/candidate.ts';

const [port, ...upstreamPorts] = process.argv.slice(2).map(Number);
const targets = upstreamPorts.map((one) => `http://127.0.0.1:${one}`);
const proxy = httpProxy.createProxyServer({ agent: new Agent({ keepAlive: true, maxFreeSockets: 1024 }), xfwd: true });
let turn = 0;

proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response && !response.headersSent) response.writeHead(502);
  response.end();
});

const server = createServer((request, response) => {
  if (request.headers.host !== HOSTNAME) {
    response.writeHead(404).end();
    return;
  }
  const target = targets[turn++ % targets.length];
  proxy.web(request, response, target === undefined ? {} : { target });
});
server.keepAliveTimeout = 0;
server.listen(port, '127.0.0.1', 4096);
