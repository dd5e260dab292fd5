/** A Redis master with a replica of its own and three sentinels that watch it, all real, on free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { endWithUs, killed } from './child-end.ts';
import { freePorts } from './pebble.ts';
import { RedisServer } from './redis.ts';
import { until } from './until.ts';

const NAME = 'tide';
const SENTINELS = 3;
/** A master that says nothing for so long is taken for dead. */
const DOWN_MS = 1000;

export class RedisSentinels implements AsyncDisposable {
  readonly servers: readonly RedisServer[];
  readonly #ports: readonly number[];
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'tidegate-sentinels-'));
  readonly #processes: ChildProcess[] = [];

  private constructor(servers: readonly RedisServer[], ports: readonly number[]) {
    this.servers = servers;
    this.#ports = ports;
  }

  static async start(): Promise<RedisSentinels> {
    const master = await RedisServer.start();
    const replica = await RedisServer.start('--replicaof', `127.0.0.1 ${master.port}`);
    const group = new RedisSentinels([master, replica], await freePorts(SENTINELS));
    for (const port of group.#ports) group.#run(port, master.port);
    // A master waits five seconds for more replicas before it makes the first copy: until then there is none to fail over to.
    await until(() => hasCopy(replica), { what: 'the replica has what is on the master', timeoutMs: 30_000 });
    await until(() => group.#agree(), { what: 'the sentinels know each other and the replica', timeoutMs: 30_000 });
    return group;
  }

  /** As TIDEGATE_STORE has it. */
  get address(): string {
    return `redis+sentinel://${this.#ports.map((port) => `127.0.0.1:${port}`).join(',')}/${NAME}`;
  }

  /** Which of the servers the sentinels call the master. */
  async master(): Promise<RedisServer> {
    const said = (await call(this.#ports[0] ?? 0, 'SENTINEL', 'get-master-addr-by-name', NAME)) as string[];
    const found = this.servers.find(({ port }) => String(port) === said[1]);
    if (found === undefined) throw new Error(`the sentinels name ${said.join(':')}`);
    return found;
  }

  /** What the sentinels do with a master of before themselves, some ten seconds after it is back. */
  async makeReplica(server: RedisServer): Promise<void> {
    const { port } = await this.master();
    await call(server.port, 'REPLICAOF', '127.0.0.1', String(port));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(killed));
    for (const server of this.servers) await server[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(port: number, masterPort: number): void {
    const file = path.join(this.#folder, `${port}.conf`);
    const lines = [
      ...[`port ${port}`, 'bind 127.0.0.1', `dir ${this.#folder}`],
      `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${NAME} ${DOWN_MS}`,
      `sentinel failover-timeout ${NAME} 5000`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
    this.#processes.push(child);
    endWithUs(child);
  }

  async #agree(): Promise<boolean> {
    for (const port of this.#ports) {
      const others = (await call(port, 'SENTINEL', 'sentinels', NAME)) as unknown[];
      const replicas = (await call(port, 'SENTINEL', 'replicas', NAME)) as unknown[];
      if (others.length !== SENTINELS - 1 || replicas.length !== 1) return false;
    }
    return true;
  }
}

async function hasCopy({ port }: RedisServer): Promise<boolean> {
  const [, , , state] = (await call(port, 'ROLE')) as unknown[];
  return state === 'connected';
}

async function call(port: number, command: string, ...words: readonly string[]): Promise<unknown> {
  const redis = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => null });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await redis.call(command, ...words);
  } finally {
    redis.disconnect();
  }
}
