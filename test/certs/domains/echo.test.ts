/** An authority that came now would reach us, or the tenant is told what it would meet instead. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { test } from 'node:test';
import { inwardAddresses } from '#certs/dns/inward-addresses';
import { echo } from '#certs/domains/echo';
import { ChallengeAnswers } from '#gateway/challenge-answers';

const NAME = 'shop.example.test';

test('every address that answers for us is ours, and nothing is left on the board', async () => {
  const board = new ChallengeAnswers();
  await using server = await Answering.start((path, host) => (host === NAME ? board.answerFor('GET', path) : null));
  assert.deepEqual(
    await echo(NAME, ['127.0.0.1', '127.0.0.1'], { board, isReachable: () => true, ports: [server.port] }),
    [],
  );
  assert.equal(board.hasTokens, false);
});

test('where something else answers, and where nothing does, the address is named', async () => {
  const board = new ChallengeAnswers();
  await using other = await Answering.start(() => 'hello');
  const closed = await Answering.start(() => null);
  const { port } = closed;
  await closed[Symbol.asyncDispose]();
  const [wrong] = await echo(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [other.port] });
  const [unreachable] = await echo(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [port] });
  assert.deepEqual([wrong?.code, unreachable?.code], ['http.wrong_answer', 'http.port_unreachable']);
  for (const one of [wrong, unreachable]) assert.match(one?.detail ?? '', /127\.0\.0\.1/);
});

test('a port of our own counts where an authority may come to it', async () => {
  const board = new ChallengeAnswers();
  await using server = await Answering.start((path) => board.answerFor('GET', path));
  await using other = await Answering.start(() => 'hello');
  assert.deepEqual(
    await echo(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [other.port, server.port] }),
    [],
  );
});

test('nobody is made to knock at addresses that no authority could reach', async () => {
  const board = new ChallengeAnswers();
  await using server = await Answering.start((path) => board.answerFor('GET', path));
  const isInward = inwardAddresses();
  const isReachable = (address: string): boolean => !isInward(address);
  const [inward] = await echo(NAME, ['127.0.0.1'], { board, isReachable, ports: [server.port] });
  assert.deepEqual([inward?.code, server.count], ['http.port_unreachable', 0]);
  for (const one of ['10.1.2.3', '169.254.169.254', '192.168.0.1', '::1', 'fe80::1', 'fd00::1'])
    assert.ok(isInward(one), one);
  for (const one of ['192.0.2.1', '172.32.0.1', '2001:db8::1']) assert.ok(!isInward(one), one);
});

test('an endless answer is not read to its end', async () => {
  const board = new ChallengeAnswers();
  await using server = await Answering.start(() => 'x'.repeat(100_000));
  const [wrong] = await echo(NAME, ['127.0.0.1'], { board, isReachable: () => true, ports: [server.port] });
  assert.equal(wrong?.code, 'http.wrong_answer');
});

class Answering implements AsyncDisposable {
  readonly #server: Server;
  readonly port: number;
  count = 0;

  private constructor(server: Server) {
    this.#server = server;
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
  }

  static async start(answer: (path: string, host: string) => string | null): Promise<Answering> {
    const server = createServer((request, response) => {
      const text = answer(request.url ?? '', request.headers.host ?? '');
      response.writeHead(text === null ? 404 : 200).end(text ?? 'nothing here');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const answering = new Answering(server);
    server.on('request', () => answering.count++);
    return answering;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
