/** Where Tidegate will listen, read from the same settings as Tidegate reads; for telling people, not for checking. */
import path from 'node:path';

/**
 * @typedef {object} Addresses
 * @property {(hostname: string) => string | undefined} url of an app; undefined when no listener is on
 * @property {(hostname: string) => string} curl the command that asks for it, whatever DNS says
 * @property {(hostname: string) => string | undefined} secureUrl as `url`, over TLS; undefined when that listener is off
 * @property {string} caFile certificate to trust for names under the base domain
 * @property {string} baseDomain
 * @property {string} admin
 * @property {string} tokenFile
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Addresses}
 */
export function addresses(env) {
  const http = listener(env.TIDEGATE_HTTP || '0.0.0.0:8080');
  const https = listener(env.TIDEGATE_HTTPS || '0.0.0.0:8443');
  const admin = listener(env.TIDEGATE_ADMIN || '127.0.0.1:9900');
  const front = http ? { ...http, scheme: 'http', usual: '80' } : https && { ...https, scheme: 'https', usual: '443' };
  const url = /** @param {string} hostname */ (hostname) =>
    front && `${front.scheme}://${hostname}${front.port === front.usual ? '' : `:${front.port}`}/`;
  return {
    url,
    curl: (hostname) =>
      `curl -i${http ? '' : 'k'} --resolve ${hostname}:${front?.port}:${front?.host} ${url(hostname)}`,
    secureUrl: (hostname) => https && `https://${hostname}${https.port === '443' ? '' : `:${https.port}`}/`,
    caFile: path.resolve(env.TIDEGATE_DATA || './.tidegate', 'ca/ca.pem'),
    baseDomain: env.TIDEGATE_BASE_DOMAIN || 'localhost',
    admin: `http://${admin?.host}:${admin?.port}`,
    tokenFile: path.resolve(env.TIDEGATE_DATA || './.tidegate', 'operator.token'),
  };
}

/**
 * An address that reaches the listener from this machine.
 * @param {string} text `host:port`, `[v6]:port`, `:port`, `port` or `off`
 */
function listener(text) {
  const [, host = '', port = ''] = /^(?:(.*):)?(\d+)$/.exec(text.trim()) ?? [];
  if (!port) return undefined;
  if (['', '0.0.0.0', '*'].includes(host)) return { host: '127.0.0.1', port };
  return { host: host === '[::]' ? '[::1]' : host, port };
}
