/** The hosts of the settings: an Engine for each, under a name of our own, and how its containers are reached. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { Log } from '#core/log';
import type { Reach } from '#discovery/addresses';
import { ownNetworks } from '#discovery/own-networks';
import { type DockerEngine, openEngine } from '#docker/docker-engine';
import type { Engine } from '#docker/engine';
import { readHostPressure } from '#docker/host-pressure';
import type { Memory, Part } from './memory.ts';
import { type MemoryReliefOptions, relieveMemory } from './memory-relief.ts';
import { MemoryRoom } from './memory-room.ts';

const LOCAL_HOST = 'local';

export interface Host {
  /** Unique among the hosts. */
  readonly host: string;
  readonly engine: DockerEngine;
  /** Where published ports of another machine are dialled; null: it is this machine. */
  readonly remote: string | null;
}

export interface HostTools {
  readonly clock: Clock;
  readonly log: Log;
  readonly memory: Pick<Memory, 'instance' | 'spares'>;
  /** A new id with a prefix. */
  readonly newId: (prefix: string) => string;
}

/** @throws TidegateError `config.invalid`, or the system's own error when a certificate cannot be read */
export function openHosts(
  config: Pick<Config, 'docker' | 'dockerCerts' | 'spares'>,
  { clock, log, memory, newId }: HostTools,
): readonly Host[] {
  const hosts: Host[] = [];
  for (const endpoint of config.docker) {
    const remote = endpoint.startsWith('tcp://') ? new URL(endpoint).hostname : null;
    const name = remote ?? LOCAL_HOST;
    const host = hosts.some((one) => one.host === name) ? `${name}-${hosts.length + 1}` : name;
    const certs = remote !== null && config.dockerCerts !== null ? { certs: readCerts(config.dockerCerts) } : {};
    const spares = { count: config.spares, instance: memory.instance, newId, book: memory.spares.of(host) };
    hosts.push({ host, remote, engine: openEngine({ endpoint, host, clock, log, ...certs, spares }) });
  }
  return hosts;
}

/** From now on what is kept on hosts for quick wakes is there, and gives way where memory is short. */
export function keepHosts(hosts: readonly Host[], options: Pick<MemoryReliefOptions, 'clock' | 'relieve'>): Part {
  const closing = new AbortController();
  for (const { engine } of hosts) engine.keepSpares();
  const visible = hosts.filter(({ remote }) => remote === null);
  const seen = visible.map(({ host }) => ({ host, pressure: () => readHostPressure() }));
  void relieveMemory({ ...options, hosts: seen, signal: closing.signal });
  return { name: 'what hosts keep', close: () => closing.abort() };
}

/** Bytes of memory for what nobody waits for, on the host where there is most of those whose memory can be seen; null: of none it can. */
export function memoryRoomOf(hosts: readonly Host[], clock: Clock): () => number | null {
  if (!hosts.some(({ remote }) => remote === null)) return () => null;
  const room = new MemoryRoom(clock, () => readHostPressure());
  return () => room.bytes;
}

/**
 * How the containers of each host are reached. Asked once, at the start: a gateway does not move between networks.
 * @param hostname of this process
 */
export async function reachesOf(
  hosts: readonly Host[],
  hostname: string,
): Promise<readonly { readonly engine: Engine; readonly reach: Reach }[]> {
  const local = hosts.find((one) => one.remote === null);
  const gatewayNetworks = local === undefined ? null : await ownNetworks(local.engine, hostname);
  return hosts.map(({ engine, remote }) => ({
    engine,
    reach:
      remote === null
        ? { bridgeReachable: true, gatewayNetworks, publishedHost: '127.0.0.1' }
        : { bridgeReachable: false, gatewayNetworks: null, publishedHost: remote },
  }));
}

function readCerts(folder: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string): Buffer => readFileSync(path.join(folder, name));
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
}
