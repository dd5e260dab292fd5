/** Nobody answers at the URL: why not, in words, and what to do about it. */
import { messageOf } from '#core/errors';
import { CommandFailure } from './command-failure.ts';
import { EXIT } from './exit-codes.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its hostname does not resolve',
  EAI_AGAIN: 'its hostname cannot be resolved now',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CONNECT_TIMEOUT: 'it does not take the connection',
  ETIMEDOUT: 'it does not take the connection',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS: write http:// in place of https://',
};

/** What `fetch` says of ports that the standard forbids to clients (WHATWG Fetch, 2.9). */
const BAD_PORT = 'bad port';

/** @param error as `fetch` throws it: the cause says what happened */
export function unreachable(url: string, error: unknown): CommandFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
  const isUntrusted = /CERT|SIGNATURE|ISSUER|CA_MD/.test(code);
  const reason = isUntrusted ? `its certificate is not trusted here (${code})` : (REASONS[code] ?? wordsOf(cause));
  const fix = isUntrusted
    ? ['Set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority.']
    : ['Start one with `npm start`, or set TIDEGATE_URL to where its admin API listens.'];
  return new CommandFailure(`No Tidegate answers at ${url}: ${reason}.`, { exit: EXIT.failed, fix });
}

function wordsOf(error: unknown): string {
  const words = messageOf(error);
  return words === BAD_PORT ? 'its port is one that clients of HTTP may not ask' : words;
}
