/** Specs that want more of a host than a tenant may have: each refused where it asks, with what to do instead. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readSetInput } from '#admin/set-input';
import { admit } from '#apps/admission';
import type { AdmissionRules } from '#apps/admission-judge';
import { NO_OPTIONS, type SetSpec } from '#core/set-spec';
import { BUILT_IN_PLANS, ORDINARY } from '#tenants/plan';

type Input = Readonly<Record<string, unknown>>;

const TRUSTED = BUILT_IN_PLANS.find((one) => one.name === 'trusted')?.allowances ?? ORDINARY;
const MAIN = { name: 'main', image: 'shop:1' };
const OPTIONS = '/containers/0/options';

/** A set of one container with these options. */
const having = (options: Input): Input => ({ containers: [{ ...MAIN, options }] });
/** A set that is ordinary but for this. */
const asking = (more: Input): Input => ({ containers: [MAIN], ...more });
const bind = (source: string, path = '/host'): Input => having({ binds: [{ source, path }] });
const mount = (path: string, name = 'data'): Input => having({ volumes: [{ name, path }] });
const sysctl = (name: string, value: string | number = 1): Input => asking({ sysctls: { [name]: value } });

function specOf(input: Input): SetSpec {
  const read = readSetInput(input);
  assert.ok('spec' in read, JSON.stringify(read));
  return read.spec;
}

type Case = readonly [what: string, input: Input, pointer: string, code: string];

/** What would give a tenant more than containers of its own. */
const BEYOND: readonly Case[] = [
  ['a privileged container', having({ privileged: true }), `${OPTIONS}/privileged`, 'not_allowed'],
  [
    'a privileged container behind an honest one',
    { containers: [MAIN, { name: 'b', image: 'b', options: { privileged: true } }] },
    '/containers/1/options/privileged',
    'not_allowed',
  ],
  ['a capability', having({ capabilities: ['SYS_ADMIN'] }), `${OPTIONS}/capabilities/0`, 'not_allowed'],
  ['all capabilities', having({ capabilities: ['ALL'] }), `${OPTIONS}/capabilities/0`, 'not_allowed'],
  ['a device', having({ devices: ['/dev/sda'] }), `${OPTIONS}/devices/0`, 'not_allowed'],
  ["the host's memory as a device", having({ devices: ['/dev/mem:/x:r'] }), `${OPTIONS}/devices/0`, 'not_allowed'],
  ["the host's network", asking({ host_namespaces: ['network'] }), '/host_namespaces', 'not_allowed'],
  ["the host's processes", asking({ host_namespaces: ['pid'] }), '/host_namespaces', 'not_allowed'],
  ["the host's IPC", asking({ host_namespaces: ['ipc'] }), '/host_namespaces', 'not_allowed'],
  ['a path of the host', bind('/srv'), `${OPTIONS}/binds/0`, 'not_allowed'],
  ["the Engine's socket", bind('/var/run/docker.sock'), `${OPTIONS}/binds/0`, 'not_allowed'],
  [
    'a harmless path and then the socket',
    having({
      binds: [
        { source: '/srv', path: '/a' },
        { source: '/run/docker.sock', path: '/b' },
      ],
    }),
    `${OPTIONS}/binds/1`,
    'not_allowed',
  ],
  ['port 80 of the host', asking({ publish: [{ port: 80, host_port: 80 }] }), '/publish/0/host_port', 'not_allowed'],
];

/** What only those get who may have the whole host: a plan that allows paths is not enough. */
const ENGINE_ITSELF = [
  ...[
    '/var/run/docker.sock',
    '/run/docker.sock',
    '//var/run//docker.sock',
    '/var/./run/docker.sock',
    '/run/docker.sock/',
  ],
  ...['/', '//', '/run', '/var/run', '/run/', '/var', '/var/lib', '/var/lib/docker', '/var/lib/docker/volumes/x/_data'],
  ...['/proc', '/proc/self/fd/3', '/sys', '/dev', '/dev/sda', '/run/containerd/containerd.sock', '/etc'],
];

/** What no plan makes right: no Engine could run it, or it would run as something else than was meant. */
const NEVER: readonly Case[] = [
  ...['/', '//', '/proc', '/proc/', '/./proc', '/proc/sys', '/sys/fs/cgroup', '/dev', '/dev/shm', '/etc', '/usr/'].map(
    (path): Case => [`a volume at ${path}`, mount(path), `${OPTIONS}/volumes/0/path`, 'bad_value'],
  ),
  ['a volume that climbs', mount('/data/../../etc'), `${OPTIONS}/volumes/0/path`, 'bad_value'],
  ['a volume at no absolute path', mount('data'), `${OPTIONS}/volumes/0/path`, 'bad_value'],
  ['a volume with options in its path', mount('/data:ro'), `${OPTIONS}/volumes/0/path`, 'bad_value'],
  ['a volume with a NUL in its path', mount('/da\0ta'), `${OPTIONS}/volumes/0/path`, 'bad_value'],
  ['a path of the host as a volume', mount('/x', '/etc'), `${OPTIONS}/volumes/0/name`, 'bad_name'],
  ["another app's volume by the way up", mount('/x', '../tidegate-acme'), `${OPTIONS}/volumes/0/name`, 'bad_name'],
  ['a shared volume over /proc', asking({ volume: { name: 'a', path: '/proc' } }), '/volume/path', 'bad_value'],
  ['a shared volume that is a path', asking({ volume: { name: '/', path: '/a' } }), '/volume/name', 'bad_name'],
  [
    'two volumes at one path',
    having({
      volumes: [
        { name: 'a', path: '/x' },
        { name: 'b', path: '//x/' },
      ],
    }),
    `${OPTIONS}/volumes/1/path`,
    'repeated',
  ],
  ['a bind that climbs', bind('/srv/../run/docker.sock'), `${OPTIONS}/binds/0/source`, 'bad_value'],
  ['a bind from no absolute path', bind('srv'), `${OPTIONS}/binds/0/source`, 'bad_value'],
  ['a bind over the root', bind('/srv', '/'), `${OPTIONS}/binds/0/path`, 'bad_value'],
  ['a device that is none', having({ devices: ['/etc/shadow'] }), `${OPTIONS}/devices/0`, 'bad_value'],
  ['a device that climbs', having({ devices: ['/dev/../etc/shadow'] }), `${OPTIONS}/devices/0`, 'bad_value'],
  ['a capability that is none', having({ capabilities: ['a b'] }), `${OPTIONS}/capabilities/0`, 'bad_value'],
  ['a sysctl of the whole host', sysctl('kernel.panic'), '/sysctls/kernel.panic', 'not_allowed'],
  ['where dumps are piped to', sysctl('kernel.core_pattern', '|/x'), '/sysctls/kernel.core_pattern', 'not_allowed'],
  ['a sysctl as a path', sysctl('net/ipv4/ip_forward'), '/sysctls/net~1ipv4~1ip_forward', 'not_allowed'],
  ['forwarding', sysctl('net.ipv4.ip_forward'), '/sysctls/net.ipv4.ip_forward', 'not_allowed'],
  ['a sysctl with a line break', sysctl('kernel.sem', '1\n2'), '/sysctls/kernel.sem', 'bad_value'],
  [
    "a sysctl of the host's network",
    asking({ host_namespaces: ['network'], sysctls: { 'net.core.somaxconn': 1 } }),
    '/sysctls/net.core.somaxconn',
    'contradiction',
  ],
  ['a variable with = in its name', having({ env: { 'A=B': 'c' } }), `${OPTIONS}/env/A=B`, 'bad_name'],
  ['a variable without a name', having({ env: { '': 'c' } }), `${OPTIONS}/env/`, 'bad_name'],
  ['a variable with a NUL', having({ env: { A: 'b\0C=d' } }), `${OPTIONS}/env/A`, 'bad_value'],
  ['a variable larger than Linux takes', having({ env: { A: 'b'.repeat(131_072) } }), `${OPTIONS}/env/A`, 'too_large'],
  ['more of them than Linux takes', having({ command: Array(10).fill('b'.repeat(130_000)) }), OPTIONS, 'too_large'],
  ['a command with a NUL', having({ command: ['a', '\0'] }), `${OPTIONS}/command/1`, 'bad_value'],
  ['a user with a line break', having({ user: 'root\nx' }), `${OPTIONS}/user`, 'bad_value'],
  ['a workdir that is not absolute', having({ workdir: '../x' }), `${OPTIONS}/workdir`, 'bad_value'],
  ['a signal that is none', having({ stop_signal: 'KILL ME' }), `${OPTIONS}/stop_signal`, 'bad_value'],
  ['a stop that takes a day', having({ stop_timeout: '1d' }), `${OPTIONS}/stop_timeout`, 'bad_value'],
  [
    'a check without a pause',
    having({ health: { test: 'true', interval: '1ms' } }),
    `${OPTIONS}/health/interval`,
    'bad_value',
  ],
  ['a check of nothing', having({ health: { test: ['CMD'] } }), `${OPTIONS}/health/test`, 'bad_value'],
  ...[
    'Shop:1',
    'shop:',
    'shop@sha256:abc',
    '--privileged',
    'a b',
    'http://r/shop',
    'shop:1\n-v',
    `${'a'.repeat(600)}`,
  ].map(
    (image): Case => [
      `the image ${JSON.stringify(image).slice(0, 20)}`,
      { containers: [{ ...MAIN, image: `${image}` }] },
      '/containers/0/image',
      'bad_image',
    ],
  ),
  ['no processor time to speak of', asking({ resources: { cpu: 0.001 } }), '/resources/cpu', 'bad_value'],
  ['more cores than there are', asking({ resources: { cpu: 4096 } }), '/resources/cpu', 'bad_value'],
  ['memory for no process', asking({ resources: { memory: '5Mi' } }), '/resources/memory', 'bad_value'],
  ['more memory than there is', asking({ resources: { memory: 2 ** 50 } }), '/resources/memory', 'bad_value'],
  [
    'a container that is left no memory',
    {
      containers: [
        { ...MAIN, options: { mem: 99 } },
        { name: 'b', image: 'b' },
      ],
      resources: { memory: '64Mi' },
    },
    '/resources/memory',
    'bad_value',
  ],
  [
    'a port of the host twice',
    asking({
      publish: [
        { port: 1, host_port: 9000 },
        { port: 2, host_port: 9000 },
      ],
    }),
    '/publish/1/host_port',
    'repeated',
  ],
  ['a link that is no app', asking({ links: ['../acme'] }), '/links/0', 'bad_name'],
];

function check([what, input, pointer, code]: Case, rules: AdmissionRules): void {
  const faults = admit(specOf(input), rules);
  const found = faults.find((one) => one.pointer === pointer && one.code === code);
  assert.ok(found !== undefined, `${what}: ${JSON.stringify(faults)}`);
  assert.match(found.detail, /\w.{10,}\.$/s, what);
  assert.doesNotMatch(found.detail, /\p{Cc}/u, 'nothing that a terminal would obey');
}

suite('an ordinary tenant is refused', () => {
  for (const one of BEYOND) test(one[0], () => check(one, ORDINARY));

  test('ports of the host and sysctls where its plan leaves them out', () => {
    const rules = { ...ORDINARY, publish_ports: false, sysctls: false };
    check(['ports', asking({ publish: [{ port: 5432 }] }), '/publish', 'not_allowed'], rules);
    check(['sysctls', sysctl('kernel.sem'), '/sysctls/kernel.sem', 'not_allowed'], rules);
  });

  test('labels that Tidegate writes itself, and those of others', () => {
    for (const name of [
      'instance',
      'replica',
      'role',
      'member',
      'members',
      'tenant',
      'app',
      'set',
      'revision',
      'clone.of',
    ]) {
      const spec = { ...specOf(asking({})), labels: { [`tidegate.${name}`]: 'x' } };
      assert.deepEqual(
        admit(spec, TRUSTED).map(({ pointer, code }) => [pointer, code]),
        [[`/labels/tidegate.${name}`, 'reserved']],
      );
    }
    const foreign = { ...specOf(asking({})), labels: { 'com.docker.compose.project': 'x', 'tidegate./a\n': 'y' } };
    assert.deepEqual(
      admit(foreign, TRUSTED).map(({ pointer }) => pointer),
      ['/labels/com.docker.compose.project', '/labels/tidegate.~1a\u{fffd}'],
    );
  });

  test('everything at once, not only what comes first', () => {
    const spec = specOf({ ...having({ privileged: true, user: '' }), resources: { cpu: 5000 }, links: ['X'] });
    assert.equal(admit({ ...spec, hostNamespaces: ['pid'] }, ORDINARY).length, 5);
  });
});

suite('whatever the plan', () => {
  for (const one of NEVER) {
    test(`${one[0]} is refused`, () => {
      check(one, TRUSTED);
      const [, input, pointer] = one;
      const below = admit(specOf(input), ORDINARY).some(({ pointer: at }) => pointer.startsWith(at) || at === pointer);
      assert.ok(below, 'and to an ordinary tenant');
    });
  }

  test('numbers that are none are refused', () => {
    const spec = specOf(asking({}));
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      const faults = admit({ ...spec, resources: { cpu: bad, memory: bad } }, TRUSTED);
      assert.deepEqual(
        faults.map(({ pointer }) => pointer),
        ['/resources/cpu', '/resources/memory'],
      );
    }
  });
});

suite('a plan that allows paths of the host, but not the whole of it', () => {
  const rules = { ...ORDINARY, binds: true };

  for (const source of ENGINE_ITSELF) {
    test(`keeps ${source} back`, () =>
      check([source, bind(source), `${OPTIONS}/binds/0/source`, 'not_allowed'], rules));
  }

  test('gives others', () => {
    for (const source of ['/srv', '/srv/run/docker.sock', '/var/www', '/home/runner', '/etc/localtime']) {
      assert.deepEqual(admit(specOf(bind(source)), rules), [], source);
    }
  });
});

suite('what is in order passes', () => {
  const GOOD: readonly Input[] = [
    asking({}),
    asking({ resources: { cpu: '250m', memory: '64Mi' }, volume: { name: 'shop-data', path: '/data' } }),
    asking({ sysctls: { 'net.core.somaxconn': 1024, 'net.ipv4.ip_local_port_range': '1024 65000' } }),
    asking({ publish: [{ port: 5432, host_port: 15_432 }, { port: 80 }, { port: 80 }], links: ['blog'] }),
    { containers: ['a', 'b', 'c'].map((name) => ({ name, image: name })), resources: { cpu: 0.03, memory: '18Mi' } },
    mount('/var/lib/postgresql/data', 'Data_1.x'),
    mount('/usr/share/nginx/html/'),
    having({ health: { test: 'curl -f localhost' }, user: '1000:1000', workdir: '/srv', stop_signal: 'SIGRTMIN+3' }),
    having({ env: { PATH: '/bin', 'spring.profiles-active': 'x', EMPTY: '' }, stop_timeout: '1h', stop_signal: '9' }),
    ...['nginx', 'a/b/c', 'r.example:5000/x/y:1.4-Rc_1', 'localhost/x', '[::1]:5000/x', `sha256:${'0'.repeat(64)}`].map(
      (image) => ({ containers: [{ ...MAIN, image }] }),
    ),
    { containers: [{ ...MAIN, image: `R.example/x:1@sha256:${'a'.repeat(64)}` }] },
  ];
  test('for an ordinary tenant', () => {
    for (const input of GOOD) assert.deepEqual(admit(specOf(input), ORDINARY), [], JSON.stringify(input));
  });

  test('and what is beyond that for those an operator trusts', () => {
    for (const [what, input] of BEYOND) assert.deepEqual(admit(specOf(input), TRUSTED), [], what);
    for (const source of ENGINE_ITSELF) assert.deepEqual(admit(specOf(bind(source)), TRUSTED), [], source);
    assert.deepEqual(admit(specOf(bind('/sys', '/sys')), TRUSTED), []);
  });

  test('so that a spec without any wish is the same for both', () => {
    assert.deepEqual(specOf(asking({})).containers[0]?.options, NO_OPTIONS);
  });
});
