/**
 * A command that runs in a container, joined to the terminal or pipes of whoever asked for it. What was changed of the
 * terminal is undone however it ends.
 */
import WebSocket from 'ws';
import { EXEC_CHANNEL, EXEC_PROTOCOL, type ExecStatus, execMessage } from '#core/exec-protocol';
import type { Sink, World } from './world.ts';

/** What is waiting to be sent: beyond it the input is not read on. */
const UNSENT_MAX_BYTES = 262_144;
const SENT_CHECK_MS = 10;

export interface ExecTerminalOptions {
  /** `ws://…` or `wss://…`, with the ticket. */
  readonly url: string;
  readonly world: Pick<World, 'stdin' | 'stdout' | 'stderr' | 'interrupted' | 'clock'>;
  /** The input goes to the command. */
  readonly input: boolean;
  /** Every key does, as it is typed. */
  readonly tty: boolean;
}

/** @returns what the server said last; null: the connection was lost before it did. @throws Error when it cannot be opened */
export async function runInTerminal({ url, world, input, tty }: ExecTerminalOptions): Promise<ExecStatus | null> {
  const { stdin, stdout, stderr, interrupted, clock } = world;
  const socket = new WebSocket(url, EXEC_PROTOCOL, { perMessageDeflate: false });
  let status: ExecStatus | null = null;
  let opened = false;
  const over = Promise.withResolvers<void>();
  const undo: (() => void)[] = [];
  const send = (channel: number, payload: Uint8Array | string): void => socket.send(execMessage(channel, payload));

  const onInput = (bytes: Buffer): void => {
    send(EXEC_CHANNEL.stdin, bytes);
    if (socket.bufferedAmount > UNSENT_MAX_BYTES) stdin.pause();
    const goOn = (): void => {
      if (socket.bufferedAmount > UNSENT_MAX_BYTES) clock.after(SENT_CHECK_MS, goOn);
      else if (socket.readyState === socket.OPEN) stdin.resume();
    };
    if (stdin.isPaused()) goOn();
  };
  const onEnd = (): void => send(EXEC_CHANNEL.stdin, '');
  const onResize = (): void => {
    if (stdout.columns && stdout.rows)
      send(EXEC_CHANNEL.resize, JSON.stringify({ cols: stdout.columns, rows: stdout.rows }));
  };

  socket.on('open', () => {
    opened = true;
    if (tty && stdin.isTTY === true) {
      stdin.setRawMode?.(true);
      undo.push(() => stdin.setRawMode?.(false));
    }
    if (tty) {
      stdout.on?.('resize', onResize);
      undo.push(() => stdout.off?.('resize', onResize));
    }
    if (!input) {
      onEnd();
      return;
    }
    stdin.on('data', onInput).on('end', onEnd);
    undo.push(() => stdin.off('data', onInput).off('end', onEnd).pause());
  });
  socket.on('message', (data: Buffer) => {
    const payload = data.subarray(1);
    if (data[0] === EXEC_CHANNEL.stdout) write(stdout, payload, socket);
    else if (data[0] === EXEC_CHANNEL.stderr) write(stderr, payload, socket);
    else if (data[0] === EXEC_CHANNEL.status) status = JSON.parse(payload.toString()) as ExecStatus;
  });
  socket.on('close', () => over.resolve());
  socket.on('error', (error) => (opened ? over.resolve() : over.reject(error)));
  const onInterrupt = (): void => socket.terminate();
  interrupted.addEventListener('abort', onInterrupt, { once: true });
  undo.push(() => interrupted.removeEventListener('abort', onInterrupt));
  try {
    await over.promise;
    return status;
  } finally {
    for (const step of undo.reverse()) step();
  }
}

/** A sink that is full is given nothing more until it has drained. */
function write(sink: Sink, bytes: Buffer, socket: WebSocket): void {
  if (sink.write(bytes) !== false || sink.on === undefined) return;
  socket.pause();
  const onDrain = (): void => {
    sink.off?.('drain', onDrain);
    socket.resume();
  };
  sink.on('drain', onDrain);
}
