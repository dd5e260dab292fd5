/**
 * A real registry (Debian's `docker-registry`) on a free port of 127.0.0.1, which every Engine trusts over plain HTTP;
 * with a password for everything if wanted, and with its log of requests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import bcrypt from 'bcryptjs';
import type Docker from 'dockerode';
import { endWithUs, killed } from './child-end.ts';
import { freePorts } from './pebble.ts';
import { until } from './until.ts';

/** Fewer rounds than a real one: every request checks one. */
const BCRYPT_ROUNDS = 4;

export interface RegistryUser {
  readonly username: string;
  readonly password: string;
}

export class DockerRegistry implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #log = '';

  private constructor(port: number) {
    this.port = port;
    this.#folder = mkdtempSync(path.join(tmpdir(), 'tidegate-registry-'));
  }

  /** @param users who is let in; none: everybody is */
  static async start(users: readonly RegistryUser[] = []): Promise<DockerRegistry> {
    const [port = 0] = await freePorts(1);
    const registry = new DockerRegistry(port);
    const folder = registry.#folder;
    const lines = users.map((one) => `${one.username}:${bcrypt.hashSync(one.password, BCRYPT_ROUNDS)}\n`);
    writeFileSync(path.join(folder, 'htpasswd'), lines.join(''));
    const auth = users.length === 0 ? '' : `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`;
    const config = `version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: ${folder}/data}}
http: {addr: '127.0.0.1:${port}'}
${auth}`;
    writeFileSync(path.join(folder, 'config.yml'), config);
    await registry.run();
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Requests for layers and configurations since the last look, answered with them. */
  takeDownloads(): readonly string[] {
    const found = [...this.#log.matchAll(/"GET (\S+\/blobs\/sha256:[0-9a-f]+) HTTP\/1.1" (?:200|307)/g)];
    this.#log = '';
    return found.map(([, blob = '']) => blob);
  }

  async run(): Promise<void> {
    const child = spawn('docker-registry', ['serve', path.join(this.#folder, 'config.yml')], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
    });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        this.#log += String(chunk);
      });
    }
    endWithUs(child);
    await until(() => answers(this.port), { what: `the registry answers; it said ${this.#log}` });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child !== null) await killed(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Pushes an image that the Engine has, under another name, and takes that name off it again. */
export async function push(docker: Docker, image: string, name: string, user: RegistryUser | null): Promise<void> {
  const colon = name.lastIndexOf(':');
  await docker.getImage(image).tag({ repo: name.slice(0, colon), tag: name.slice(colon + 1) });
  const stream = await docker.getImage(name).push({ ...(user === null ? {} : { authconfig: { ...user } }) });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(stream, (error) => (error === null ? resolve() : reject(error)));
  });
  await docker.getImage(name).remove();
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/v2/', agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 || response.statusCode === 401);
    });
    request.once('error', () => resolve(false));
  });
}
