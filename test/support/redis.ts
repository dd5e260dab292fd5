/** A real Redis on a free port with a folder of its own, which survives its being killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { endWithUs, killed } from './child-end.ts';
import { freePorts } from './pebble.ts';
import { until } from './until.ts';

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #settings: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
    this.#folder = mkdtempSync(path.join(tmpdir(), 'tidegate-redis-'));
  }

  /** @param settings as on its command line, such as `--requirepass secret` */
  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const [port = 0] = await freePorts(1);
    const server = new RedisServer(port, settings);
    await server.run();
    return server;
  }

  /** @param db each has keys of its own */
  url(db = 0): string {
    return `redis://127.0.0.1:${this.port}/${db}`;
  }

  async run(): Promise<void> {
    const child = spawn(
      'redis-server',
      [
        ...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''],
        ...['--appendonly', 'yes', '--appendfsync', 'always', '--loglevel', 'warning', ...this.#settings],
      ],
      { stdio: 'ignore' },
    );
    this.#process = child;
    endWithUs(child);
    await until(() => this.#answers(), { what: 'Redis answers' });
  }

  async kill9(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child !== null) await killed(child);
  }

  /** Stands still, connections stay open. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill9();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', () => socket.write('PING\r\n'));
      socket.once('data', (said) => {
        socket.destroy();
        // While it reads its file back it says so.
        resolve(!String(said).startsWith('-LOADING'));
      });
      socket.once('error', reject);
    });
  }
}
