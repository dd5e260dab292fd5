/** Settings: every one in good and bad forms, all problems at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type Config, parseConfig } from '#core/config';
import { isTidegateError } from '#core/errors';
import { SETTINGS } from '#core/settings';

const SEED = 20_260_107;

/** The problems with an environment, one a setting; empty when it is good. */
function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    parseConfig(environment);
    return [];
  } catch (error) {
    assert.ok(isTidegateError(error, 'config.invalid'), String(error));
    const { problems } = error.detail;
    assert.ok(Array.isArray(problems));
    for (const problem of problems) assert.ok(error.message.includes(String(problem)));
    return problems.map(String);
  }
}

test('an empty environment gives the documented defaults', () => {
  assert.deepEqual(parseConfig({}), {
    http: { host: '0.0.0.0', port: 8080 },
    https: { host: '0.0.0.0', port: 8443 },
    admin: { host: '127.0.0.1', port: 9900 },
    baseDomain: 'localhost',
    data: './.tidegate',
    store: 'sqlite',
    docker: ['unix:///var/run/docker.sock'],
    dockerCerts: null,
    workers: null,
    spares: 0,
    sandboxes: 64,
    transport: 'auto',
    certs: null,
    clientCas: null,
    token: null,
    acme: {
      directory: 'https://acme-v02.api.letsencrypt.org/directory',
      email: null,
      caFile: null,
      eabKid: null,
      eabHmac: null,
      challenges: ['http-01', 'tls-alpn-01', 'dns-01'],
      fallback: null,
      dns: null,
      dnsSecret: null,
      parallel: 4,
      chain: null,
      key: 'ecdsa',
    },
    keyFile: null,
    edge: 'localhost',
    edgeAddresses: [],
    dns: [],
    trustedProxies: [],
    labelTrust: 'all',
    accessLog: null,
    accessLogSample: 1,
    logs: { keepBytes: 67_108_864, keepDays: 7 },
    statsd: null,
    otlp: null,
    otlpHeaders: {},
    usageEveryMs: 2000,
    log: 'info',
  });
});

interface Good {
  readonly name: string;
  readonly text: string;
  readonly reads: (config: Config) => unknown;
  readonly value: unknown;
}

function good(name: string, text: string, reads: (config: Config) => unknown, value: unknown = text): Good {
  return { name, text, reads, value };
}

const GOOD: readonly Good[] = [
  good('TIDEGATE_HTTP', '127.0.0.1:80', (c) => c.http, { host: '127.0.0.1', port: 80 }),
  good('TIDEGATE_HTTP', 'off', (c) => c.http, null),
  good('TIDEGATE_HTTP', ':8081', (c) => c.http, { host: '0.0.0.0', port: 8081 }),
  good('TIDEGATE_HTTP', '0', (c) => c.http, { host: '0.0.0.0', port: 0 }),
  good('TIDEGATE_HTTPS', '[::1]:443', (c) => c.https, { host: '::1', port: 443 }),
  good('TIDEGATE_ADMIN', 'admin.internal:9000', (c) => c.admin, { host: 'admin.internal', port: 9000 }),
  good('TIDEGATE_BASE_DOMAIN', 'Apps.Example.com.', (c) => c.baseDomain, 'apps.example.com'),
  good('TIDEGATE_DATA', ' /var/lib/tidegate ', (c) => c.data, '/var/lib/tidegate'),
  good('TIDEGATE_STORE', 'sqlite', (c) => c.store),
  good('TIDEGATE_DOCKER', 'unix:///run/a.sock, unix:///run/b.sock', (c) => c.docker, [
    'unix:///run/a.sock',
    'unix:///run/b.sock',
  ]),
  good('TIDEGATE_DOCKER_CERTS', '/etc/certs', (c) => c.dockerCerts),
  good('TIDEGATE_SPARES', '2', (c) => c.spares, 2),
  good('TIDEGATE_SANDBOXES', '0', (c) => c.sandboxes, 0),
  good('TIDEGATE_WORKERS', '0', (c) => c.workers, 0),
  good('TIDEGATE_TRANSPORT', 'net', (c) => c.transport, 'net'),
  good('TIDEGATE_CERTS', '/etc/certs', (c) => c.certs),
  good('TIDEGATE_CLIENT_CAS', '/etc/client-cas', (c) => c.clientCas),
  good('TIDEGATE_TOKEN', 'sixteen-letters!', (c) => c.token),
  good('TIDEGATE_ACME_DIRECTORY', 'http://localhost:14000/dir', (c) => c.acme.directory),
  good('TIDEGATE_ACME_EMAIL', 'ops@example.com', (c) => c.acme.email),
  good('TIDEGATE_ACME_CA_FILE', '/etc/ca.pem', (c) => c.acme.caFile),
  good('TIDEGATE_ACME_EAB_KID', 'kid', (c) => c.acme.eabKid),
  good('TIDEGATE_ACME_EAB_HMAC', 'hmac', (c) => c.acme.eabHmac),
  good('TIDEGATE_ACME_CHALLENGES', 'dns-01', (c) => c.acme.challenges, ['dns-01']),
  good('TIDEGATE_ACME_FALLBACK', 'https://acme.example/dir', (c) => c.acme.fallback),
  good('TIDEGATE_ACME_DNS', 'https://hooks.example.com/dns', (c) => c.acme.dns, {
    ...{ kind: 'webhook', url: 'https://hooks.example.com/dns' },
  }),
  good('TIDEGATE_ACME_DNS_SECRET', 'c2VjcmV0', (c) => c.acme.dnsSecret),
  good('TIDEGATE_ACME_PARALLEL', '8', (c) => c.acme.parallel, 8),
  good('TIDEGATE_ACME_CHAIN', 'ISRG Root X1', (c) => c.acme.chain),
  good('TIDEGATE_ACME_KEY', 'rsa', (c) => c.acme.key),
  good('TIDEGATE_KEY_FILE', '/run/secrets/key', (c) => c.keyFile),
  good('TIDEGATE_EDGE', 'Edge.Example.com', (c) => c.edge, 'edge.example.com'),
  good('TIDEGATE_EDGE_ADDRESSES', '192.0.2.1, 2001:db8::1', (c) => c.edgeAddresses, ['192.0.2.1', '2001:db8::1']),
  good('TIDEGATE_STORE', 'rediss://user:word@redis.example:6380/2', (c) => c.store),
  good('TIDEGATE_DNS', '127.0.0.1:53,[::1]:5353', (c) => c.dns, ['127.0.0.1:53', '[::1]:5353']),
  good('TIDEGATE_TRUSTED_PROXIES', '10.0.0.0/8, fd00::/8,', (c) => c.trustedProxies, ['10.0.0.0/8', 'fd00::/8']),
  good('TIDEGATE_LABEL_TRUST', 'verified', (c) => c.labelTrust),
  good('TIDEGATE_ACCESS_LOG', 'off', (c) => c.accessLog, null),
  good('TIDEGATE_ACCESS_LOG', 'stdout', (c) => c.accessLog, { stdout: true }),
  good('TIDEGATE_ACCESS_LOG', '/var/log/access.log', (c) => c.accessLog, { file: '/var/log/access.log' }),
  good('TIDEGATE_ACCESS_LOG_SAMPLE', '0.25', (c) => c.accessLogSample, 0.25),
  good('TIDEGATE_LOG_KEEP_BYTES', '1g', (c) => c.logs.keepBytes, 1_073_741_824),
  good('TIDEGATE_LOG_KEEP_DAYS', '30', (c) => c.logs.keepDays, 30),
  good('TIDEGATE_STATSD', 'udp://[::1]', (c) => c.statsd, { host: '::1', port: 8125, prefix: '', hasTags: false }),
  good('TIDEGATE_STATSD', 'udp://stats:1?prefix=edge&tags=dogstatsd', (c) => c.statsd, {
    ...{ host: 'stats', port: 1, prefix: 'edge.', hasTags: true },
  }),
  good('TIDEGATE_OTLP', 'http://collector:4318/', (c) => c.otlp, 'http://collector:4318'),
  good('TIDEGATE_OTLP', 'https://c.example/otlp/v1/metrics', (c) => c.otlp, 'https://c.example/otlp'),
  good('TIDEGATE_OTLP_HEADERS', 'Authorization=Bearer%20a%2Cb, x-team=edge=1', (c) => c.otlpHeaders, {
    ...{ authorization: 'Bearer a,b', 'x-team': 'edge=1' },
  }),
  good('TIDEGATE_USAGE_EVERY', '500ms', (c) => c.usageEveryMs, 500),
  good('TIDEGATE_LOG', 'debug', (c) => c.log),
];

test('every setting is read in its good forms', () => {
  for (const { name, text, reads, value } of GOOD) {
    assert.deepEqual(reads(parseConfig({ [name]: text })), value, `${name}=${text}`);
  }
  const covered = new Set(GOOD.map((one) => one.name));
  assert.deepEqual(
    SETTINGS.map((one) => one.name).filter((name) => !covered.has(name)),
    [],
  );
});

test('every bad value is refused with the name, the value and what to write instead', () => {
  const table: readonly [name: string, text: string, hint: RegExp][] = [
    ['TIDEGATE_HTTP', 'localhost', /host:port/],
    ['TIDEGATE_HTTP', '0.0.0.0:70000', /host:port/],
    ['TIDEGATE_HTTP', '::1:80', /host:port/],
    ['TIDEGATE_HTTPS', 'on', /host:port/],
    ['TIDEGATE_ADMIN', 'off', /host:port/],
    ['TIDEGATE_BASE_DOMAIN', 'a b', /label/],
    ['TIDEGATE_ACME_DNS', 'route53', /webhook/],
    ['TIDEGATE_ACME_DNS', 'https://me:secret@hooks.example.com/', /TIDEGATE_ACME_DNS_SECRET/],
    ['TIDEGATE_ACME_PARALLEL', '0', /1 to 999/],
    ['TIDEGATE_ACME_KEY', 'ed25519', /ecdsa/],
    ['TIDEGATE_EDGE_ADDRESSES', 'edge.example.com', /not an IP/],
    ['TIDEGATE_BASE_DOMAIN', '*.example.com', /\*/],
    ['TIDEGATE_STORE', 'mysql', /sqlite/],
    ['TIDEGATE_STORE', 'redis:///0', /name the host/],
    ['TIDEGATE_STORE', 'redis://localhost/state', /number of the database/],
    ['TIDEGATE_STORE', 'postgres://localhost', /write sqlite, or redis/],
    ['TIDEGATE_DOCKER', '/var/run/docker.sock', /unix:\/\/\/path/],
    ['TIDEGATE_DOCKER', 'tcp://host', /tcp:\/\/host:port/],
    ['TIDEGATE_DOCKER', 'tcp://host:0', /tcp:\/\/host:port/],
    ['TIDEGATE_DOCKER', ',', /at least one/],
    ['TIDEGATE_DOCKER', 'tcp://10.0.0.1:2376', /TIDEGATE_DOCKER_CERTS/],
    ['TIDEGATE_ACCESS_LOG_SAMPLE', '1.5', /from 0 to 1/],
    ['TIDEGATE_ACCESS_LOG_SAMPLE', 'half', /from 0 to 1/],
    ['TIDEGATE_LOG_KEEP_BYTES', '4k', /1m or more/],
    ['TIDEGATE_SPARES', 'two', /whole number/],
    ['TIDEGATE_SANDBOXES', '-1', /whole number/],
    ['TIDEGATE_WORKERS', '-1', /whole number/],
    ['TIDEGATE_WORKERS', 'two', /whole number/],
    ['TIDEGATE_TRANSPORT', 'handles', /did you mean handle\?/],
    ['TIDEGATE_ACME_DIRECTORY', 'letsencrypt', /http\(s\) URL/],
    ['TIDEGATE_ACME_DIRECTORY', 'ftp://ca.example', /http\(s\) URL/],
    ['TIDEGATE_ACME_CHALLENGES', 'http-01,dns01', /did you mean dns-01/],
    ['TIDEGATE_DNS', '1.1.1.1', /ip:port/],
    ['TIDEGATE_DNS', '1.1.1.300:53', /ip:port/],
    ['TIDEGATE_DNS', 'dns.example:53', /ip:port/],
    ['TIDEGATE_TRUSTED_PROXIES', '10.0.0.0/33', /CIDR/],
    ['TIDEGATE_TRUSTED_PROXIES', '10.0.0/8', /CIDR/],
    ['TIDEGATE_TRUSTED_PROXIES', 'fd00::/129', /CIDR/],
    ['TIDEGATE_TRUSTED_PROXIES', '10.0.0.1', /CIDR/],
    ['TIDEGATE_LABEL_TRUST', 'verfied', /did you mean verified/],
    ['TIDEGATE_STATSD', 'stats:8125', /udp:\/\/host:port/],
    ['TIDEGATE_STATSD', 'udp://stats:0', /udp:\/\/host:port/],
    ['TIDEGATE_STATSD', 'udp://stats/x', /udp:\/\/host:port/],
    ['TIDEGATE_STATSD', 'udp://stats?prefx=a', /did you mean prefix/],
    ['TIDEGATE_STATSD', 'udp://stats?prefix=a|b', /made of letters/],
    ['TIDEGATE_STATSD', 'udp://stats?tags=influx', /dogstatsd or off/],
    ['TIDEGATE_OTLP', 'collector:4318', /http\(s\) URL/],
    ['TIDEGATE_OTLP', 'http://me:word@collector:4318', /TIDEGATE_OTLP_HEADERS/],
    ['TIDEGATE_OTLP', 'http://collector:4318?a=b', /without "\?"/],
    ['TIDEGATE_OTLP_HEADERS', 'a=b,c', /pair 2 is not name=value/],
    ['TIDEGATE_OTLP_HEADERS', 'a=b%0Ac', /the value of a cannot stand/],
    ['TIDEGATE_USAGE_EVERY', '100ms', /500ms to 60s/],
    ['TIDEGATE_LOG', 'warning', /debug, info, warn/],
  ];
  for (const [name, text, hint] of table) {
    const problems = problemsOf({ [name]: text });
    assert.equal(problems.length, 1, `${name}=${text}: ${problems.join(' | ')}`);
    assert.match(problems[0] ?? '', hint);
    assert.ok(problems[0]?.startsWith(name), problems[0]);
  }
});

test('a bad token is refused without being repeated', () => {
  const [problem] = problemsOf({ TIDEGATE_TOKEN: 'too-short' });
  assert.match(problem ?? '', /^TIDEGATE_TOKEN=…: .*16/);
  assert.doesNotMatch(problem ?? '', /too-short/);
});

test('headers for a collector are refused without being repeated', () => {
  const [problem] = problemsOf({ TIDEGATE_OTLP_HEADERS: 'authorization=a%2,hunter2' });
  assert.match(problem ?? '', /^TIDEGATE_OTLP_HEADERS=…: the value of authorization/);
  assert.doesNotMatch(problem ?? '', /hunter2/);
});

test('all problems are reported at once', () => {
  const problems = problemsOf({
    TIDEGATE_HTTP: 'x',
    TIDEGATE_WORKERS: 'many',
    TIDEGATE_LOG: 'loud',
    TIDEGATE_HTPP: '0.0.0.0:1',
    TIDEGATE_DOCKER: 'tcp://10.0.0.1:2376',
  });
  assert.deepEqual(problems.map((problem) => /^[A-Z_]+/.exec(problem)?.[0]).sort(), [
    'TIDEGATE_DOCKER',
    'TIDEGATE_HTPP',
    'TIDEGATE_HTTP',
    'TIDEGATE_LOG',
    'TIDEGATE_WORKERS',
  ]);
});

test('an unknown name is an error that names the nearest setting', () => {
  const table: readonly [string, string][] = [
    ['TIDEGATE_HTPP', 'TIDEGATE_HTTP'],
    ['TIDEGATE_HTTP_', 'TIDEGATE_HTTP'],
    ['TIDEGATE_WORKER', 'TIDEGATE_WORKERS'],
    ['TIDEGATE_TRUSTED_PROXY', 'TIDEGATE_TRUSTED_PROXIES'],
    ['TIDEGATE_BASEDOMAIN', 'TIDEGATE_BASE_DOMAIN'],
    ['TIDEGATE_ACME_EMIAL', 'TIDEGATE_ACME_EMAIL'],
  ];
  for (const [typo, meant] of table) {
    assert.deepEqual(problemsOf({ [typo]: '1' }), [`${typo} is not a setting; did you mean ${meant}?`]);
  }
  assert.deepEqual(problemsOf({ TIDEGATE_QWERTYUIOPASDF: '1' }), ['TIDEGATE_QWERTYUIOPASDF is not a setting']);
});

test('what is not ours, and what the test suite uses, is left alone', () => {
  assert.deepEqual(problemsOf({ PATH: '/bin', DOCKER_HOST: 'x', TIDEGATE_URL: 'x', tidegate_http: 'x' }), []);
});

test('an empty or blank value means the default', () => {
  assert.deepEqual(parseConfig({ TIDEGATE_HTTP: '', TIDEGATE_TOKEN: '  ', TIDEGATE_LOG: ' ' }), parseConfig({}));
});

test('a tcp endpoint is taken together with its certificates', () => {
  const config = parseConfig({ TIDEGATE_DOCKER: 'tcp://[::1]:2376,tcp://b:2376', TIDEGATE_DOCKER_CERTS: '/certs' });
  assert.deepEqual(config.docker, ['tcp://[::1]:2376', 'tcp://b:2376']);
});

test('every setting has a name of ours, a meaning, and a default that it accepts', () => {
  for (const setting of SETTINGS) {
    assert.match(setting.name, /^TIDEGATE_[A-Z_]+$/);
    assert.match(setting.meaning, /\.$/);
    if (setting.default !== null) assert.ok('value' in setting.parse(setting.default), setting.name);
  }
});

test('whatever the environment holds, the outcome is settings or a list of problems', () => {
  const names = SETTINGS.map((one) => one.name);
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), fc.string({ maxLength: 40 })), (environment) => {
      problemsOf(environment);
    }),
    { seed: SEED, numRuns: 300 },
  );
});
