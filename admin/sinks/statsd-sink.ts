/** Metrics over UDP to a StatsD server. Whether it is there is known only where the network says so. */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { StatsdTarget } from '#core/metric-targets';
import type { MetricPicture, MetricSink } from './sink.ts';
import { StatsdLines } from './statsd-lines.ts';

/** So many are under way at a time. */
const BATCH = 16;

export class StatsdSink implements MetricSink {
  readonly name = 'statsd';
  readonly #target: StatsdTarget;
  readonly #lines: StatsdLines;

  constructor(target: StatsdTarget) {
    this.#target = target;
    this.#lines = new StatsdLines(target);
  }

  async send(picture: MetricPicture, signal: AbortSignal): Promise<{ refused: number }> {
    const datagrams = this.#lines.datagrams(picture);
    // The name is looked up each time: servers move.
    const { address } = await lookup(this.#target.host);
    signal.throwIfAborted();
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    try {
      socket.connect(this.#target.port, address);
      await once(socket, 'connect', { signal });
      let failure: Error | null = null;
      socket.on('error', (error) => {
        failure = error;
      });
      for (let i = 0; i < datagrams.length; i += BATCH) {
        signal.throwIfAborted();
        await Promise.all(datagrams.slice(i, i + BATCH).map((one) => handOver(socket, one)));
        if (failure !== null) throw failure;
      }
    } finally {
      socket.close();
    }
    this.#lines.took();
    return { refused: 0 };
  }
}

function handOver(socket: Socket, datagram: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(datagram, (error) => (error === null ? resolve() : reject(error)));
  });
}
