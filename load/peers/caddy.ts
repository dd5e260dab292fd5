/** Caddy as a candidate: its JSON form, no admin endpoint, nothing logged, kept connections to both sides. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Certificate } from '../certificate.ts';
import { answers } from '../client.ts';
import { versionOf } from '../machine.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME, type Site } from '../proxies/candidate.ts';

export const caddy: CandidateSpec = {
  name: 'caddy',
  isOurs: false,
  hostnames: 1,
  workers: 1,
  version: () => versionOf('caddy', 'version'),
  async start(site) {
    const { folder, cores } = site;
    const port = await freePort();
    const file = path.join(folder, 'caddy.json');
    writeFileSync(file, JSON.stringify(config(port, site)));
    const program = await startProgram({
      cores,
      command: ['caddy', 'run', '--config', file],
      // It keeps state below these.
      env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      isReady: () => answers(port, HOSTNAME, site.certificate !== null),
    });
    return { port, program };
  },
};

function config(port: number, { upstreamPorts, certificate }: Site): unknown {
  const proxy = {
    handler: 'reverse_proxy',
    load_balancing: { selection_policy: { policy: 'round_robin' } },
    transport: { protocol: 'http', keep_alive: { enabled: true, max_idle_conns: 4096, max_idle_conns_per_host: 1024 } },
    upstreams: upstreamPorts.map((one) => ({ dial: `127.0.0.1:${one}` })),
  };
  const site = {
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    ...(certificate === null ? {} : { tls_connection_policies: [{}] }),
    routes: [{ match: [{ host: [HOSTNAME] }], handle: [proxy], terminal: true }],
  };
  return {
    admin: { disabled: true },
    logging: { logs: { default: { level: 'ERROR' } } },
    apps: {
      http: { servers: { site } },
      ...(certificate === null ? {} : { tls: { certificates: { load_files: [file(certificate)] } } }),
    },
  };
}

function file({ certFile, keyFile }: Certificate): unknown {
  return { certificate: certFile, key: keyFile };
}
