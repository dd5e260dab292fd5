/**
 * Where probes are run: something that listens, a byte-logging replica behind it, and a client on a bare socket. After each
 * probe a request of its own shows that everything forwarded has arrived and that nothing was left behind.
 */
import { connect } from 'node:net';
import { type ByteLog, type Sight, sightOf } from './byte-log.ts';
import { NodeReader, type ReadMessage } from './node-reader.ts';
import { CANARY_OCTETS, type Probe } from './probe.ts';

/** Long for what takes a millisecond: a probe that runs into it has hung. */
const PATIENCE_MS = 4000;

export interface BenchPlace {
  readonly port: number;
  readonly replica: ByteLog;
}

/** What a client got on one connection. */
export interface Received {
  readonly octets: string;
  /** Answers as Node's parser reads them, the informational ones too. */
  readonly answers: readonly ReadMessage[];
  /** What Node's parser refused them with, or ''. */
  readonly error: string;
  readonly end: 'ended' | 'reset' | 'stalled';
}

export interface Observation {
  readonly received: Received;
  /** Without the request that closed the probe. */
  readonly seen: Sight;
  /** What went wrong with that request, or ''. */
  readonly after: string;
}

export interface Asking {
  /** Methods of the requests in `octets`, as far as their answers are read differently. */
  readonly isHead?: boolean;
  readonly ends?: boolean;
  /** Stop as soon as this holds, and hang up. */
  readonly until?: (answers: readonly ReadMessage[]) => boolean;
  readonly patienceMs?: number;
}

/** Sends octets on a connection of their own and reads until it is over. */
export function ask(port: number, octets: string, asking: Asking = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const parts: Buffer[] = [];
    let answers = 0;
    const reader = new NodeReader('response', { answersHead: () => answers++ === 0 && asking.isHead === true });
    let ended = false;
    const timer = setTimeout(() => finish('stalled'), asking.patienceMs ?? PATIENCE_MS);
    const finish = (end: Received['end']): void => {
      clearTimeout(timer);
      socket.destroy();
      if (end === 'ended') reader.end();
      const { messages, error } = reader;
      resolve({ octets: Buffer.concat(parts).toString('latin1'), answers: messages, error, end });
    };
    socket.on('connect', () => {
      socket.write(octets, 'latin1');
      if (asking.ends === true) socket.end();
    });
    socket.on('data', (part) => {
      parts.push(part);
      reader.read(part);
      if (asking.until?.(reader.messages) === true) finish('ended');
    });
    socket.on('end', () => {
      ended = true;
      finish('ended');
    });
    socket.on('error', (error) => {
      if (socket.connecting || parts.length + socket.bytesWritten < 0) reject(error);
    });
    socket.on('close', () => {
      if (!ended) finish('reset');
    });
  });
}

let sentinels = 0;

/** Runs one probe. */
export async function observe(place: BenchPlace, probe: Probe): Promise<Observation> {
  const { port, replica } = place;
  replica.take();
  const octets = probe.ends === true ? probe.octets : probe.octets + CANARY_OCTETS;
  const isHead = probe.octets.startsWith('HEAD ');
  const received = await ask(port, octets, { isHead, ends: probe.ends === true });
  return { received, ...(await lookBehind(place)) };
}

/** A request of its own after everything else, and what the replica has seen until then. */
export async function lookBehind(place: BenchPlace): Promise<Pick<Observation, 'seen' | 'after'>> {
  const { port, replica } = place;
  const target = `/sentinel/${++sentinels}`;
  const closing = await ask(port, `GET ${target} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n`);
  const [answer] = closing.answers;
  const sight = replica.take();
  const requests = sight.requests.filter((request) => request.target !== target);
  const expected = sightOf({ method: 'GET', target, body: '' });
  const good =
    answer?.body === expected &&
    answer.status === 200 &&
    closing.answers.length === 1 &&
    sight.requests.length === requests.length + 1;
  const after = good
    ? ''
    : `the request behind it got ${JSON.stringify(closing.octets.slice(0, 300))} (${closing.end})`;
  return { seen: { ...sight, requests }, after };
}
