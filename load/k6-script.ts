/** Runs a script of `k6/` under Node, in a process of its own: k6's world is one per script. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Summary } from './k6-runtime/script.ts';

const RUNNER = path.join(import.meta.dirname, 'k6-runner.ts');
const FOLDER = path.join(import.meta.dirname, 'k6');

/**
 * @param script name of its file, without `.js`
 * @param environment what it reads as `__ENV`
 * @throws Error when it wrote no summary, or the signal aborts
 */
export async function runUnderNode(
  script: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Summary> {
  const flags = Object.entries(environment).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const child = spawn(process.execPath, [RUNNER, path.join(FOLDER, `${script}.js`), ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let [summary, words] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (summary += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
  await once(child, 'close', { signal });
  if (summary === '') throw new Error(`${script} came to nothing:\n${words}`);
  return JSON.parse(summary) as Summary;
}
