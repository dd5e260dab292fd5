/** What the Engine is asked to create; that it does is tested on a real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memberBody, pauseBody, podOf } from '#docker/replica-bodies';
import type { MemberPlan, ReplicaPlan } from '#docker/replica-plan';
import { memberPlan, replicaPlan, type SomePlan } from '#test/support/replica-plans';

type Body = Record<string, unknown> & { HostConfig: Record<string, unknown>; Labels: Record<string, string> };

function plan(more: Partial<SomePlan> = {}): ReplicaPlan {
  return replicaPlan({ id: 'rep_1', network: 'tidegate-t-shop', members: [], ...more });
}

function pause(more: Partial<SomePlan> = {}): Body {
  return pauseBody(plan(more), 'sha256:pause') as unknown as Body;
}

function member(more: Partial<MemberPlan> = {}, of: Partial<SomePlan> = {}): Body {
  const body = memberBody(memberPlan({ index: 1, name: 'main', image: 'shop:1', ...more }), podOf(plan(of), 'p0', 2), {
    'tidegate.app': 'shop',
  });
  return body as unknown as Body;
}

test('the pause container owns the network and may do nothing', () => {
  const { HostConfig, NetworkingConfig } = pause();
  assert.deepEqual(NetworkingConfig, {
    EndpointsConfig: { 'tidegate-t-shop': { Aliases: ['web', 'web.shop.internal'] } },
  });
  assert.equal(HostConfig.NetworkMode, 'tidegate-t-shop');
  assert.equal(HostConfig.IpcMode, 'shareable');
  assert.deepEqual(HostConfig.CapDrop, ['ALL']);
  assert.equal(HostConfig.ReadonlyRootfs, true);
});

test('what a tenant labels cannot change what a replica is', () => {
  const pauseLabels = {
    'tidegate.role': 'member',
    'tidegate.replica': 'x',
    'tidegate.tenant': 'other',
    'tidegate.port': '1',
  };
  const { Labels } = pause({ pauseLabels });
  assert.deepEqual(
    ['role', 'replica', 'tenant', 'port', 'members'].map((name) => Labels[`tidegate.${name}`]),
    ['pause', 'rep_1', 't', '1', '0'],
  );
});

test('members live in the namespaces of the pause container, and in the host’s only where the plan says so', () => {
  const modes = (of: Partial<SomePlan>) => {
    const { NetworkMode, IpcMode, PidMode } = member({}, of).HostConfig;
    return [NetworkMode, IpcMode, PidMode];
  };
  assert.deepEqual(modes({}), ['container:p0', 'container:p0', '']);
  assert.deepEqual(modes({ sharePids: true }), ['container:p0', 'container:p0', 'container:p0']);
  assert.deepEqual(modes({ hostNamespaces: ['network', 'pid', 'ipc'] }), ['container:p0', 'host', 'host']);
  const host = pause({ hostNamespaces: ['network', 'pid', 'ipc'], publish: [{ port: 80, hostPort: 80 }] });
  const { NetworkMode, IpcMode, PidMode, PortBindings } = host.HostConfig;
  assert.deepEqual([NetworkMode, IpcMode, PidMode, PortBindings], ['host', 'host', 'host', undefined]);
  assert.equal(host.NetworkingConfig, undefined);
});

test('an init is process 1 only where a member has processes of its own', () => {
  assert.equal(member().HostConfig.Init, true);
  assert.equal(member({}, { sharePids: true }).HostConfig.Init, false);
  assert.equal(member({ init: false }).HostConfig.Init, false);
});

test('nothing restarts by itself, fills the disk, or disables what the kernel does about memory', () => {
  for (const { HostConfig } of [pause(), member({ memoryBytes: 1e8 })]) {
    assert.deepEqual(HostConfig.RestartPolicy, { Name: 'no' });
    assert.deepEqual(HostConfig.LogConfig, { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } });
    assert.equal(HostConfig.OomKillDisable, undefined);
  }
  assert.equal(member().HostConfig.PidsLimit, 4096);
  assert.equal(member().HostConfig.OomScoreAdj, 300);
});

test('memory is limited without swap, cores as the Engine takes them or as the kernel does', () => {
  const { NanoCpus, CpuQuota, Memory, MemorySwap } = member({ nanoCpus: 2e9, memoryBytes: 1e8 }).HostConfig;
  assert.deepEqual([NanoCpus, CpuQuota, Memory, MemorySwap], [2e9, undefined, 1e8, 1e8]);
  const more = member({ nanoCpus: 3.2e9 }).HostConfig;
  assert.deepEqual(
    [more.NanoCpus, more.CpuPeriod, more.CpuQuota, more.Memory],
    [undefined, 100_000, 320_000, undefined],
  );
});

test('what the plan leaves open is left to the image', () => {
  const fields = ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'Healthcheck', 'StopSignal', 'StopTimeout'];
  assert.deepEqual(
    fields.filter((field) => field in member()),
    [],
  );
  const body = member({
    command: ['a'],
    entrypoint: [],
    user: '1',
    workdir: '/w',
    healthcheck: { test: ['true'], intervalMs: 1000, timeoutMs: 2000, retries: 4, startPeriodMs: 0 },
    stopSignal: 'SIGINT',
    stopTimeoutS: 0,
  });
  assert.deepEqual(
    fields.map((field) => body[field]),
    [
      ['a'],
      [],
      '1',
      '/w',
      { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 2e9, Retries: 4, StartPeriod: 0 },
      'SIGINT',
      0,
    ],
  );
});

test('volumes, host paths and devices are given as they are planned', () => {
  const { Mounts, Devices } = member({
    volumes: [{ volume: 'tidegate-t-shop-data', path: '/data', readonly: true }],
    binds: [{ source: '/srv', path: '/srv', readonly: false }],
    devices: ['/dev/fuse', '/dev/sda:/dev/xvda:r', '/dev/null:rw'],
  }).HostConfig;
  assert.deepEqual(Mounts, [
    { Type: 'volume', Source: 'tidegate-t-shop-data', Target: '/data', ReadOnly: true },
    { Type: 'bind', Source: '/srv', Target: '/srv', ReadOnly: false },
  ]);
  assert.deepEqual(Devices, [
    { PathOnHost: '/dev/fuse', PathInContainer: '/dev/fuse', CgroupPermissions: 'rwm' },
    { PathOnHost: '/dev/sda', PathInContainer: '/dev/xvda', CgroupPermissions: 'r' },
    { PathOnHost: '/dev/null', PathInContainer: '/dev/null', CgroupPermissions: 'rw' },
  ]);
});

test('a port may be bound to several of the host, or to one that the Engine chooses', () => {
  const { PortBindings } = pause({
    publish: [
      { port: 80, hostPort: 8001 },
      { port: 80, hostPort: 8002 },
      { port: 81, hostPort: null },
    ],
  }).HostConfig;
  assert.deepEqual(PortBindings, {
    '80/tcp': [{ HostPort: '8001' }, { HostPort: '8002' }],
    '81/tcp': [{ HostPort: '' }],
  });
});
