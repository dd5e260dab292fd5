/** nginx as a candidate: kept connections to both sides, X-Forwarded fields added. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../client.ts';
import { versionOf } from '../machine.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME, type Site } from '../proxies/candidate.ts';
import { nginxConfig } from './nginx-config.ts';

export const nginx: CandidateSpec = {
  name: 'nginx',
  isOurs: false,
  hostnames: 1,
  workers: 1,
  version: () => versionOf('nginx', '-v'),
  async start(site) {
    const port = await freePort();
    const file = path.join(site.folder, 'nginx.conf');
    writeFileSync(file, config(port, site));
    const program = await startProgram({
      cores: site.cores,
      command: ['nginx', '-c', file],
      isReady: () => answers(port, HOSTNAME, site.certificate !== null),
    });
    return { port, program };
  },
};

function config(port: number, { folder, upstreamPorts, certificate, tunnels, workers }: Site): string {
  const upstreams = upstreamPorts.map((one) => `server 127.0.0.1:${one};`).join(' ');
  const protocols = certificate === null ? '' : ' ssl http2';
  const secrets =
    certificate === null
      ? []
      : [
          `ssl_certificate ${certificate.certFile}; ssl_certificate_key ${certificate.keyFile};`,
          'ssl_protocols TLSv1.2 TLSv1.3;',
        ];
  const upgrade = tunnels
    ? 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_read_timeout 3600s;'
    : 'proxy_set_header Connection "";';
  const http = [
    ...(tunnels ? ["map $http_upgrade $connection_upgrade { default upgrade; '' ''; }"] : []),
    ...secrets,
    `upstream app { ${upstreams} keepalive 1024; keepalive_requests 100000000; keepalive_timeout 3600s; }`,
    `server { listen 127.0.0.1:${port}${protocols} backlog=4096 default_server; return 404; }`,
    `server { listen 127.0.0.1:${port}${protocols}; server_name ${HOSTNAME};`,
    `location / { proxy_pass http://app; proxy_http_version 1.1; ${upgrade}`,
    'proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    'proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host; } }',
  ];
  return nginxConfig(folder, http, workers);
}
