/** HAProxy as a candidate: kept connections to both sides, X-Forwarded fields added. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { answers } from '../client.ts';
import { versionOf } from '../machine.ts';
import { freePort, startProgram } from '../processes.ts';
import { type CandidateSpec, HOSTNAME, type Site } from '../proxies/candidate.ts';

export const haproxy: CandidateSpec = {
  name: 'haproxy',
  isOurs: false,
  hostnames: 1,
  workers: 1,
  version: () => versionOf('haproxy', '-v'),
  async start(site) {
    const port = await freePort();
    const file = path.join(site.folder, 'haproxy.cfg');
    writeFileSync(file, config(port, site));
    const program = await startProgram({
      cores: site.cores,
      command: ['haproxy', '-db', '-f', file],
      isReady: () => answers(port, HOSTNAME, site.certificate !== null),
    });
    return { port, program };
  },
};

function config(port: number, { upstreamPorts, certificate, workers }: Site): string {
  const tls = certificate === null ? '' : ` ssl crt ${certificate.bothFile} alpn h2,http/1.1`;
  const section = (head: string, lines: readonly string[]): string =>
    [head, ...lines.map((line) => `  ${line}`)].join('\n');
  return [
    section('global', [`nbthread ${workers}`, 'maxconn 8000']),
    section('defaults', [
      'mode http',
      'timeout connect 5s',
      'timeout client 3600s',
      'timeout server 3600s',
      'timeout tunnel 3600s',
      'timeout http-keep-alive 3600s',
      'option http-keep-alive',
      'http-reuse always',
    ]),
    section('frontend edge', [
      `bind 127.0.0.1:${port} backlog 4096${tls}`,
      'option forwardfor',
      `http-request set-header X-Forwarded-Proto ${certificate === null ? 'http' : 'https'}`,
      'http-request set-header X-Forwarded-Host %[req.hdr(host)]',
      `use_backend app if { req.hdr(host),field(1,:) -m str ${HOSTNAME} }`,
      'default_backend none',
    ]),
    section('backend app', [
      'balance roundrobin',
      ...upstreamPorts.map((one) => `server u${one} 127.0.0.1:${one} pool-max-conn 1024`),
    ]),
    section('backend none', ['http-request return status 404']),
    '',
  ].join('\n');
}
