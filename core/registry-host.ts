/**
 * Whose an image is, told from its name alone as Docker tells it: the registry it comes from and its repository there,
 * each in one spelling, so that credentials and rights are found however somebody wrote the name.
 *
 * Grammar: distribution/reference; the first part is a registry when it has a dot or a port, or is `localhost`.
 */

/** Where names without a registry lead. */
const DOCKER_HUB = 'docker.io';
const HUB_SPELLINGS: readonly string[] = [
  DOCKER_HUB,
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
];
/** Of names with one part, on Docker Hub. */
const HUB_OFFICIAL = 'library';
const HOST = /^(?:[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const HOST_MAX = 260;

/** Of an image, in its one spelling: `docker.io`, `registry.example:5000`. */
export function registryHostOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  const isHost = rest.length > 0 && (/[.:A-Z]/.test(first) || first === 'localhost');
  return isHost ? spelled(first) : DOCKER_HUB;
}

/** Registry and path without tag and digest: `docker.io/library/redis`. Null: an id, which is of no registry. */
export function repositoryOf(image: string): string | null {
  if (/^(?:sha256:)?[0-9a-f]{64}$/.test(image)) return null;
  const host = registryHostOf(image);
  const [name = ''] = image.split('@');
  const parts = name.split('/');
  const isHostGiven = parts.length > 1 && spelled(parts[0] ?? '') === host;
  const path = parts
    .slice(isHostGiven ? 1 : 0)
    .join('/')
    .replace(/:[^/:]*$/, '');
  return host === DOCKER_HUB && !path.includes('/') ? `${host}/${HUB_OFFICIAL}/${path}` : `${host}/${path}`;
}

/** A registry as people name it, also `https://index.docker.io/v1/`. Null: it cannot be one. */
export function readRegistryHost(text: string): string | null {
  const host = spelled(text.replace(/^https?:\/\//i, '').replace(/\/(?:v[12]\/?)?$/, ''));
  // Without a dot or a port, Docker would take it for a part of a name on its Hub.
  const isNamed = /[.:]/.test(host) || host === 'localhost';
  return host.length <= HOST_MAX && HOST.test(host) && isNamed ? host : null;
}

function spelled(host: string): string {
  const lower = host.toLowerCase();
  return HUB_SPELLINGS.includes(lower) ? DOCKER_HUB : lower;
}
