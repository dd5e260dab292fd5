/**
 * node_modules as package-lock.json wants it, with the right Node in it. When nothing has changed since the last time,
 * this costs two file reads.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { command } from './command.js';
import { progress } from './progress.js';
import { SetupError } from './setup-error.js';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The Node that runs everything but set-up. */
export const NODE = path.join(ROOT, 'node_modules/.bin/node');

const MODULES = path.join(ROOT, 'node_modules');
const STAMP = path.join(MODULES, '.tidegate-lock');
const SYSTEM_NODE_MIN = 20;
const RETRY_AFTER_MS = 2000;
/** npm alone would be silent for a minute and a half before it gives up. */
const PATIENCE = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=4000'];
const NETWORK_TROUBLE =
  /\b(ECONNRESET|ECONNREFUSED|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ERR_SOCKET_TIMEOUT|EINTEGRITY|E50\d)\b/;
const LOCK_REFUSED = /\b(EUSAGE|EINVALIDLOCK)\b|in sync/;

/** @throws {SetupError} */
export async function ensureDependencies() {
  if (Number(process.versions.node.split('.')[0]) < SYSTEM_NODE_MIN) {
    throw new SetupError(`Node ${SYSTEM_NODE_MIN} or newer is needed to start; this is ${process.version}`);
  }
  const wanted = await fingerprint();
  if (existsSync(NODE) && (await textOf(STAMP)) === wanted) return;
  if (!(await modulesMatchLock())) await progress('installing dependencies', install);
  if (!(await hasNode())) await progress(`installing Node ${await nodeVersion()}`, installNode);
  await writeFile(STAMP, wanted);
}

async function install() {
  const options = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const outcome = await npm(['ci', ...options]);
  if (outcome.ok) return;
  const second = LOCK_REFUSED.test(outcome.output) ? await npm(['install', '--no-save', ...options]) : outcome;
  if (!second.ok) throw new SetupError(`npm could not install the dependencies:\n${second.output.trim()}`, 'npm ci');
}

/**
 * The package `node` brings its binary by an install script that runs npm once more inside of it; this does the same in
 * half the time, and also where scripts are switched off.
 */
async function installNode() {
  const spec = `${nodePackage()}@${await nodeVersion()}`;
  const work = path.join(MODULES, '.tidegate-node');
  await rm(work, { recursive: true, force: true });
  await mkdir(work);
  const packed = await npm(['pack', spec, '--pack-destination', work, '--silent']);
  const archive = packed.output.trim().split('\n').at(-1) ?? '';
  const last = packed.ok ? await command('tar', ['-xzf', archive, 'package/bin/node'], { cwd: work }) : packed;
  if (!last.ok) throw new SetupError(`npm could not bring ${spec}:\n${last.output.trim()}`, 'npm rebuild node');
  const binary = path.join(MODULES, 'node/bin/node');
  await mkdir(path.dirname(binary), { recursive: true });
  await chmod(path.join(work, 'package/bin/node'), 0o755);
  await rename(path.join(work, 'package/bin/node'), binary);
  await rm(work, { recursive: true, force: true });
  await mkdir(path.dirname(NODE), { recursive: true });
  await rm(NODE, { force: true });
  await symlink('../node/bin/node', NODE);
  if (!(await hasNode())) throw new SetupError(`${NODE} does not run on this machine`);
}

function nodePackage() {
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  return `${prefix}-${process.platform}-${process.arch}`;
}

/**
 * npm of the system's Node: the one in node_modules may be replaced under its feet.
 * @param {readonly string[]} args
 */
async function npm(args) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => !folder.startsWith(MODULES));
  const env = { ...process.env, PATH: folders.join(path.delimiter) };
  const run = () => command('npm', [...args, ...PATIENCE], { cwd: ROOT, env });
  let outcome = await run();
  if (!outcome.ok && NETWORK_TROUBLE.test(outcome.output)) {
    process.stderr.write('… the registry does not answer, trying again\n');
    await sleep(RETRY_AFTER_MS);
    outcome = await run();
  }
  if (outcome.code === null) throw new SetupError('npm was not found', 'apt-get install -y npm');
  return outcome;
}

async function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const name of ['package.json', 'package-lock.json']) hash.update(await readFile(path.join(ROOT, name)));
  return hash.digest('hex');
}

/** Whether what npm says it has installed is what the lock lists: true after a plain `npm ci`. */
async function modulesMatchLock() {
  const lock = JSON.parse((await textOf(path.join(ROOT, 'package-lock.json'))) ?? '{}').packages ?? {};
  const installed = JSON.parse((await textOf(path.join(MODULES, '.package-lock.json'))) ?? '{}').packages;
  if (!installed) return false;
  const wanted = Object.entries(lock).filter(([name, { optional }]) => name !== '' && !optional);
  return wanted.every(
    ([name, { version }]) => installed[name]?.version === version && existsSync(path.join(ROOT, name)),
  );
}

async function nodeVersion() {
  return JSON.parse(await readFile(path.join(MODULES, 'node/package.json'), 'utf8')).version;
}

async function hasNode() {
  const { ok, output } = await command(NODE, ['--version']);
  return ok && output.trim() === `v${await nodeVersion()}`;
}

/** @param {string} file */
async function textOf(file) {
  return existsSync(file) ? readFile(file, 'utf8') : undefined;
}
