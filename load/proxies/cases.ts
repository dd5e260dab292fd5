/** All cases of the side-by-side benchmark. A protocol is added here when the gateway speaks it. */
import { caddy } from '../peers/caddy.ts';
import { haproxy } from '../peers/haproxy.ts';
import { httpProxy } from '../peers/http-proxy.ts';
import { nginx } from '../peers/nginx.ts';
import { tidegate } from '../peers/tidegate.ts';
import { BIG_PATH } from '../peers/upstream.ts';
import { HOSTNAME } from './candidate.ts';
import { atLeast, atMost, type ProxyCase } from './case.ts';

const ROUTES = 10_000;
const ROUTE_COUNTS = [1, 1000, 100_000];

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

const plain: Omit<ProxyCase, 'name' | 'title'> = {
  connections: 64,
  path: '/',
  headers: { Host: HOSTNAME },
  goesRound: false,
  candidates: everybody,
  goals: [],
};

export const PROXY_CASES: readonly ProxyCase[] = [
  {
    ...plain,
    name: 'h1-1k',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections',
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
    ...plain,
    name: 'h1-headers',
    title: 'HTTP/1.1, 1 KiB, 13 browser headers, 256 kept connections',
    connections: 256,
    headers: { Host: HOSTNAME, ...BROWSER_FIELDS },
    goals: [atMost('cpuUs', 'tidegate', 1, 'nginx')],
  },
  {
    ...plain,
    name: 'h1-64k',
    title: 'HTTP/1.1, 64 KiB, 64 kept connections',
    path: BIG_PATH,
    goals: [atMost('cpuUs', 'tidegate', 0.8, 'nginx')],
  },
  {
    ...plain,
    name: 'h1-close',
    title: 'HTTP/1.1, 1 KiB, a connection for each request, 64 at a time',
    headers: { Host: HOSTNAME, Connection: 'close' },
    goals: [atLeast('perSecond', 'tidegate', 2, 'caddy')],
  },
  { ...plain, name: 'h1-1000', title: 'HTTP/1.1, 1 KiB, 1,000 kept connections', connections: 1000 },
  {
    ...plain,
    name: 'access-log',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, access log off and on',
    candidates: [ours, tidegate({ name: 'tidegate-logging', routes: ROUTES, accessLog: true })],
    goals: [atMost('cpuUs', 'tidegate-logging', 1.2, 'tidegate')],
  },
  {
    ...plain,
    name: 'routes',
    title: 'HTTP/1.1, 1 KiB, 64 kept connections, 1 to 100,000 routes',
    goesRound: true,
    candidates: ROUTE_COUNTS.map((routes) => tidegate({ name: `routes-${routes}`, routes })),
    goals: ROUTE_COUNTS.slice(1).map((routes) => atLeast('perSecond', `routes-${routes}`, 0.95, 'routes-1')),
  },
];
