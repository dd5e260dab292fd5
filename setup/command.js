/** Running programs of the system for set-up: their output is kept, and shown only when they fail. */
import { spawn } from 'node:child_process';
import { accessSync, constants as modes } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';

const KEPT_CHARS = 20_000;
const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']);
/** Exit codes of what a signal ended begin here, as in a shell. */
const SIGNALLED = 128;

/**
 * @typedef {{ readonly ok: boolean, readonly code: number | null, readonly output: string }} Outcome
 *   `output` is stdout and stderr together; `code` is null when it could not be started.
 */

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<Outcome>}
 */
export function command(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output = (output + text).slice(-KEPT_CHARS);
      });
    }
    child.on('error', (error) => resolve({ ok: false, code: null, output: String(error) }));
    child.on('close', (code) => resolve({ ok: code === 0, code, output }));
  });
}

/**
 * Runs a program in the foreground, as if it stood in our place: it has our streams and gets our signals, each of them
 * once (it is in a process group of its own, or those sent to a whole group would come twice), and ends when we end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<number>} the code to exit with
 */
export function foreground(program, args, env = process.env) {
  const [first = '', ...rest] = [...endingWithUs(), program, ...args];
  const child = spawn(first, rest, { stdio: 'inherit', env, detached: true });
  const forward = /** @param {NodeJS.Signals} signal */ (signal) => child.kill(signal);
  for (const signal of FORWARDED) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      for (const each of FORWARDED) process.off(each, forward);
      resolve(code ?? SIGNALLED + constants.signals[signal ?? 'SIGKILL']);
    });
  });
}

/** A prefix that makes a program end even when we are killed. */
function endingWithUs() {
  return process.platform === 'linux' && isInstalled('setpriv') ? ['setpriv', '--pdeathsig', 'TERM'] : [];
}

/**
 * @param {string} program
 * @returns {boolean} whether it is on the PATH, or where Debian keeps programs for root
 */
export function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(path.join(folder, program), modes.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
