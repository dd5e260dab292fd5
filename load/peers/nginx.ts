/** nginx as a candidate: one worker, kept connections to both sides, X-Forwarded fields added. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../client.ts';
import { versionOf } from '../machine.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME } from '../proxies/candidate.ts';
import { nginxConfig } from './nginx-config.ts';

export const nginx: CandidateSpec = {
  name: 'nginx',
  isOurs: false,
  hostnames: 1,
  version: () => versionOf('nginx', '-v'),
  async start({ folder, cores, upstreamPorts }) {
    const port = await freePort();
    const file = path.join(folder, 'nginx.conf');
    const upstreams = upstreamPorts.map((one) => `server 127.0.0.1:${one};`).join(' ');
    const config = nginxConfig(folder, [
      `upstream app { ${upstreams} keepalive 1024; keepalive_requests 100000000; keepalive_timeout 3600s; }`,
      `server { listen 127.0.0.1:${port} backlog=4096 default_server; return 404; }`,
      `server { listen 127.0.0.1:${port}; server_name ${HOSTNAME};`,
      'location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";',
      'proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
      'proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host; } }',
    ]);
    writeFileSync(file, config);
    const program = await startProgram({
      cores,
      command: ['nginx', '-c', file],
      isReady: () => answers(port, HOSTNAME),
    });
    return { port, program };
  },
};
