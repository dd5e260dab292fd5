/** What a clone takes over from its original, and what it must not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planClone } from '#docker/clone-plan';
import { inspectAnswer } from '#docker/inspect';

const ID = 'abcdef012345'.repeat(6).slice(0, 64);

interface Parts {
  readonly Config?: object;
  readonly HostConfig?: object;
  readonly Networks?: object;
}

function planOf(parts: Parts = {}, labels: Readonly<Record<string, string | null>> = {}) {
  const original = inspectAnswer({
    Id: ID,
    Name: '/shop-web-1',
    Image: 'sha256:1234',
    State: { Status: 'running' },
    Config: {
      Hostname: ID.slice(0, 12),
      Domainname: '',
      Image: 'shop:1.4',
      Env: ['PORT=8080'],
      Cmd: ['node', 'server.js'],
      Entrypoint: null,
      Labels: { 'tidegate.app': 'shop', keep: 'me' },
      ExposedPorts: { '8080/tcp': {} },
      ...parts.Config,
    },
    HostConfig: { NetworkMode: 'default', Memory: 1000, ...parts.HostConfig },
    NetworkSettings: { Networks: parts.Networks ?? { bridge: { NetworkID: 'n0', IPAddress: '172.17.0.2' } } },
  });
  const plan = planClone(original, 'shop:1.4', { name: 'shop-web-2', labels });
  const body: Readonly<Record<string, unknown>> = plan.body;
  return { ...plan, body, hostConfig: body.HostConfig as Readonly<Record<string, unknown>> };
}

test('what makes the container what it is, is kept', () => {
  const { name, body, hostConfig } = planOf({
    HostConfig: { Binds: ['data:/data', '/etc/shop:/etc/shop:ro'], Memory: 1000 },
  });
  assert.equal(name, 'shop-web-2');
  assert.equal(body.Image, 'shop:1.4');
  assert.deepEqual(body.Env, ['PORT=8080']);
  assert.deepEqual(body.Cmd, ['node', 'server.js']);
  assert.deepEqual(body.ExposedPorts, { '8080/tcp': {} });
  assert.equal(hostConfig.Memory, 1000);
  assert.deepEqual(hostConfig.Binds, ['data:/data', '/etc/shop:/etc/shop:ro']);
});

test('what can exist only once is not', () => {
  const { body, hostConfig } = planOf({
    Config: { MacAddress: '02:42:ac:11:00:02' },
    HostConfig: {
      PortBindings: { '8080/tcp': [{ HostIp: '', HostPort: '80' }] },
      PublishAllPorts: true,
      AutoRemove: true,
      ContainerIDFile: '/run/shop.cid',
    },
  });
  assert.equal('Hostname' in body, false);
  assert.equal('MacAddress' in body, false);
  assert.deepEqual(hostConfig.PortBindings, {});
  assert.equal(hostConfig.PublishAllPorts, false);
  assert.equal(hostConfig.AutoRemove, false);
  assert.equal(hostConfig.ContainerIDFile, '');
});

test('anonymous volumes are declared again, so that the Engine makes new ones', () => {
  const { body } = planOf({ Config: { Volumes: { '/cache': {} } } });
  assert.deepEqual(body.Volumes, { '/cache': {} });
});

test('labels are added, replaced, and taken away', () => {
  const { body } = planOf({}, { 'tidegate.app': 'other', added: 'yes', keep: null, never: null });
  assert.deepEqual(body.Labels, { 'tidegate.app': 'other', added: 'yes' });
});

test('an entrypoint is kept, and none stays none', () => {
  assert.deepEqual(planOf({ Config: { Entrypoint: ['/init'] } }).body.Entrypoint, ['/init']);
  assert.deepEqual(planOf({ Config: { Entrypoint: null } }).body.Entrypoint, ['']);
  assert.deepEqual(planOf({ Config: { Entrypoint: [] } }).body.Entrypoint, ['']);
});

test('on the default bridge there is nothing to join', () => {
  const { body, hostConfig, joins } = planOf();
  assert.equal(hostConfig.NetworkMode, 'bridge');
  assert.equal(body.NetworkingConfig, undefined);
  assert.deepEqual(joins, []);
});

test('user networks keep their aliases, without addresses and without the name and id of the original', () => {
  const { body, joins } = planOf({
    HostConfig: { NetworkMode: 'front' },
    Networks: {
      back: { NetworkID: 'n2', Aliases: ['db-client', ID.slice(0, 12)], DriverOpts: { a: 'b' } },
      front: {
        NetworkID: 'n1',
        IPAMConfig: { IPv4Address: '10.0.0.9' },
        MacAddress: '02:42:0a:00:00:09',
        IPAddress: '10.0.0.9',
        Links: ['db:db'],
        Aliases: ['web', 'shop-web-1', ID.slice(0, 12)],
      },
    },
  });
  assert.deepEqual(body.NetworkingConfig, { EndpointsConfig: { front: { Aliases: ['web'], Links: ['db:db'] } } });
  assert.deepEqual(joins, [{ network: 'back', endpoint: { Aliases: ['db-client'], DriverOpts: { a: 'b' } } }]);
});

test('a container of the default bridge that joined a user network later joins it again', () => {
  const { body, joins } = planOf({ Networks: { bridge: {}, front: { Aliases: null } } });
  assert.equal(body.NetworkingConfig, undefined);
  assert.deepEqual(joins, [{ network: 'front', endpoint: { Aliases: [] } }]);
});

test('a container of a user network that joined the default bridge later joins it without aliases', () => {
  const { joins } = planOf({
    HostConfig: { NetworkMode: 'front' },
    Networks: { bridge: { Aliases: ['x'] }, front: {} },
  });
  assert.deepEqual(joins, [{ network: 'bridge', endpoint: { Aliases: [] } }]);
});

test('a network that was given by its id is joined by its name', () => {
  const { body, hostConfig } = planOf({ HostConfig: { NetworkMode: 'n1' }, Networks: { front: { NetworkID: 'n1' } } });
  assert.equal(hostConfig.NetworkMode, 'front');
  assert.deepEqual(body.NetworkingConfig, { EndpointsConfig: { front: { Aliases: [] } } });
});

test('one that lives in the network of another container exposes no ports itself', () => {
  const { body, hostConfig, joins } = planOf({ HostConfig: { NetworkMode: `container:${ID}` }, Networks: {} });
  assert.equal(hostConfig.NetworkMode, `container:${ID}`);
  assert.equal('ExposedPorts' in body, false);
  assert.deepEqual(joins, []);
});

test('the network of the host is used again', () => {
  const { body, hostConfig, joins } = planOf({ HostConfig: { NetworkMode: 'host' }, Networks: { host: {} } });
  assert.equal(body.NetworkingConfig, undefined);
  assert.equal(hostConfig.NetworkMode, 'host');
  assert.deepEqual(joins, []);
});
