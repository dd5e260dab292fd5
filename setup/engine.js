/**
 * A Docker Engine that answers: the one at hand, else one that is installed and started here. We never stop one, ours
 * or anybody's, and never start a second beside one that is there and silent.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, isInstalled } from './command.js';
import { engineCall } from './engine-call.js';
import { ensurePackages } from './packages.js';
import { progress } from './progress.js';
import { SetupError } from './setup-error.js';

const DAEMON = 'dockerd';

export const ENGINE_PACKAGES = [
  { name: 'docker.io', program: DAEMON },
  { name: 'iptables', program: 'iptables' },
];

const DEFAULT_ENDPOINT = 'unix:///var/run/docker.sock';
const PING_MS = 3000;
const STARTING_MS = 20_000;
const READY_MS = 60_000;
const POLL_MS = 50;
const STARTS = 3;
/** After SIGKILL on a daemon, its containerd needs a moment to notice and to go. */
const BETWEEN_STARTS_MS = 2000;
const LOG_TAIL_LINES = 8;
const DAEMON_CONFIG = '/etc/docker/daemon.json';

/**
 * Where the system's Engine lives.
 * @typedef {object} Place
 * @property {string} socketPath
 * @property {string} pidFile
 * @property {string} execRoot
 * @property {string} logFile
 * @property {readonly string[]} [args] more for dockerd
 */

/** @type {Place} */
const SYSTEM = {
  socketPath: '/var/run/docker.sock',
  pidFile: '/var/run/docker.pid',
  execRoot: '/var/run/docker',
  logFile: '/var/log/tidegate-dockerd.log',
};

/** The first endpoint of TIDEGATE_DOCKER: its socket, or undefined where it is not a unix socket. */
export function engineSocket() {
  const [endpoint = ''] = (process.env.TIDEGATE_DOCKER || DEFAULT_ENDPOINT).split(',');
  return endpoint.trim().startsWith('unix://') ? endpoint.trim().slice('unix://'.length) : undefined;
}

/**
 * @returns {Promise<string | undefined>} the socket of an Engine that answers; undefined where it is not reached by a
 *   socket: then Tidegate itself says what it finds there
 * @throws {SetupError}
 */
export async function ensureEngine() {
  const socketPath = engineSocket();
  if (socketPath === undefined) return undefined;
  const found = await knock(socketPath);
  if (found === 'answers') return socketPath;
  if (found === 'silent') {
    await progress('waiting for the Docker Engine to answer', () => waitForStarting(socketPath));
    return socketPath;
  }
  if (found === 'forbidden') {
    throw new SetupError(
      `you may not use the Docker Engine at ${socketPath}`,
      'sudo usermod -aG docker $USER && newgrp docker',
    );
  }
  if (path.resolve(socketPath) !== SYSTEM.socketPath && path.resolve(socketPath) !== `/run/docker.sock`) {
    throw new SetupError(`no Docker Engine answers at ${socketPath}`, 'unset TIDEGATE_DOCKER');
  }
  if (process.platform !== 'linux')
    throw new SetupError('no Docker Engine answers: start Docker Desktop, then try again');
  if (!isInstalled(DAEMON) && !isInstalled('apt-get')) {
    throw new SetupError('no Docker Engine is installed: see https://docs.docker.com/engine/install/');
  }
  if (process.getuid?.() !== 0) throw new SetupError('no Docker Engine answers', startCommand());
  if (!isInstalled(DAEMON)) await ensurePackages(ENGINE_PACKAGES);
  await progress('starting the Docker Engine', () => (hasSystemd() ? startService() : startDaemon(SYSTEM)));
  return socketPath;
}

/**
 * @param {string} socketPath
 * @returns {Promise<'answers' | 'absent' | 'forbidden' | 'silent'>}
 */
export async function knock(socketPath) {
  try {
    const { status } = await engineCall(socketPath, '/_ping', { timeoutMs: PING_MS });
    return status === 200 ? 'answers' : 'silent';
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code ?? '';
    if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK'].includes(code)) return 'absent';
    return ['EACCES', 'EPERM'].includes(code) ? 'forbidden' : 'silent';
  }
}

/**
 * A service manager may be starting the Engine since our first knock.
 * @param {string} socketPath
 */
async function waitForStarting(socketPath) {
  if (await answersWithin(socketPath, STARTING_MS)) return;
  throw new SetupError(
    `the Docker Engine at ${socketPath} takes connections and does not answer; see to it, then try again`,
  );
}

/** What somebody who is not root has to run. */
function startCommand() {
  const start = hasSystemd() ? 'sudo systemctl start docker' : 'sudo sh -c "dockerd >/var/log/dockerd.log 2>&1 &"';
  if (isInstalled(DAEMON)) return start;
  return `sudo apt-get update && sudo apt-get install -y docker.io iptables && ${start}`;
}

function hasSystemd() {
  return existsSync('/run/systemd/system') && isInstalled('systemctl');
}

async function startService() {
  const { ok, output } = await command('systemctl', ['start', 'docker']);
  const answers = ok && (await answersWithin(SYSTEM.socketPath, READY_MS));
  if (!answers) throw new SetupError(`the docker service does not start:\n${output.trim()}`, 'journalctl -xeu docker');
}

/**
 * Starts dockerd in a session of its own, so that it outlives us, and waits until it answers. What a killed daemon left
 * is cleared away first.
 * @param {Place} place
 * @throws {SetupError} with the end of its log
 */
export async function startDaemon(place) {
  let liveRestore = true;
  for (let start = 1; start <= STARTS; start++) {
    clearStale(place);
    if (await launch(place, liveRestore)) return;
    // A daemon that somebody else started in the meantime makes ours give up.
    if (await answersWithin(place.socketPath, BETWEEN_STARTS_MS)) return;
    if (/live-restore.*swarm/.test(logTail(place.logFile))) liveRestore = false;
  }
  throw new SetupError(`dockerd does not start:\n${logTail(place.logFile)}`, `less ${place.logFile}`);
}

/**
 * @param {Place} place
 * @param {boolean} liveRestore
 */
async function launch({ socketPath, pidFile, logFile, args = [] }, liveRestore) {
  // A directive in the file and on the command line is an error to dockerd.
  const configured = existsSync(DAEMON_CONFIG) ? readFileSync(DAEMON_CONFIG, 'utf8') : '';
  const flags = [
    ...(configured.includes('"hosts"') ? [] : ['-H', `unix://${socketPath}`]),
    ...(configured.includes('"pidfile"') ? [] : ['-p', pidFile]),
    ...(configured.includes('"live-restore"') || !liveRestore ? [] : ['--live-restore']),
    ...args,
  ];
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a');
  const daemon = spawn(DAEMON, flags, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` },
  });
  let isRunning = true;
  daemon.on('error', () => {
    isRunning = false;
  });
  daemon.on('exit', () => {
    isRunning = false;
  });
  daemon.unref();
  return answersWithin(socketPath, READY_MS, () => isRunning);
}

/**
 * @param {string} socketPath
 * @param {number} ms
 * @param {() => boolean} [mayAnswer] ends the wait early
 */
async function answersWithin(socketPath, ms, mayAnswer = () => true) {
  for (const deadline = Date.now() + ms; Date.now() < deadline && mayAnswer(); await sleep(POLL_MS)) {
    if ((await knock(socketPath)) === 'answers') return true;
  }
  return false;
}

/** @param {Place} place */
function clearStale({ pidFile, execRoot }) {
  const containerd = path.join(execRoot, 'containerd/containerd.pid');
  if (!isProgram(pidFile, DAEMON)) rmSync(pidFile, { force: true });
  if (!isProgram(containerd, 'containerd')) rmSync(containerd, { force: true });
}

/**
 * @param {string} pidFile
 * @param {string} program
 */
function isProgram(pidFile, program) {
  try {
    const pid = readFileSync(pidFile, 'utf8').trim();
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === program;
  } catch {
    return false;
  }
}

/** @param {string} logFile */
function logTail(logFile) {
  if (!existsSync(logFile)) return '';
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}
