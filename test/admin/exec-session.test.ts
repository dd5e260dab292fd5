/** One command over one WebSocket: what ends it, and that nothing is left behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import WebSocket, { type WebSocket as Socket, WebSocketServer } from 'ws';
import { runExecSession } from '#admin/exec-session';
import { TidegateError } from '#core/errors';
import { EXEC_CHANNEL, execMessage } from '#core/exec-protocol';
import { silentLog } from '#core/log';
import type { RunningExec } from '#docker/exec';
import { FakeClock } from '#test/support/fake-clock';
import { until } from '#test/support/until';

/** A command that says nothing by itself, and notes what is done to it. */
class Command implements RunningExec {
  readonly done: string[] = [];
  readonly #ended = Promise.withResolvers<void>();

  // biome-ignore lint/correctness/useYield: it has no output
  async *output(): AsyncGenerator<{ stream: 'stdout'; bytes: Buffer }> {
    await this.#ended.promise;
  }

  end(): void {
    this.#ended.resolve();
  }

  async write(bytes: Buffer): Promise<void> {
    this.done.push(`write ${bytes}`);
  }

  endInput(): void {
    this.done.push('end of input');
  }

  async resize({ cols, rows }: { cols: number; rows: number }): Promise<void> {
    this.done.push(`resize ${cols}x${rows}`);
  }

  async signal(signal: string): Promise<void> {
    this.done.push(signal);
  }

  async exitCode(): Promise<number> {
    return 3;
  }

  async kill(): Promise<void> {
    this.done.push('kill');
  }
}

async function ground(t: TestContext, start?: () => Promise<RunningExec>) {
  const clock = new FakeClock();
  const command = new Command();
  const token = new AbortController();
  const touches: number[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: true });
  await once(server, 'listening');
  t.after(() => server.close());
  const connected = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as { port: number };
  const client = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
  client.on('error', () => {});
  t.after(() => client.terminate());
  const said: string[] = [];
  client.on('message', (data: Buffer) => void said.push(`${data[0]} ${data.subarray(1)}`));
  const closed = once(client, 'close').then(([code]) => code as number);
  const [socket] = await connected;
  if (client.readyState !== client.OPEN) await once(client, 'open');
  const over = runExecSession({
    socket,
    start: start ?? (async () => command),
    touch: () => void touches.push(clock.now()),
    ...{ clock, log: silentLog, endings: [token.signal] },
  });
  return { clock, command, token, touches, client, socket, said, closed, over };
}

test('what the client says reaches the command in order, and the exit code comes last', async (t) => {
  const { command, client, said, closed, over, clock } = await ground(t);
  const send = (channel: number, text: string): void => client.send(execMessage(channel, text));
  send(EXEC_CHANNEL.stdin, 'one');
  send(EXEC_CHANNEL.resize, '{"cols":10,"rows":20}');
  send(EXEC_CHANNEL.resize, '{"cols":-1,"rows":20}');
  send(EXEC_CHANNEL.resize, 'no JSON');
  send(EXEC_CHANNEL.signal, 'SIGINT');
  send(EXEC_CHANNEL.signal, 'SIGNONE');
  send(EXEC_CHANNEL.stdin, '');
  await until(() => command.done.includes('end of input'));
  assert.deepEqual(command.done, ['write one', 'resize 10x20', 'SIGINT', 'end of input']);
  command.end();
  assert.equal(await closed, 1000);
  await over;
  assert.deepEqual(said, ['3 {"exit_code":3}']);
  assert.ok(!command.done.includes('kill'));
  assert.equal(clock.pendingCount, 0);
});

test('a client that answers no ping is gone', async (t) => {
  const { clock, command, over, touches } = await ground(t);
  await clock.advance(20_000);
  assert.ok(!command.done.includes('kill'));
  await clock.advance(20_000);
  await over;
  assert.deepEqual(command.done, ['kill']);
  assert.ok(touches.length >= 2, 'until then its set stays awake');
  assert.equal(clock.pendingCount, 0);
});

test('a command that nobody talks to ends after half an hour', async (t) => {
  const { clock, command, client, socket, over } = await ground(t);
  client.on('ping', () => client.pong());
  for (let i = 0; i < 89; i++) {
    const answered = once(socket, 'pong');
    await clock.advance(20_000);
    await answered;
  }
  assert.ok(!command.done.includes('kill'));
  await clock.advance(40_000);
  await over;
  assert.deepEqual(command.done, ['kill']);
});

test('a token that ends takes its commands with it', async (t) => {
  const { command, token, closed, over } = await ground(t);
  await until(() => command.done.length === 0);
  token.abort();
  await over;
  assert.equal(await closed, 1008);
  assert.deepEqual(command.done, ['kill']);
});

test('a command that cannot be begun says why, in the words of the Engine', async (t) => {
  const said409 = { status: 409, said: 'Container is paused' };
  const { said, closed, over } = await ground(t, async () => {
    throw new TidegateError('engine.refused', 'exec in 4f2a: Container is paused', { detail: said409 });
  });
  assert.equal(await closed, 1011);
  await over;
  assert.deepEqual(said, ['3 {"error":{"code":"engine.refused","detail":"Container is paused"}}']);
});

test('text, and channels that there are not, end it', async (t) => {
  for (const message of ['text', execMessage(9, 'x')]) {
    const { client, command, closed, over } = await ground(t);
    client.send(message);
    assert.equal(await closed, 1008);
    await over;
    assert.deepEqual(command.done, ['kill']);
  }
});
