/** What the tests need beside dependencies. They start and stop each part themselves; an Engine too, so none is started. */
import { isInstalled } from './command.js';
import { ENGINE_PACKAGES } from './engine.js';
import { ensurePackages } from './packages.js';

const PACKAGES = [
  { name: 'bind9', program: 'named', service: 'named' },
  { name: 'chromium', program: 'chromium' },
  { name: 'docker-registry', program: 'docker-registry', service: 'docker-registry' },
  { name: 'iproute2', program: 'ip' },
  { name: 'openssl', program: 'openssl' },
  { name: 'pebble', program: 'pebble' },
  { name: 'redis-server', program: 'redis-server', service: 'redis-server' },
];

/** @throws {import('./setup-error.js').SetupError} */
export async function ensureTestComponents() {
  await ensurePackages(isInstalled('dockerd') ? PACKAGES : [...PACKAGES, ...ENGINE_PACKAGES]);
}
