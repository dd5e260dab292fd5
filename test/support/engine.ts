/**
 * A Docker Engine for tests: a dockerd of its own that sees nobody's containers and that nobody else sees. It may be
 * stopped, killed and frozen, and it goes with the process that started it, however that ends.
 *
 *     const engine = await startTestEngine();
 *     after(() => engine.close());
 *     const hello = await runHello(engine, { name: 'hello', labels: { 'tidegate.app': 'hello' } });
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { ensureHello } from '../../setup/images.js';
import { type Ground, sweepGround, takeGround, thawContainers } from './engine-ground.ts';
import { isAlive, sendSignal } from './system-processes.ts';
import { until } from './until.ts';

const JANITOR = fileURLToPath(new URL('./engine-janitor.ts', import.meta.url));
const DAEMON = 'dockerd';
const CONFIG = 'daemon.json';
const READY_MS = 60_000;
const PING_MS = 1000;
const STOP_MS = 20_000;
const TIDY_MS = 15_000;
const LOG_TAIL_CHARS = 2000;
const BUILT_IN_NETWORKS = ['bridge', 'host', 'none'];

export interface TestEngineOptions {
  /** Containers outlive the daemon. */
  readonly liveRestore?: boolean;
  /**
   * It keeps networks apart by the machine's firewall, as an Engine does by default. For that it has a network namespace
   * of its own: its containers cannot be reached from the test, other than by `exec`.
   */
  readonly firewall?: boolean;
  /** Where it listens beside its socket, as for `dockerd -H`. */
  readonly hosts?: readonly string[];
  /** More arguments for dockerd. */
  readonly args?: readonly string[];
}

/**
 * Starts an Engine; it is ready when this returns.
 *
 * Environment: `TEST_ENGINE_ROOT` names a folder where data roots, and so images, are kept for the next Engine; without
 * it every Engine starts with none.
 */
export async function startTestEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  if (process.getuid?.() !== 0) throw new Error('a test Engine needs root');
  const ground = await takeGround(process.env.TEST_ENGINE_ROOT || null, options.firewall);
  const engine = new TestEngine(ground, options);
  try {
    await engine.start();
    await engine.reset();
    return engine;
  } catch (error) {
    await engine.close();
    throw error;
  }
}

export class TestEngine implements AsyncDisposable {
  readonly docker: Docker;
  /** `unix:///…` */
  readonly socket: string;
  readonly socketPath: string;
  readonly bridge: string;
  readonly logFile: string;
  readonly images = {
    /** Makes the example's image on first need. @returns its name */
    hello: (): Promise<string> => ensureHello({ socketPath: this.socketPath }),
  };
  readonly #ground: Ground;
  readonly #options: TestEngineOptions;
  readonly #janitor: ChildProcess;
  #daemon: ChildProcess | null = null;

  constructor(ground: Ground, options: TestEngineOptions) {
    this.#ground = ground;
    this.#options = options;
    this.socketPath = path.join(ground.folder, 'docker.sock');
    this.socket = `unix://${this.socketPath}`;
    this.bridge = ground.bridge;
    this.logFile = path.join(ground.folder, 'log');
    this.docker = new Docker({ socketPath: this.socketPath });
    this.#janitor = spawn(process.execPath, [JANITOR, ground.folder], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#janitor.unref();
    // A pipe that is open must not keep a finished test file alive.
    (this.#janitor.stdin as unknown as { unref(): void }).unref();
  }

  /** @throws Error while it is not running */
  get pid(): number {
    const pid = this.#daemon?.pid;
    if (pid === undefined || !isAlive(pid)) throw new Error('the test Engine is not running');
    return pid;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    writeFileSync(path.join(this.#ground.folder, CONFIG), '{}'); // so that the machine's own is not read
    const log = openSync(this.logFile, 'a');
    const { netns } = this.#ground;
    const [program = '', ...more] = [...(netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`]), DAEMON];
    const daemon = spawn(program, [...more, ...this.#arguments()], { detached: true, stdio: ['ignore', log, log] });
    this.#daemon = daemon;
    daemon.unref();
    let failure = '';
    daemon.once('error', (error) => {
      failure = String(error);
    });
    daemon.once('exit', (code, signal) => {
      failure = `dockerd ended with ${signal ?? code}`;
    });
    await until(async () => failure !== '' || (await this.#answers()), {
      timeoutMs: READY_MS,
      what: 'the test Engine answers',
    });
    if (failure) throw new Error(`${failure}\n${readFileSync(this.logFile, 'utf8').slice(-LOG_TAIL_CHARS)}`);
  }

  /** Sends a signal to dockerd alone: not to containerd, not to containers. */
  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** SIGTERM, and waits for its end. Containers end with it unless `liveRestore` is set. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** SIGKILL to dockerd; containers stay. Returns when it and its containerd are gone. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Stops the daemon if it runs, and starts it. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Removes all containers, also frozen ones, user networks and volumes. Images stay. */
  async reset(): Promise<void> {
    thawContainers(this.#ground);
    const containers = await this.docker.listContainers({ all: true });
    await Promise.all(containers.map(({ Id }) => gone(this.docker.getContainer(Id).remove({ force: true, v: true }))));
    const networks = (await this.docker.listNetworks()).filter(({ Name }) => !BUILT_IN_NETWORKS.includes(Name));
    await Promise.all(networks.map(({ Id }) => gone(this.docker.getNetwork(Id).remove())));
    const { Volumes } = await this.docker.listVolumes();
    await Promise.all((Volumes ?? []).map(({ Name }) => gone(this.docker.getVolume(Name).remove())));
  }

  /** Ends everything: containers, daemon, mounts, bridges, folders. Does not fail when some of it is gone already. */
  async close(): Promise<void> {
    try {
      if (this.#daemon?.pid !== undefined) sendSignal(this.#daemon.pid, 'SIGCONT');
      if (await this.#answers()) await Promise.race([this.reset(), expired(TIDY_MS)]);
      await this.stop();
    } catch {} // a daemon that no longer does what it is told: the sweep needs nothing of it
    await sweepGround(this.#ground);
    this.#janitor.ref();
    this.#janitor.stdin?.end();
    if (this.#janitor.exitCode === null && this.#janitor.signalCode === null) await once(this.#janitor, 'exit');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #arguments(): string[] {
    const { folder, dataRoot, bridge, cgroup } = this.#ground;
    const { liveRestore = false, firewall = false, hosts = [], args = [] } = this.#options;
    return [
      ['--data-root', dataRoot],
      ['--exec-root', path.join(folder, 'exec')],
      ['--pidfile', path.join(folder, 'pid')],
      ['--config-file', path.join(folder, CONFIG)],
      [this.socket, ...hosts].flatMap((host) => ['-H', host]),
      ['--bridge', bridge],
      firewall ? [] : ['--iptables=false', '--ip6tables=false', '--ip-masq=false', '--ip-forward=false'],
      ['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${cgroup}`],
      liveRestore ? ['--live-restore'] : [],
      args,
    ].flat();
  }

  async #answers(): Promise<boolean> {
    if (!existsSync(this.socketPath)) return false;
    return Promise.race([this.docker.ping(), expired(PING_MS)]).then(
      () => true,
      () => false,
    );
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const daemon = this.#daemon;
    if (daemon?.pid === undefined) return;
    const { pid } = daemon;
    const containerdPid = Number(readIfThere(path.join(this.#ground.folder, 'exec/containerd/containerd.pid')));
    sendSignal(pid, signal);
    await until(() => !isAlive(pid), { timeoutMs: STOP_MS, what: `dockerd has ended after ${signal}` });
    if (containerdPid > 0) await until(() => !isAlive(containerdPid), { what: 'containerd has ended' });
    // What a killed daemon leaves would stop the next one.
    rmSync(path.join(this.#ground.folder, 'exec/containerd/containerd.pid'), { force: true });
    rmSync(path.join(this.#ground.folder, 'pid'), { force: true });
    this.#daemon = null;
  }
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** An object that somebody else removes at the same moment (`AutoRemove`, a test) is gone as well. */
async function gone(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404 && error.statusCode !== 409) throw error;
  });
}

function expired(ms: number): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms).unref();
  });
}
