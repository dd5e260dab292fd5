/** Tidegate as a candidate: the whole gateway with metrics, without a Docker Engine, before upstreams that never change. */
import path from 'node:path';
import { answers } from '../client.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME } from '../proxies/candidate.ts';

const PROGRAM = path.join(import.meta.dirname, '../gateway-process.ts');

export interface TidegateOptions {
  readonly name: string;
  readonly routes: number;
  readonly accessLog?: boolean;
}

export function tidegate({ name, routes, accessLog = false }: TidegateOptions): CandidateSpec {
  return {
    name,
    isOurs: true,
    hostnames: routes,
    version: null,
    async start({ folder, cores, upstreamPorts }) {
      const port = await freePort();
      const flags = [`--port=${port}`, `--routes=${routes}`, ...upstreamPorts.map((one) => `--upstream=${one}`)];
      if (accessLog) flags.push('--access-log');
      const command = [process.execPath, PROGRAM, ...flags] as const;
      return {
        port,
        program: await startProgram({
          cores,
          command,
          // Each line goes straight into a file, and costs nobody else anything.
          stdoutFile: path.join(folder, 'access.log'),
          isReady: () => answers(port, HOSTNAME),
        }),
      };
    },
  };
}
