/** Who has proved a hostname has it; labels get what nobody has proved, as far as they are trusted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { EventDraft } from '#core/event';
import { DEFAULT_POLICY, type SetSnapshot, setKey } from '#core/set';
import { RouteTable } from '#router/route-table';
import { FakeClock } from '#test/support/fake-clock';
import { type DomainRoute, DomainRoutes } from '../../domain-routes.ts';

class Scene {
  readonly domains: DomainRoute[] = [];
  readonly events: EventDraft[] = [];
  readonly table = new RouteTable({ clock: new FakeClock(), random: () => 0 });
  readonly routes: DomainRoutes;

  constructor(labelTrust: 'all' | 'verified' = 'all') {
    this.routes = new DomainRoutes({
      labelTrust,
      baseDomain: 'base.test',
      emit: (event) => this.events.push(event),
      apply: (snapshot) => void this.table.apply(snapshot),
      proved: {
        ownerOf: (hostname) => this.domains.find((one) => one.hostname === hostname)?.tenant ?? null,
        routes: () => this.domains,
      },
    });
  }

  prove(tenant: string, hostname: string, to: Partial<DomainRoute> = {}): void {
    this.domains.push({ tenant, hostname, app: 'shop', set: null, path: '/', ...to });
    this.routes.refresh();
  }

  drop(hostname: string): void {
    this.domains.splice(0, Infinity, ...this.domains.filter((one) => one.hostname !== hostname));
    this.routes.refresh();
  }

  servedBy(hostname: string, path = '/'): string | undefined {
    return this.table.lookup(hostname, path)?.pool.key;
  }
}

function snapshot(tenant: string, app: string, hosts: readonly string[], set = 'web'): SetSnapshot {
  const routes = hosts.map((hostname) => ({ hostname, path: '/', strip: false, port: null }));
  return { key: setKey(tenant, app, set), tenant, app, set, policy: DEFAULT_POLICY, routes, replicas: [] };
}

test('a verified domain leads to the main set of its app, as soon as there is one', () => {
  const scene = new Scene();
  scene.prove('a', 'shop.example.test');
  assert.equal(scene.servedBy('shop.example.test'), undefined);
  scene.routes.observe(snapshot('a', 'shop', ['shop.base.test']));
  assert.equal(scene.servedBy('shop.example.test'), 'a/shop/web');
  assert.equal(scene.servedBy('shop.base.test'), 'a/shop/web');
  scene.drop('shop.example.test');
  assert.equal(scene.servedBy('shop.example.test'), undefined);
});

test('it leads to the set it names, or to the only one, until the main one comes', () => {
  const scene = new Scene();
  scene.prove('a', 'any.example.test');
  scene.prove('a', 'api.example.test', { set: 'api', path: '/v1' });
  scene.routes.observe(snapshot('a', 'shop', [], 'api'));
  assert.equal(scene.servedBy('any.example.test'), 'a/shop/api');
  scene.routes.observe(snapshot('a', 'shop', []));
  assert.equal(scene.servedBy('any.example.test'), 'a/shop/web');
  assert.equal(scene.servedBy('api.example.test', '/v1/x'), 'a/shop/api');
  assert.equal(scene.servedBy('api.example.test', '/'), undefined);
  scene.routes.forget('a/shop/web');
  scene.table.remove('a/shop/web');
  assert.equal(scene.servedBy('any.example.test'), 'a/shop/api');
});

test('a label that was there first gives way to proof, and gets the hostname back with an event each time', () => {
  const scene = new Scene();
  scene.routes.observe(snapshot('b', 'thief', ['shop.example.test']));
  scene.routes.observe(snapshot('a', 'shop', []));
  assert.equal(scene.servedBy('shop.example.test'), 'b/thief/web');
  scene.prove('a', 'shop.example.test');
  assert.equal(scene.servedBy('shop.example.test'), 'a/shop/web');
  assert.deepEqual(
    scene.events.map(({ type, tenant, data }) => [type, tenant, data?.hostname]),
    [['route.refused', 'b', 'shop.example.test']],
  );
  scene.routes.observe(snapshot('b', 'thief', ['shop.example.test']));
  assert.equal(scene.events.length, 1);
  scene.drop('shop.example.test');
  assert.equal(scene.servedBy('shop.example.test'), 'b/thief/web');
});

test('labels that have to be verified serve the own names of their tenant alone', () => {
  const scene = new Scene('verified');
  scene.prove('a', 'proved.example.test', { app: 'elsewhere' });
  const hosts = ['shop.base.test', 'x.a.base.test', 'proved.example.test', 'x.b.base.test', 'any.example.test'];
  scene.routes.observe(snapshot('a', 'shop', hosts));
  assert.deepEqual(
    hosts.filter((one) => scene.servedBy(one) !== undefined),
    hosts.slice(0, 3),
  );
});

test('no order of labels and proofs gives a tenant what another one has proved', () => {
  const names = ['one.test', 'two.test', '*.one.test'];
  const tenants = ['a', 'b', 'c'];
  const step = fc.record({
    what: fc.constantFrom('label', 'prove', 'drop', 'forget'),
    tenant: fc.constantFrom(...tenants),
    name: fc.constantFrom(...names),
  });
  fc.assert(
    fc.property(
      fc.constantFrom('all' as const, 'verified' as const),
      fc.array(step, { maxLength: 30 }),
      (trust, steps) => {
        const scene = new Scene(trust);
        for (const { what, tenant, name } of steps) {
          const owner = scene.domains.find((one) => one.hostname === name)?.tenant;
          if (what === 'label') scene.routes.observe(snapshot(tenant, 'shop', [name]));
          else if (what === 'prove' && owner === undefined) scene.prove(tenant, name);
          else if (what === 'drop') scene.drop(name);
          else if (what === 'forget') {
            scene.routes.forget(setKey(tenant, 'shop', 'web'));
            scene.table.remove(setKey(tenant, 'shop', 'web'));
          }
          for (const { hostname, tenant: holder } of scene.domains) {
            const served = scene.servedBy(hostname.replace('*', 'x'));
            assert.ok(
              served === undefined || served.startsWith(`${holder}/`),
              `${hostname} of ${holder} goes to ${served}`,
            );
          }
        }
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test('what a tenant deploys over the API is served under its own names and its verified domains alone', () => {
  const scene = new Scene();
  const shares = [{ revision: 'r1', weight: 100, replicas: null, held: false }];
  scene.routes.observe({ ...snapshot('a', 'shop', ['shop.base.test', 'bank.example.test', 'x.a.base.test']), shares });
  assert.equal(scene.servedBy('shop.base.test'), 'a/shop/web');
  assert.equal(scene.servedBy('x.a.base.test'), 'a/shop/web');
  assert.equal(scene.servedBy('bank.example.test'), undefined);
  scene.prove('a', 'bank.example.test');
  assert.equal(scene.servedBy('bank.example.test'), 'a/shop/web');
  scene.routes.observe({ ...snapshot('default', 'own', ['own.example.test']), shares });
  assert.equal(scene.servedBy('own.example.test'), 'default/own/web');
});
