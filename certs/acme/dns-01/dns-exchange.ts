/**
 * One DNS message to a server and its answer back, over TCP (RFC 7766): a length of two bytes goes before each. TCP because
 * an update has to come to its whole size, and because nobody answers for a server who cannot see what was asked.
 */
import { connect } from 'node:net';
import type { Clock } from '#core/clock';

const LENGTH_BYTES = 2;

export interface DnsExchangeOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  /** From the look-up of the host to the last byte of the answer. */
  readonly deadlineMs: number;
}

/**
 * @throws Error when there is no answer, in words that say how far it came; the reason of the signal when that aborts
 */
export function exchange(
  message: Buffer,
  { host, port, clock, deadlineMs }: DnsExchangeOptions,
  signal: AbortSignal,
): Promise<Buffer> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let isConnected = false;
    const socket = connect({ host, port });
    const deadline = clock.after(deadlineMs, () => {
      end(new Error(`it ${isConnected ? 'has not answered' : 'could not be reached'} within ${deadlineMs / 1000} s`));
    });
    const onAbort = (): void => end(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    function end(outcome: unknown): void {
      deadline.cancel();
      signal.removeEventListener('abort', onAbort);
      socket.destroy();
      if (Buffer.isBuffer(outcome)) resolve(outcome);
      else reject(outcome);
    }
    // One that stands for several addresses has no words of its own.
    socket.on('error', (error) => end(error instanceof AggregateError ? (error.errors[0] ?? error) : error));
    socket.on('close', () => end(new Error('it hung up before it had answered')));
    socket.on('connect', () => {
      isConnected = true;
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeUInt16BE(message.length);
      socket.write(Buffer.concat([length, message]));
    });
    socket.on('data', (part) => {
      parts.push(part);
      const heard = Buffer.concat(parts);
      const whole = heard.length < LENGTH_BYTES ? Number.POSITIVE_INFINITY : LENGTH_BYTES + heard.readUInt16BE(0);
      if (heard.length >= whole) end(heard.subarray(LENGTH_BYTES, whole));
    });
  });
}
