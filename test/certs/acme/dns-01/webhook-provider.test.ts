/** The webhook is told what to set and what to clear, with its secret, and asked again only where that can help. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { challengeName } from '#certs/acme/dns-01/challenge-name';
import { WebhookProvider } from '#certs/acme/dns-01/webhook-provider';
import { openResolvers } from '#certs/dns/resolver';
import { DnsServer } from '#test/support/dns-server';
import { FakeClock } from '#test/support/fake-clock';

const NEVER = new AbortController().signal;

test('it is told which value to set and to clear, with its secret', async () => {
  await using hook = await Hook.start([200, 204]);
  const provider = hook.provider('secret');
  await provider.set('_acme-challenge.a.test', 'value', NEVER);
  await provider.clear('_acme-challenge.a.test', 'value', NEVER);
  assert.deepEqual(hook.heard, [
    'POST Bearer secret {"action":"set","name":"_acme-challenge.a.test","value":"value"}',
    'POST Bearer secret {"action":"clear","name":"_acme-challenge.a.test","value":"value"}',
  ]);
  assert.doesNotMatch(provider.name, /secret/);
});

test('what it refuses is not asked for again, and its words are passed on', async () => {
  await using hook = await Hook.start([403]);
  await assert.rejects(hook.provider('secret').set('a.test', 'v', NEVER), /403 no, Bearer …$/);
  assert.equal(hook.heard.length, 1);
});

test('what it fails at is asked for three times in all', async () => {
  await using hook = await Hook.start([500, 502, 200, 500, 500, 500]);
  const provider = hook.provider(null);
  await hook.during(provider.set('a.test', 'v', NEVER));
  assert.equal(hook.heard.length, 3);
  await assert.rejects(hook.during(provider.set('a.test', 'v', NEVER)), /500/);
  assert.equal(hook.heard.length, 6);
});

test('a secret is not carried on to where it redirects', async () => {
  await using hook = await Hook.start([307, 200]);
  await assert.rejects(hook.provider('secret').set('a.test', 'v', NEVER), /307/);
  assert.equal(hook.heard.length, 1);
});

test('the challenge of a name that is an alias is answered where it leads', async () => {
  await using dns = await DnsServer.start();
  const resolvers = openResolvers([dns.address]);
  dns.fail('_acme-challenge.broken.test', 'servfail');
  await assert.rejects(challengeName('broken.test', resolvers), /no resolver/);
  assert.equal(await challengeName('*.a.test', resolvers), '_acme-challenge.a.test');
  dns.set('_acme-challenge.a.test', 'CNAME', ['a.acme.edge.test']);
  dns.set('a.acme.edge.test', 'CNAME', ['b.acme.edge.test']);
  assert.equal(await challengeName('a.test', resolvers), 'b.acme.edge.test');
  dns.set('b.acme.edge.test', 'CNAME', ['_acme-challenge.a.test']);
  await assert.rejects(challengeName('a.test', resolvers), /_acme-challenge\.a\.test/);
});

class Hook implements AsyncDisposable {
  readonly heard: string[] = [];
  readonly #server;
  readonly #clock = new FakeClock();

  private constructor(statuses: number[]) {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => {
        body += part;
      });
      request.on('end', () => {
        this.heard.push(`${request.method} ${request.headers.authorization ?? '-'} ${body}`);
        const status = statuses.shift() ?? 500;
        response.writeHead(status, status === 307 ? { location: '/elsewhere' } : {});
        response.end(status === 204 ? undefined : `no, ${request.headers.authorization}`);
      });
    });
  }

  static async start(statuses: number[]): Promise<Hook> {
    const hook = new Hook(statuses);
    await new Promise<void>((resolve) => hook.#server.listen(0, '127.0.0.1', resolve));
    return hook;
  }

  provider(secret: string | null): WebhookProvider {
    const { port } = this.#server.address() as AddressInfo;
    return new WebhookProvider({ url: `http://127.0.0.1:${port}/`, secret, clock: this.#clock });
  }

  /** Lets time pass until it has come to an end. */
  async during(work: Promise<void>): Promise<void> {
    let over = false;
    const ended = work.finally(() => {
      over = true;
    });
    ended.catch(() => {});
    while (!over) await this.#clock.advance(1000);
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
