/** Compose files as sets of an app: what becomes of services, and which line is named where something cannot be taken over. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Composition, placeOf, readCompose } from '#apps/compose/compose';
import { readDeclared } from '#discovery/declared-set';

const FOUR_SETS = `
x-common: &common
  restart: always
  environment: &env
    LOG: info
    REGION: eu
services:
  web:
    <<: *common
    image: registry.example/shop:\${TAG:-1.4}
    command: node server.js --title "a shop" 'it''s'
    ports: ["8080:3000"]
    depends_on:
      api: { condition: service_healthy }
      cache: { condition: service_started }
    environment: { <<: *env, REGION: us, PRICE: "$$5" }
    labels: { tidegate.host: shop.example.com, tidegate.scale.max: 4, com.example: x }
    deploy: { resources: { limits: { cpus: "0.5", memory: 256M } } }
  api:
    <<: *common
    image: api:2
    expose: [9000]
    depends_on: [db]
    healthcheck: { test: [CMD, curl, -f, localhost], interval: 1m30s, timeout: 5s, retries: 5, start_period: 10s }
    read_only: true
    user: 1000:1000
    working_dir: /srv
    stop_grace_period: 1m
    stop_signal: SIGINT
  db:
    image: postgres:16
    ports: ["127.0.0.1:5432:5432"]
    volumes: ["data:/var/lib/postgresql/data", { type: volume, source: conf, target: /conf, read_only: true }]
    environment: ["POSTGRES_DB=shop", POSTGRES_PASSWORD]
    mem_limit: 1.5g
    cpus: 2
    init: false
  cache: { image: redis, deploy: { replicas: 2 } }
volumes: { data: , conf: {} }
`;

function composed(text: string, variables: Readonly<Record<string, string>> = {}): Composition {
  const read = readCompose(text, { variables: new Map(Object.entries(variables)) });
  assert.ok('sets' in read, JSON.stringify(read));
  return read;
}

function specOf(read: Composition, name: string) {
  const found = read.sets.find((one) => one.name === name);
  assert.ok(found !== undefined);
  return found.spec;
}

suite('an app of four sets', () => {
  const read = composed(FOUR_SETS, { POSTGRES_PASSWORD: 'pw' });

  test('has every set after those it depends on, else as they are written', () => {
    assert.deepEqual(
      read.sets.map(({ name, spec }) => [name, spec.class, spec.labels['tidegate.depends']]),
      [
        ['db', 'data', undefined],
        ['api', 'tool', 'db'],
        ['cache', 'tool', undefined],
        ['web', 'app', 'api,cache'],
      ],
    );
  });

  test('has images, commands, variables and limits as compose means them', () => {
    const { containers, resources, labels } = specOf(read, 'web');
    const [main] = containers;
    assert.deepEqual([main?.index, main?.name, main?.image], [1, 'main', 'registry.example/shop:1.4']);
    assert.deepEqual(main?.options.command, ['node', 'server.js', '--title', 'a shop', 'its']);
    assert.deepEqual(main?.options.env, { REGION: 'us', PRICE: '$5', LOG: 'info' });
    assert.deepEqual(resources, { cpu: 0.5, memory: 256 * 1024 ** 2 });
    assert.deepEqual(labels, {
      'tidegate.port': '3000',
      'tidegate.depends': 'api,cache',
      'tidegate.class': 'app',
      'tidegate.host': 'shop.example.com',
      'tidegate.scale.max': '4',
    });
    const api = specOf(read, 'api').containers[0]?.options;
    assert.deepEqual(api?.healthcheck, {
      test: ['curl', '-f', 'localhost'],
      intervalMs: 90_000,
      timeoutMs: 5000,
      retries: 5,
      startPeriodMs: 10_000,
    });
    assert.deepEqual(
      [api?.readonlyRoot, api?.user, api?.workdir, api?.stopTimeoutS, api?.stopSignal, api?.init],
      [true, '1000:1000', '/srv', 60, 'SIGINT', true],
    );
    const db = specOf(read, 'db');
    assert.deepEqual(db.containers[0]?.options.env, { POSTGRES_DB: 'shop', POSTGRES_PASSWORD: 'pw' });
    assert.deepEqual(db.containers[0]?.options.volumes, [
      { name: 'data', path: '/var/lib/postgresql/data', readonly: false },
      { name: 'conf', path: '/conf', readonly: true },
    ]);
    assert.deepEqual([db.resources, db.containers[0]?.options.init], [{ cpu: 2, memory: 1.5 * 1024 ** 3 }, false]);
    assert.deepEqual([db.publish, db.labels['tidegate.port']], [[], '5432'], 'what was local is bound nowhere');
    const { 'tidegate.scale.min': min, 'tidegate.scale.max': max } = specOf(read, 'cache').labels;
    assert.deepEqual([min, max], ['2', '2']);
  });

  test('has labels that read as those of a container do, and a hostname only where a port is served', () => {
    for (const { name, spec } of read.sets) {
      const facts = { tenant: 'default', app: 'shop', set: name, baseDomain: 'localhost', exposedPort: 1234 };
      const { rejections, unknown, routes } = readDeclared(spec.labels, facts);
      assert.deepEqual([rejections, unknown, routes.length], [[], [], name === 'web' ? 1 : 0], name);
    }
  });

  test('comes with notes on all that is left out or done in another way, by line', () => {
    const notes = read.notes.map(({ line, detail }) => `${line}: ${detail}`).join('\n');
    assert.match(notes, /^3: web\.restart is left out: Tidegate starts replicas again/m);
    assert.match(notes, /12: web: port 3000 is served at the hostname of the set rather than at port 8080/);
    assert.match(notes, /17: web: the label com.example is left out/);
    assert.match(notes, /32: db: port 5432 was for the host alone/);
    assert.match(notes, /30: db: no port is to be served, so it is of class data/);
  });

  test('says of a part of a spec which line it comes from', () => {
    const web = read.sets.at(-1);
    assert.ok(web !== undefined);
    const lineOf = (pointer: string): number => placeOf(web.places, pointer).line;
    assert.deepEqual(
      [
        '/containers/0/image',
        '/labels/tidegate.host',
        '/containers/0/options/env/PRICE',
        '/resources/cpu',
        '/else',
      ].map(lineOf),
      [10, 17, 16, 18, 8],
    );
  });
});

suite('one service', () => {
  const one = (lines: string, variables?: Readonly<Record<string, string>>) =>
    composed(`services:\n web:\n  image: a\n${lines}\nvolumes: {v: }\n`, variables).sets[0]?.spec;

  test('binds a port of the host where compose says so, or no HTTP is spoken', () => {
    const direct = one('  ports: [{target: 80, published: 8080, mode: host}]');
    assert.deepEqual([direct?.publish, direct?.class], [[{ port: 80, hostPort: 8080 }], 'tool']);
    const mail = one('  ports: ["2525:25", "80"]');
    assert.deepEqual([mail?.publish, mail?.labels['tidegate.port']], [[{ port: 25, hostPort: 2525 }], '80']);
  });

  test('keeps its data safe: what writes to a volume and serves no port is one replica that stops before the next', () => {
    assert.equal(one('  volumes: ["v:/data"]')?.class, 'data');
    assert.equal(one('  volumes: ["v:/data:ro"]')?.class, 'tool');
    assert.equal(one('  volumes: ["v:/data"]\n  scale: 3')?.class, 'tool');
    assert.equal(one('  volumes: ["v:/data"]\n  ports: ["80"]')?.class, 'app');
    assert.equal(one('  volumes: ["v:/data"]\n  labels: ["tidegate.class=tool"]')?.class, 'tool');
  });

  test('asks for what only a plan can allow, so that admission decides', () => {
    const asked = one('  privileged: true\n  cap_add: [NET_ADMIN]\n  network_mode: host\n  volumes: ["/etc:/host:ro"]');
    assert.deepEqual(asked?.hostNamespaces, ['network']);
    const options = asked?.containers[0]?.options;
    assert.deepEqual(
      [options?.privileged, options?.capabilities, options?.binds],
      [true, ['NET_ADMIN'], [{ source: '/etc', path: '/host', readonly: true }]],
    );
  });

  test('may sleep when no replicas are asked for, and keeps numbers as they are written', () => {
    const asleep = one('  scale: 0\n  environment: { VERSION: 1.10, EMPTY: "", ON: yes, NOBODY: }');
    assert.deepEqual([asleep?.labels['tidegate.scale.min'], asleep?.labels['tidegate.scale.max']], ['0', '1']);
    assert.deepEqual(asleep?.containers[0]?.options.env, { VERSION: '1.10', EMPTY: '', ON: 'yes' });
  });

  test('may call a variable whatever it likes', () => {
    const env = one('  environment: { __proto__: a, constructor: b }')?.containers[0]?.options.env ?? {};
    assert.deepEqual(Object.entries(env), [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  test('with a profile is left out, as compose does', () => {
    const read = composed('services:\n a: {image: a}\n b: {image: b, profiles: [debug]}');
    assert.deepEqual(
      read.sets.map(({ name }) => name),
      ['a'],
    );
    assert.match(read.notes.map(({ detail }) => detail).join('\n'), /b is left out: it is started with a profile/);
  });
});
