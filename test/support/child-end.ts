/** The end of processes that tests start: none outlives its test, or the process of the tests. */
import type { ChildProcess } from 'node:child_process';

/** Kills it when this process ends, unless it has ended before. */
export function endWithUs(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
}

/** Kills it at once and resolves when it has ended; also when it had. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
