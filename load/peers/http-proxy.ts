/** The package `http-proxy` as a candidate: the baseline of what a gateway on Node used to be. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../client.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME } from '../proxies/candidate.ts';

const PROGRAM = path.join(import.meta.dirname, 'http-proxy-server.ts');
const PACKAGE = path.join(import.meta.dirname, '../../node_modules/http-proxy/package.json');

export const httpProxy: CandidateSpec = {
  name: 'http-proxy',
  isOurs: false,
  hostnames: 1,
  workers: 1,
  version: async () => (JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }).version,
  async start({ cores, upstreamPorts, certificate }) {
    const port = await freePort();
    const secure = certificate !== null;
    const program = await startProgram({
      cores,
      command: [
        process.execPath,
        '--no-deprecation',
        PROGRAM,
        `--port=${port}`,
        ...upstreamPorts.map((one) => `--upstream=${one}`),
        ...(certificate === null ? [] : [`--cert=${certificate.certFile}`, `--key=${certificate.keyFile}`]),
      ],
      isReady: () => answers(port, HOSTNAME, secure),
    });
    return { port, program };
  },
};
