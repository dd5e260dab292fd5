/** Runs a command in a container of a test Engine, to see what its processes see. */
import type { TestEngine } from './engine.ts';

export interface ExecResult {
  /** Both outputs. */
  readonly output: string;
  readonly exitCode: number;
}

/** Waits for its end. */
export async function execIn(engine: TestEngine, container: string, command: readonly string[]): Promise<ExecResult> {
  const options = { Cmd: [...command], AttachStdout: true, AttachStderr: true, Tty: true };
  const exec = await engine.docker.getContainer(container).exec(options);
  const stream = await exec.start({ Tty: true });
  let output = '';
  for await (const piece of stream) output += String(piece);
  return { output, exitCode: (await exec.inspect()).ExitCode ?? -1 };
}
