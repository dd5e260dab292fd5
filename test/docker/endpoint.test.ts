/** Where an Engine is reached. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, test } from 'node:test';
import { isTidegateError } from '#core/errors';
import { Endpoint, type EngineCerts } from '#docker/endpoint';
import { FakeEngine } from './fake-engine.ts';

const CERTS: EngineCerts = { ca: pem('ca'), cert: pem('cert'), key: pem('key') };

const before = { ...process.env };
afterEach(() => {
  process.env = { ...before };
});

function pem(name: string): Buffer {
  return readFileSync(new URL(`./tls/${name}.pem`, import.meta.url));
}

for (const url of ['', 'unix://', 'unix://relative', 'http://127.0.0.1:2375', 'tcp://127.0.0.1', 'tcp://:2376']) {
  test(`"${url}" is no endpoint`, () => {
    assert.throws(
      () => new Endpoint(url, CERTS),
      (error) => isTidegateError(error, 'config.invalid'),
    );
  });
}

test('tcp:// without TLS material, or with a port that is none, is refused', () => {
  for (const make of [() => new Endpoint('tcp://127.0.0.1:2376'), () => new Endpoint('tcp://127.0.0.1:99999', CERTS)]) {
    assert.throws(make, (error) => isTidegateError(error, 'config.invalid'));
  }
});

test('only a unix socket may belong to an Engine on this machine', () => {
  assert.equal(new Endpoint('unix:///run/docker.sock').local, true);
  assert.equal(new Endpoint('tcp://127.0.0.1:2376', CERTS).local, false);
});

test('DOCKER_HOST and its kin do not lead elsewhere', async () => {
  await using fake = await FakeEngine.start();
  const elsewhere = http.createServer((_, response) => void response.end('"elsewhere"'));
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  process.env.DOCKER_HOST = `tcp://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
  process.env.DOCKER_PATH_PREFIX = '/prefix';
  process.env.DOCKER_CLIENT_TIMEOUT = '1';
  const endpoint = new Endpoint(fake.endpoint);
  try {
    await endpoint.client('1.41').listContainers();
    assert.equal(fake.asked.at(-1)?.path, '/v1.41/containers/json');
  } finally {
    endpoint.close();
    elsewhere.close();
  }
});

test('a DOCKER_HOST that cannot be read is named', () => {
  process.env.DOCKER_HOST = '//';
  assert.throws(
    () => new Endpoint('unix:///run/docker.sock').client(null),
    (error) => isTidegateError(error, 'config.invalid') && /DOCKER_HOST/.test(error.message),
  );
});

test('tcp:// proves itself to the Engine and has it prove itself', async () => {
  const asked: string[] = [];
  const server = https.createServer({ ...CERTS, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    asked.push(request.url ?? '');
    response.end('[]');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = new Endpoint(`tcp://127.0.0.1:${port}`, CERTS);
  const stranger = new Endpoint(`tcp://127.0.0.1:${port}`, { ...CERTS, ca: CERTS.cert });
  try {
    assert.deepEqual(await endpoint.client('1.44').listContainers(), []);
    assert.deepEqual(asked, ['/v1.44/containers/json']);
    await assert.rejects(stranger.client('1.44').listContainers());
    assert.equal(asked.length, 1);
  } finally {
    endpoint.close();
    stranger.close();
    server.close();
  }
});
