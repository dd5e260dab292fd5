/** `tide`, the command line, as a process of its own that knows one Tidegate and nothing else of this machine. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { TidegateProcess } from './tidegate.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../../cli/tide.ts');
/** What takes longer is ended, and has no code. */
const RUN_MS = 120_000;

export interface TideRan {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * @param tidegate whose state directory is its home
 * @param input all of stdin; left out, stdin stays open: what does not read it must not wait for it
 */
export async function runTide(
  { adminPort, operatorToken, data }: Pick<TidegateProcess, 'adminPort' | 'operatorToken' | 'data'>,
  args: readonly string[],
  input?: string,
): Promise<TideRan> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: data,
      TIDEGATE_URL: `http://127.0.0.1:${adminPort}`,
      TIDEGATE_TOKEN: operatorToken,
    },
    timeout: RUN_MS,
  });
  if (input !== undefined) child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}
