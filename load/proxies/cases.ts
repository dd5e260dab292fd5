/** All cases of the side-by-side benchmark. A protocol is added here when the gateway speaks it. */
import { caddy } from '../peers/caddy.ts';
import { haproxy } from '../peers/haproxy.ts';
import { httpProxy } from '../peers/http-proxy.ts';
import { nginx } from '../peers/nginx.ts';
import { tidegate } from '../peers/tidegate.ts';
import { BIG_PATH } from '../peers/upstream.ts';
import { HOSTNAME, withWorkers } from './candidate.ts';
import { atLeast, atMost, type PlainDrive, type ProxyCase } from './case.ts';

const ROUTES = 10_000;
/** Names say how many in short, so that `--only=routes-100k` is one of them. */
const ROUTE_COUNTS = { 'routes-1': 1, 'routes-1k': 1000, 'routes-100k': 100_000 };

const ours = tidegate({ name: 'tidegate', routes: ROUTES });
const everybody = [ours, nginx, haproxy, caddy, httpProxy];

/** What a desktop browser sends with a navigation, beside Host. */
const BROWSER_FIELDS = {
  Connection: 'keep-alive',
  'Cache-Control': 'max-age=0',
  'sec-ch-ua': '"Chromium";v="130", "Not?A_Brand";v="99"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'Upgrade-Insecure-Requests': '1',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'navigate',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Accept-Language': 'en-GB,en;q=0.9,de;q=0.8',
  Cookie: 'session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; consent=1',
};

const plain: PlainDrive = {
  kind: 'plain',
  connections: 64,
  path: '/',
  headers: { Host: HOSTNAME },
  goesRound: false,
};
const common: Pick<ProxyCase, 'isShared' | 'candidates' | 'goals'> = {
  isShared: false,
  candidates: everybody,
  goals: [],
};

export const PROXY_CASES: readonly ProxyCase[] = [
  {
    ...common,
    name: 'h1-1k',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections',
    drive: plain,
    goals: [
      atMost('cpuUs', 'tidegate', 1.05, 'nginx'),
      atMost('cpuUs', 'tidegate', 1, 'haproxy'),
      atMost('cpuUs', 'tidegate', 0.25, 'caddy'),
      atMost('cpuUs', 'tidegate', 0.17, 'http-proxy'),
      atLeast('perSecond', 'tidegate', 0.95, 'nginx'),
      atLeast('perSecond', 'tidegate', 4, 'caddy'),
      atMost('p99Ms', 'tidegate', 1.25, 'nginx'),
    ],
  },
  {
    ...common,
    name: 'h1-browser',
    title: 'HTTP/1.1, 1 KiB, 13 browser headers, 256 kept connections',
    drive: { ...plain, connections: 256, headers: { Host: HOSTNAME, ...BROWSER_FIELDS } },
    goals: [atMost('cpuUs', 'tidegate', 1, 'nginx')],
  },
  {
    ...common,
    name: 'h1-64k',
    title: 'HTTP/1.1, 64 KiB, 64 kept connections',
    drive: { ...plain, path: BIG_PATH },
    goals: [atMost('cpuUs', 'tidegate', 0.8, 'nginx')],
  },
  {
    ...common,
    name: 'h1-connect',
    title: 'HTTP/1.1, 1 KiB, a connection for each request, 64 at a time',
    drive: { ...plain, headers: { Host: HOSTNAME, Connection: 'close' } },
    goals: [atLeast('perSecond', 'tidegate', 2, 'caddy')],
  },
  {
    ...common,
    name: 'h1-1000',
    title: 'HTTP/1.1, 1 KiB, 1,000 kept connections',
    drive: { ...plain, connections: 1000 },
  },
  {
    ...common,
    name: 'tls-h1',
    title: 'HTTP/1.1 over TLS 1.3, 1 KiB, 64 kept connections',
    drive: { kind: 'tls', connections: 64, mode: 'kept' },
    goals: [atMost('cpuUs', 'tidegate', 1.15, 'nginx'), atMost('cpuUs', 'tidegate', 0.33, 'caddy')],
  },
  {
    ...common,
    name: 'tls-full',
    title: 'HTTP/1.1 over TLS 1.3, a full handshake for each request, 32 at a time',
    drive: { kind: 'tls', connections: 32, mode: 'full' },
    goals: [atMost('cpuUs', 'tidegate', 1.3, 'nginx')],
  },
  {
    ...common,
    name: 'tls-resumed',
    title: 'HTTP/1.1 over TLS 1.3, a resumed handshake for each request, 32 at a time',
    drive: { kind: 'tls', connections: 32, mode: 'resumed' },
    goals: [atMost('cpuUs', 'tidegate', 1.2, 'nginx')],
  },
  {
    ...common,
    name: 'h2',
    title: 'HTTP/2 over TLS, 1 KiB, 8 connections with 16 streams each',
    drive: { kind: 'h2', connections: 8, streams: 16 },
    candidates: [ours, nginx, haproxy, caddy],
    goals: [atMost('cpuUs', 'tidegate', 1.2, 'nginx'), atMost('cpuUs', 'tidegate', 0.3, 'caddy')],
  },
  {
    ...common,
    name: 'websocket',
    title: 'WebSocket echo, 64 octets, 64 connections',
    drive: { kind: 'messages', connections: 64 },
    goals: [atMost('cpuUs', 'tidegate', 1.1, 'nginx')],
  },
  {
    ...common,
    name: 'net',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, public sockets alone',
    drive: plain,
    candidates: [ours, tidegate({ name: 'tidegate-net', routes: ROUTES, transport: 'net' }), nginx],
    goals: [atMost('cpuUs', 'tidegate-net', 1.4, 'nginx')],
  },
  {
    ...common,
    name: 'access-log',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, access log off and on',
    drive: plain,
    candidates: [ours, tidegate({ name: 'tidegate-logging', routes: ROUTES, accessLog: true })],
    goals: [atMost('cpuUs', 'tidegate-logging', 1.2, 'tidegate')],
  },
  {
    ...common,
    name: 'routes',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, 1 to 100,000 routes',
    drive: { ...plain, goesRound: true },
    candidates: Object.entries(ROUTE_COUNTS).map(([name, routes]) => tidegate({ name, routes })),
    goals: ['routes-1k', 'routes-100k'].map((name) => atLeast('perSecond', name, 0.95, 'routes-1')),
  },
  {
    ...common,
    name: 'two-workers',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, one worker on one core and two on two, load and upstreams with them',
    drive: plain,
    isShared: true,
    candidates: [ours, nginx, haproxy, caddy].flatMap((one) => [one, withWorkers(one, 2)]),
    goals: [atMost('cpuUs', 'tidegate-2', 1.15, 'tidegate')],
  },
];
