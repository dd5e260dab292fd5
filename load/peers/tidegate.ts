/** Tidegate as a candidate: the whole gateway with metrics, without a Docker Engine, before upstreams that never change. */
import path from 'node:path';
import { answers } from '../client.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME, type Site } from '../proxies/candidate.ts';

const PROGRAM = path.join(import.meta.dirname, '../gateway-process.ts');

export interface TidegateOptions {
  readonly name: string;
  readonly routes: number;
  readonly accessLog?: boolean;
  /** What connections are made of; the fastest there is, if not given. */
  readonly transport?: 'net' | 'handle';
  /** How many files and connections it may have open. */
  readonly openFiles?: number;
  /** SIGUSR2 has it append there how many octets are left when all garbage is collected. */
  readonly liveHeapFile?: string;
}

export function tidegate(options: TidegateOptions): CandidateSpec {
  const { name, routes } = options;
  return {
    name,
    isOurs: true,
    hostnames: routes,
    workers: 1,
    version: null,
    async start(site) {
      const port = await freePort();
      const secure = site.certificate !== null;
      const { openFiles } = options;
      const program = await startProgram({
        cores: site.cores,
        command: [process.execPath, PROGRAM, `--port=${port}`, ...flags(site, options)],
        // Each line goes straight into a file, and costs nobody else anything.
        stdoutFile: path.join(site.folder, 'access.log'),
        ...(openFiles === undefined ? {} : { openFiles }),
        isReady: () => answers(port, HOSTNAME, secure),
      });
      return { port, program };
    },
  };
}

function flags(site: Site, { routes, accessLog = false, transport, liveHeapFile }: TidegateOptions): readonly string[] {
  const { upstreamPorts, certificate, workers } = site;
  return [
    `--routes=${routes}`,
    ...upstreamPorts.map((one) => `--upstream=${one}`),
    ...(workers > 1 ? [`--workers=${workers}`] : []),
    ...(certificate === null ? [] : [`--cert=${certificate.certFile}`, `--key=${certificate.keyFile}`]),
    ...(accessLog ? ['--access-log'] : []),
    ...(transport === undefined ? [] : [`--transport=${transport}`]),
    ...(liveHeapFile === undefined ? [] : [`--live-heap=${liveHeapFile}`]),
  ];
}
