/** What an inspect says, in our words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTidegateError } from '#core/errors';
import { containerFrom, inspectAnswer, summaryFrom } from '#docker/inspect';

interface Parts {
  readonly State?: object;
  readonly Config?: object;
  readonly HostConfig?: object;
  readonly NetworkSettings?: object;
}

/** A running container as an Engine of API 1.41 describes it, with some parts changed. */
function inspected(parts: Parts = {}) {
  return containerFrom(
    inspectAnswer({
      Id: 'f00d',
      Name: '/shop-web-1',
      Created: '2026-03-01T10:00:00.123456789Z',
      Image: 'sha256:1234',
      State: {
        Status: 'running',
        StartedAt: '2026-03-01T10:00:01.5Z',
        ExitCode: 0,
        OOMKilled: false,
        Pid: 4711,
        ...parts.State,
      },
      Config: { Image: 'shop:1.4', Labels: { 'tidegate.app': 'shop' }, ...parts.Config },
      HostConfig: { NetworkMode: 'default', ...parts.HostConfig },
      NetworkSettings: {
        Ports: {},
        Networks: { bridge: { NetworkID: 'n0', IPAddress: '172.17.0.2' } },
        ...parts.NetworkSettings,
      },
    }),
  );
}

test('a running container', () => {
  assert.deepEqual(inspected(), {
    id: 'f00d',
    name: 'shop-web-1',
    image: 'shop:1.4',
    labels: { 'tidegate.app': 'shop' },
    status: 'running',
    createdAt: Date.UTC(2026, 2, 1, 10, 0, 0, 123),
    startedAt: '2026-03-01T10:00:01.5Z',
    exitCode: null,
    imageId: 'sha256:1234',
    oomKilled: false,
    pid: 4711,
    hasHealthcheck: false,
    exposedPorts: [],
    published: [],
    networkMode: 'bridge',
    networks: [{ name: 'bridge', ip: '172.17.0.2' }],
    stopTimeoutS: 10,
    stopSignal: 'SIGTERM',
  });
});

test('a container that was never started has neither start nor exit code', () => {
  const created = inspected({ State: { Status: 'created', StartedAt: '0001-01-01T00:00:00Z', Pid: 0 } });
  assert.equal(created.startedAt, null);
  assert.equal(created.exitCode, null);
  assert.equal(created.pid, 0);
});

test('a container that ended has its exit code, a paused one has none', () => {
  const killed = inspected({ State: { Status: 'exited', ExitCode: 137, OOMKilled: true, Pid: 0 } });
  assert.equal(killed.exitCode, 137);
  assert.equal(killed.oomKilled, true);
  assert.equal(inspected({ State: { Status: 'paused' } }).exitCode, null);
});

test('a status nobody knows counts as not running', () => {
  assert.equal(inspected({ State: { Status: 'hibernating' } }).status, 'dead');
});

test('TCP ports alone are exposed, as numbers in order', () => {
  const { exposedPorts } = inspected({
    Config: { ExposedPorts: { '8080/tcp': {}, '53/udp': {}, '443/tcp': {}, '9000/sctp': {} } },
  });
  assert.deepEqual(exposedPorts, [443, 8080]);
});

test('published ports keep the address the Engine names; an exposed but unpublished port is none', () => {
  const { published } = inspected({
    NetworkSettings: {
      Ports: {
        '8080/tcp': [
          { HostIp: '0.0.0.0', HostPort: '18080' },
          { HostIp: '::', HostPort: '18080' },
        ],
        '9090/tcp': null,
        '53/udp': [{ HostIp: '0.0.0.0', HostPort: '53' }],
      },
    },
  });
  assert.deepEqual(published, [
    { containerPort: 8080, hostIp: '0.0.0.0', hostPort: 18080 },
    { containerPort: 8080, hostIp: '::', hostPort: 18080 },
  ]);
});

for (const [what, healthcheck, expected] of [
  ['a command', { Test: ['CMD-SHELL', 'true'] }, true],
  ['NONE, which switches the one of the image off', { Test: ['NONE'] }, false],
  ['nothing', { Test: [] }, false],
  ['only an interval', { Interval: 1_000_000_000 }, false],
  ['null', null, false],
] as const) {
  test(`a HEALTHCHECK of ${what} is ${expected ? 'one' : 'none'}`, () => {
    assert.equal(inspected({ Config: { Healthcheck: healthcheck } }).hasHealthcheck, expected);
  });
}

for (const mode of ['host', 'none', 'container:f00d', 'front']) {
  test(`network mode ${mode} is kept`, () => {
    assert.equal(inspected({ HostConfig: { NetworkMode: mode } }).networkMode, mode);
  });
}

test('a network given by its id is called by its name', () => {
  const container = inspected({
    HostConfig: { NetworkMode: 'n1' },
    NetworkSettings: { Networks: { front: { NetworkID: 'n1', IPAddress: '10.0.0.2' } } },
  });
  assert.equal(container.networkMode, 'front');
});

test('networks of a container that does not run have no address', () => {
  const { networks } = inspected({ NetworkSettings: { Networks: { front: { IPAddress: '' }, back: null } } });
  assert.deepEqual(networks, [
    { name: 'front', ip: '' },
    { name: 'back', ip: '' },
  ]);
});

test('stop signal and time are read, however the signal is written', () => {
  assert.equal(inspected({ Config: { StopSignal: 'SIGQUIT', StopTimeout: 30 } }).stopTimeoutS, 30);
  assert.equal(inspected({ Config: { StopTimeout: 0 } }).stopTimeoutS, 0);
  for (const signal of ['SIGQUIT', 'QUIT', 'quit', '3']) {
    assert.equal(inspected({ Config: { StopSignal: signal } }).stopSignal, 'SIGQUIT');
  }
});

test('empty lists, which Go sends as null, are empty', () => {
  const container = inspected({
    Config: { Labels: null, ExposedPorts: null },
    NetworkSettings: { Ports: null, Networks: null },
  });
  assert.deepEqual(container.labels, {});
  assert.deepEqual(container.exposedPorts, []);
  assert.deepEqual(container.networks, []);
});

for (const answer of [null, 'OK', Buffer.from('<html>'), {}, { Id: 'f00d', State: {}, Config: null, HostConfig: {} }]) {
  test(`${JSON.stringify(answer)} is no container`, () => {
    assert.throws(
      () => inspectAnswer(answer),
      (error) => isTidegateError(error, 'engine.refused'),
    );
  });
}

test('a line of the list, and one that is none', () => {
  assert.deepEqual(summaryFrom({ Id: 'a', Labels: { x: 'y' }, State: 'paused' }), {
    id: 'a',
    labels: { x: 'y' },
    status: 'paused',
  });
  assert.deepEqual(summaryFrom({ Id: 'a', Labels: null, State: 'running' })?.labels, {});
  assert.equal(summaryFrom({ Labels: {} }), null);
  assert.equal(summaryFrom(null), null);
});
