/** The facts without which a figure says nothing: machine, versions, date, and how idle the machine was. */
import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..');
const GIB_BYTES = 2 ** 30;

const run = promisify(execFile);

export interface MachineFacts {
  /** RFC 3339. */
  readonly date: string;
  /** What was measured: the commit, and whether files differed from it. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  /** How busy it was before the first measurement. */
  readonly idleText: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** @param idleText from {@link import('./lone-benchmark.ts').LoneBenchmark} */
export async function machineFacts(wallMs: number, idleText: string): Promise<MachineFacts> {
  const all = cpus();
  return {
    date: new Date(wallMs).toISOString(),
    commit: await commitText(),
    cpu: all[0]?.model.trim() ?? 'unknown processor',
    cores: all.length,
    memoryGb: Math.round(totalmem() / GIB_BYTES),
    system: `${type()} ${release().split('-')[0]}`,
    idleText,
    versions: { Node: process.versions.node },
  };
}

/** The first number with dots that a program says of itself. */
export async function versionOf(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(program, args).catch((error: { stdout?: string; stderr?: string }) => ({
    stdout: error.stdout ?? '', // wrk says its version and fails
    stderr: error.stderr ?? '',
  }));
  return /\d+\.\d+(?:\.\d+)*/.exec(`${stdout}\n${stderr}`)?.[0] ?? 'unknown';
}

async function commitText(): Promise<string> {
  try {
    const { stdout: commit } = await run('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT });
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--', '.', ':!load/results'], { cwd: ROOT });
    return `commit ${commit.trim()}${changes.trim() === '' ? '' : ' with changes'}`;
  } catch {
    return 'an unknown commit';
  }
}
