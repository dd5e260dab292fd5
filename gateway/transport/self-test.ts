/**
 * Finds out whether the handle transport works on this Node. In a process of its own: what does not fit would not throw,
 * it would abort.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A machine that starts many things at once takes its time. */
const SELF_TEST_TIMEOUT_MS = 10_000;
const TRIAL = fileURLToPath(new URL('./handle-trial.ts', import.meta.url));

/**
 * Null, or what is wrong.
 * @param trial script that prints `passed`; another one in tests
 */
export function selfTest(trial = TRIAL): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { timeout: SELF_TEST_TIMEOUT_MS, killSignal: 'SIGKILL', env: {} } as const;
    execFile(process.execPath, [trial], options, (error, stdout, stderr) => {
      if (error === null && stdout.trim() === 'passed') resolve(null);
      else resolve(lastLine(stderr) || lastLine(stdout) || (error?.message ?? 'the self-test said nothing'));
    });
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
