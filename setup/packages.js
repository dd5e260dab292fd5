/**
 * Packages of the system, by their Debian names: only the missing ones are installed, nothing they bring is started,
 * and where we may not install, one message says what to run.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { command, isInstalled } from './command.js';
import { progress } from './progress.js';
import { SetupError } from './setup-error.js';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT =
  '#!/bin/sh\n# Made by the set-up of Tidegate while it installs packages; safe to delete.\nexit 101\n';
const LISTS = '/var/lib/apt/lists';
const APT_ENV = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

/**
 * @typedef {object} Package
 * @property {string} name in Debian
 * @property {string} [program] what it is wanted for; where there is no dpkg, this being there is enough
 * @property {string} [service] what would be started at the next boot
 */

/**
 * @param {readonly Package[]} packages
 * @throws {SetupError}
 */
export async function ensurePackages(packages) {
  const missing = await missingPackages(packages);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  const install = `apt-get install -y --no-install-recommends ${names.join(' ')}`;
  if (!isInstalled('apt-get')) {
    const programs = missing.map(({ name, program }) => program ?? name);
    throw new SetupError(`these programs are missing, and this is not Debian or Ubuntu: ${programs.join(', ')}`);
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`these packages are missing: ${names.join(', ')}`, `sudo apt-get update && sudo ${install}`);
  }
  await progress(`installing ${names.join(', ')}`, () => withoutStarting(() => installPackages(names)));
  const left = await missingPackages(packages);
  if (left.length > 0) throw new SetupError(`still missing: ${left.map(({ name }) => name).join(', ')}`, install);
  for (const { service } of missing) {
    if (service && existsSync('/run/systemd/system')) await command('systemctl', ['disable', service]);
  }
}

/** @param {readonly Package[]} packages */
async function missingPackages(packages) {
  if (!isInstalled('dpkg-query')) return packages.filter(({ name, program }) => !isInstalled(program ?? name));
  const args = ['-W', '-f', `\${db:Status-Status} \${Package}\n`, ...packages.map(({ name }) => name)];
  const { output } = await command('dpkg-query', args, { env: APT_ENV });
  const present = new Set(
    output
      .split('\n')
      .filter((line) => line.startsWith('installed '))
      .map((line) => line.slice(10)),
  );
  return packages.filter(({ name }) => !present.has(name));
}

/** @param {readonly string[]} names */
async function installPackages(names) {
  const apt = ['-q', '-o', 'Acquire::Retries=2', '-o', 'DPkg::Lock::Timeout=300'];
  const install = () =>
    command('apt-get', [...apt, 'install', '-y', '--no-install-recommends', ...names], { env: APT_ENV });
  const update = () => command('apt-get', [...apt, 'update'], { env: APT_ENV });
  if (!hasLists()) await update();
  const first = await install();
  if (first.ok) return;
  // The lists may be older than what the mirror still has.
  await update();
  const second = await install();
  if (second.ok) return;
  const reasons = second.output.split('\n').filter((line) => /^(E:|Err:|dpkg: error)/.test(line));
  throw new SetupError(
    `apt-get could not install ${names.join(', ')}:\n${reasons.join('\n') || second.output.trim()}`,
    `apt-get update && apt-get install -y --no-install-recommends ${names.join(' ')}`,
  );
}

function hasLists() {
  return existsSync(LISTS) && readdirSync(LISTS).some((name) => name.includes('_Packages'));
}

/**
 * Debian starts a service when its package is installed, unless this file says no.
 * @template T
 * @param {() => Promise<T>} work
 */
async function withoutStarting(work) {
  const isTheirs = existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== POLICY_TEXT;
  if (isTheirs) return work();
  const remove = () => rmSync(POLICY, { force: true });
  const leave = () => process.exit(130); // runs `remove`
  writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  process.on('exit', remove).on('SIGINT', leave).on('SIGTERM', leave);
  try {
    return await work();
  } finally {
    remove();
    process.off('exit', remove).off('SIGINT', leave).off('SIGTERM', leave);
  }
}
