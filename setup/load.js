/** `npm run load`: what the benchmark and its peers need, then the benchmark. Arguments are its own. */
import path from 'node:path';
import { foreground, isInstalled } from './command.js';
import { ensureDependencies, NODE, ROOT } from './dependencies.js';
import { ENGINE_PACKAGES } from './engine.js';
import { ensurePackages } from './packages.js';
import { runSetup } from './run-setup.js';

const PACKAGES = [
  { name: 'caddy', service: 'caddy' },
  { name: 'gcc', program: 'cc' },
  { name: 'haproxy', service: 'haproxy' },
  { name: 'libc6-dev', program: 'cc' },
  { name: 'libssl-dev', program: 'cc' },
  { name: 'nghttp2-client', program: 'h2load' },
  { name: 'nginx-light', program: 'nginx', service: 'nginx' },
  { name: 'openssl' },
  { name: 'wrk' },
];

await runSetup(async (args) => {
  await ensureDependencies();
  await ensurePackages(isInstalled('dockerd') ? PACKAGES : [...PACKAGES, ...ENGINE_PACKAGES]);
  return foreground(NODE, [path.join(ROOT, 'load/run.ts'), ...args]);
});
