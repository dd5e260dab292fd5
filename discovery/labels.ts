/**
 * Every label there is. This table drives reading, the warning about unknown labels and docs/labels.md; what is not in
 * it does not exist.
 */
import { PROTOCOLS, SET_CLASSES } from '#core/set';
import { EDGE_LABELS } from './edge-labels.ts';
import { ignoreRules } from './edge-shapes.ts';
import { type Label, labelsOf } from './label.ts';
import { POD_LABELS } from './pod-labels.ts';
import { balancing, loadWindow, rate, schedule, statusRange } from './policy-shapes.ts';
import { hostnames, pathPrefix, port, probePath } from './route-shapes.ts';
import { boolean, bytes, choice, duration, listOf, name, orAuto, orOff, pattern, wholeNumber } from './shape.ts';

const container = labelsOf('container');
const route = labelsOf('route');
const replica = labelsOf('replica');
const set = labelsOf('set');

const networkName = pattern('the name of a network', /^[\w][\w.-]*$/, (text) => text.trim().replace(/\s+/g, '-'));
const revisionName = pattern('up to 64 letters, digits, dots, dashes and underscores', /^[\w.-]{1,64}$/, (text) =>
  text.replace(/[^\w.-]+/g, '-').slice(0, 64),
);
const containerId = pattern('the id of a container', /^[0-9a-f]{12,64}$/, (text) => text.toLowerCase());
const percent = orOff(wholeNumber({ min: 1, max: 100 }));
const setNames = listOf(name, 'names of sets, comma-separated');

export const LABELS = {
  enable: container.optional('enable', boolean, '`true` when `tidegate.app` or a host is given', {
    meaning: 'Whether Tidegate takes notice of the container.',
    example: 'true',
  }),
  tenant: container.defaulted('tenant', name, 'default', {
    meaning: 'Tenant that owns the app.',
    example: 'acme',
  }),
  app: container.optional('app', name, 'the compose project, else the name of the container', {
    meaning: 'App the container belongs to. Containers equal in tenant, app and set are replicas of one set.',
    example: 'shop',
  }),
  set: container.optional('set', name, 'the compose service, else `web`', {
    meaning:
      'Set of the app. `web` is the main set: it answers at `<app>.<base>`, the others at `<set>--<app>.<base>`.',
    example: 'worker',
  }),

  host: route.optional(
    'host',
    hostnames,
    '`<app>.<base>`, or `<set>--<app>.<base>`; none for a class other than `app`',
    {
      meaning: 'Hostnames of the main route.',
      example: 'shop.example.com,*.shop.example.com',
    },
  ),
  path: route.defaulted('path', pathPrefix, '/', {
    meaning: 'Path prefix of the main route, on segment boundaries; the longest wins.',
    example: '/api',
  }),
  pathStrip: route.defaulted('path.strip', boolean, 'false', {
    meaning: 'Whether the prefix is taken off before the request goes to the container.',
    example: 'true',
  }),
  routeHost: route.optional('route.<name>.host', hostnames, 'the hostnames of the main route', {
    meaning: 'Hostnames of a further route.',
    example: 'api.example.com',
  }),
  routePath: route.defaulted('route.<name>.path', pathPrefix, '/', {
    meaning: 'Path prefix of a further route.',
    example: '/admin',
  }),
  routePathStrip: route.defaulted('route.<name>.path.strip', boolean, 'false', {
    meaning: 'Whether the prefix of a further route is taken off.',
    example: 'true',
  }),
  routePort: route.optional('route.<name>.port', port, 'the main port', {
    meaning: 'Container port of a further route.',
    example: '9000',
  }),
  port: route.optional('port', port, 'the only EXPOSEd port; with several or none a route is refused, never guessed', {
    meaning: 'Main port of the container: where routes without a port of their own go, and where it is probed.',
    example: '8080',
  }),

  proto: replica.defaulted('proto', choice(PROTOCOLS, { http2: 'h2c', h2: 'h2c', grpc: 'h2c', tls: 'https' }), 'http', {
    meaning: 'Protocol towards the container.',
    example: 'h2c',
  }),
  network: replica.optional(
    'network',
    networkName,
    'one shared with the gateway, else the default bridge, else the first by name; a published port where none of them can be reached',
    {
      meaning: 'Network whose address is dialled.',
      example: 'shop_frontend',
    },
  ),
  weight: replica.defaulted('weight', wholeNumber({ min: 0, max: 1000 }), '100', {
    meaning: 'Share of the traffic for the replicas of one revision, in proportion to the others; `0`: none.',
    example: '10',
  }),
  revision: replica.optional('revision', revisionName, null, {
    meaning: 'Name of the group of replicas that shares one weight.',
    example: 'r2',
  }),
  cloneOf: {
    ...replica.optional('clone.of', containerId, null, {
      meaning: 'Container whose configuration Tidegate made this replica from.',
      example: '3f4e8a1b2c3d',
    }),
    internal: true,
  },
  ...POD_LABELS,

  class: set.defaulted('class', choice(SET_CLASSES), 'app', {
    meaning:
      '`app`: served and scaled. `data`: one replica, stopped before its successor starts, never idled. `tool`: runs on demand or by itself. `disk`: keeps a volume. Only `app` has a route without `tidegate.host`.',
    example: 'data',
  }),
  lb: set.defaulted('lb', balancing, 'p2c', {
    meaning:
      'Load balancing: the less busy of two, the least busy, in turn, or by a hash of the client address or a header.',
    example: 'hash:header:x-user',
  }),
  sticky: set.defaulted('sticky', choice(['off', 'cookie']), 'off', {
    meaning: 'Whether a cookie keeps a client on the replica that served it first.',
    example: 'cookie',
  }),
  tls: set.defaulted(
    'tls',
    choice(['auto', 'off', 'only', 'passthrough'], { on: 'auto', true: 'auto', redirect: 'only', force: 'only' }),
    'auto',
    {
      meaning:
        '`only` redirects plain HTTP to HTTPS, `off` serves plain HTTP alone, `passthrough` hands TLS connections on as they come: the container has the certificate.',
      example: 'only',
    },
  ),
  healthPath: set.optional('health.path', probePath, 'a TCP connect is the probe', {
    meaning: 'Path that the gateway probes over the network.',
    example: '/healthz',
  }),
  healthInterval: set.defaulted('health.interval', duration(10), '2s', {
    meaning: 'Time between two probes.',
    example: '5s',
  }),
  healthTimeout: set.defaulted('health.timeout', duration(1), '1s', {
    meaning: 'Time a probe may take.',
    example: '500ms',
  }),
  healthRise: set.defaulted('health.rise', wholeNumber({ min: 1, max: 100 }), '1', {
    meaning: 'Passed probes in a row that make an unhealthy replica healthy.',
    example: '2',
  }),
  healthFall: set.defaulted('health.fall', wholeNumber({ min: 1, max: 100 }), '3', {
    meaning: 'Failed probes in a row that make a healthy replica unhealthy.',
    example: '5',
  }),
  healthStatus: set.defaulted('health.status', statusRange, '200-399', {
    meaning: 'Statuses that pass a probe, both ends included.',
    example: '200-299',
  }),
  scaleMin: set.defaulted('scale.min', wholeNumber({ min: 0, max: 1000 }), '1', {
    meaning: 'Replicas kept awake without any traffic; `0` lets the set sleep.',
    example: '0',
  }),
  scaleMax: set.optional('scale.max', wholeNumber({ min: 1, max: 1000 }), '1, or `scale.min` if that is more', {
    meaning:
      "Replicas at most; above the present count, replicas are made from the newest container's own configuration.",
    example: '6',
  }),
  scaleTarget: set.defaulted('scale.target', wholeNumber({ min: 1, max: 1_000_000 }), '50', {
    meaning: 'Concurrent requests per replica aimed at.',
    example: '40',
  }),
  scaleRps: set.defaulted('scale.rps', orOff(wholeNumber({ min: 1, max: 1_000_000 })), 'off', {
    meaning: 'Requests a second per replica aimed at.',
    example: '200',
  }),
  scaleCpu: set.defaulted('scale.cpu', percent, 'off', {
    meaning: 'Processor use per replica aimed at, in percent of its limit.',
    example: '70',
  }),
  scaleMemory: set.defaulted('scale.memory', percent, 'off', {
    meaning: 'Memory use per replica aimed at, in percent of its limit.',
    example: '80',
  }),
  scalePause: set.defaulted('scale.pause', orOff(duration(1)), 'off', {
    meaning: 'Idle time before the replicas are frozen.',
    example: '30s',
  }),
  scaleSandbox: set.defaulted('scale.sandbox', orOff(duration(1)), 'off', {
    meaning:
      'Idle time before the members of the replicas are stopped while their pause containers keep network and address: sets that the API deploys.',
    example: '2m',
  }),
  scaleStop: set.defaulted('scale.stop', orOff(duration(1)), '5m', {
    meaning: 'Idle time before the replicas are stopped.',
    example: '10m',
  }),
  scaleRemove: set.defaulted('scale.remove', orOff(duration(1)), 'off', {
    meaning: 'Idle time before the replicas are removed and only the set itself is left: sets that the API deploys.',
    example: '24h',
  }),
  scaleLease: set.defaulted('scale.lease', orOff(duration(1)), '1h', {
    meaning: 'Longest time that an answer of a replica with `Tidegate-Lease: 10m` keeps it and its set awake.',
    example: '15m',
  }),
  scaleSpare: set.defaulted('scale.spare', orAuto(wholeNumber({ min: 0, max: 1000 })), '0', {
    meaning:
      'Warm replicas kept frozen beyond those that are awake, for bursts, as far as `scale.max` allows; `auto`: as many as the greatest burst of the last ten minutes asked for within the time of a start, as far as there is memory. Sets that the API deploys.',
    example: '2',
  }),
  scaleWindow: set.defaulted('scale.window', loadWindow, '60s', {
    meaning: 'Time over which load is averaged.',
    example: '30s',
  }),
  scaleCooldown: set.defaulted('scale.cooldown', duration(0), '30s', {
    meaning: 'How long fewer replicas must have been enough before the set shrinks.',
    example: '2m',
  }),
  scaleSchedule: set.optional('scale.schedule', schedule, 'none', {
    meaning:
      'Times of the week with more replicas at least: days (all), times on the wall, time zone (UTC), replicas; the most of those that hold counts.',
    example: 'mon-fri 08:00-18:00 Europe/Berlin min=3',
  }),
  scalePredict: set.defaulted('scale.predict', choice(['on', 'off'], { true: 'on', false: 'off' }), 'off', {
    meaning: 'Whether replicas are started ahead for load that came at the same time a week or a day before.',
    example: 'on',
  }),
  depends: set.optional('depends', setNames, "compose's own `depends_on`, else none", {
    meaning: 'Sets of the same app that must be ready first: woken in order, put to sleep last.',
    example: 'db,cache',
  }),
  concurrency: set.defaulted('concurrency', wholeNumber({ min: 0, max: 1_000_000 }), '0', {
    meaning: 'Hard limit of requests at a time per replica; the rest waits. `0`: none.',
    example: '80',
  }),
  wake: set.defaulted('wake', choice(['hold', 'page']), 'hold', {
    meaning: "What a request to a sleeping set gets: `hold` waits; `page` shows a browser's navigation a waiting page.",
    example: 'page',
  }),
  wakeTimeout: set.defaulted('wake.timeout', duration(1), '30s', {
    meaning: 'Time a request waits for a wake.',
    example: '1m',
  }),
  wakeQueue: set.defaulted('wake.queue', wholeNumber({ min: 0, max: 1_000_000 }), '1000', {
    meaning: 'Requests held at most.',
    example: '200',
  }),
  wakeIgnore: set.optional('wake.ignore', ignoreRules, 'none', {
    meaning:
      'Requests that wake nothing and keep nothing awake, such as those of monitors: by `ua:` and `path:` (`*` for any characters), `ip:` and `method:`, comma-separated; one that fits is enough. Asleep, the set answers them 503 `asleep`.',
    example: 'ua:UptimeRobot*,path:/healthz',
  }),
  drain: set.defaulted('drain', duration(0), '30s', {
    meaning: 'Time that requests in flight have to finish when a replica leaves.',
    example: '10s',
  }),
  timeoutConnect: set.defaulted('timeout.connect', duration(1), '2s', {
    meaning: 'Time to reach the container.',
    example: '500ms',
  }),
  timeoutResponse: set.defaulted('timeout.response', duration(1), '60s', {
    meaning: 'Time until the container begins its answer.',
    example: '5m',
  }),
  timeoutIdle: set.defaulted('timeout.idle', duration(1), '5m', {
    meaning: 'Time without a byte in either direction.',
    example: '1h',
  }),
  retry: set.defaulted('retry', wholeNumber({ min: 0, max: 10 }), '2', {
    meaning:
      'Further tries on other replicas: only if nothing reached the container, or the method is idempotent and the body was not consumed.',
    example: '0',
  }),
  rate: set.defaulted('rate', orOff(rate), 'off', {
    meaning:
      'Rate limit, per client address (`ip`; IPv6: per /64 network), for the whole set, or per value of a header.',
    example: '100/s;burst=200;key=ip',
  }),
  bodyMax: set.defaulted('body.max', orOff(bytes), 'off', {
    meaning: 'Size of a request body at most.',
    example: '10m',
  }),
  ...EDGE_LABELS,
} as const satisfies Record<string, Label>;

/** Every label in the order of docs/labels.md. */
export const ALL_LABELS: readonly Label[] = Object.values(LABELS);
