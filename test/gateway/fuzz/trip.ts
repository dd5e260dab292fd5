/** One connection of a fuzzing client from an address of its own: everything it sends at once or in pieces, and what it got. */
import { connect } from 'node:net';
import { NodeReader, type ReadMessage } from '../strictness/node-reader.ts';

/** Nothing here takes longer than some milliseconds: who waits so long waits for ever. */
const HANG_MS = 8000;

export interface TripOptions {
  readonly port: number;
  /** On the loopback network. */
  readonly from: string;
  readonly octets: Buffer;
  /** Where the octets are cut into writes of their own. */
  readonly cuts: readonly number[];
  /** Methods of the requests in order, for the reading of their answers. */
  readonly methods: readonly string[];
  /** Say that no more comes after this many final answers; null: leave that to the other side. */
  readonly answers: number | null;
}

export interface TripResult {
  /** Final ones, and 101. */
  readonly answers: readonly ReadMessage[];
  /** What Node's parser refused them with, or ''. */
  readonly error: string;
  readonly end: 'ended' | 'reset' | 'hung';
  readonly octets: string;
}

export function travel(options: TripOptions): Promise<TripResult> {
  return new Promise((resolve) => {
    const { port, from, octets, cuts, methods } = options;
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true, allowHalfOpen: true });
    const finals: ReadMessage[] = [];
    const got: Buffer[] = [];
    const reader = new NodeReader('response', {
      answersHead: () => methods[finals.length] === 'HEAD',
      onWhole: (answer) => {
        if (answer.status < 200 && answer.status !== 101) return;
        finals.push(answer);
        if (finals.length === options.answers) socket.end();
      },
    });
    let isOver = false;
    const timer = setTimeout(() => finish('hung'), HANG_MS);
    const finish = (end: TripResult['end']): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      if (end === 'ended') reader.end();
      socket.destroy();
      // A reader cannot be closed from within its own call.
      setImmediate(() => reader.close());
      const text = Buffer.concat(got).toString('latin1');
      resolve({ answers: finals, error: reader.error, end, octets: text });
    };
    socket.on('connect', () => {
      let at = 0;
      const next = (): void => {
        if (socket.destroyed) return;
        const to = cuts.find((cut) => cut > at) ?? octets.length;
        socket.write(octets.subarray(at, to));
        at = to;
        if (at < octets.length) setImmediate(next);
        else if (options.answers === 0) socket.end();
      };
      next();
    });
    socket.on('data', (part) => {
      got.push(part);
      if (!isOver) reader.read(part);
    });
    socket.on('end', () => finish('ended'));
    socket.on('error', () => {});
    socket.on('close', () => finish('reset'));
  });
}
