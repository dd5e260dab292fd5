/** Where the admin API is: `TIDEGATE_URL`, or where `npm start` puts it. */
import { usageFailure } from './command-failure.ts';

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export const DEFAULT_URL = 'http://127.0.0.1:9900';

/**
 * Without a slash at its end. `127.0.0.1:9900` is enough; a path stays, for a gateway behind another proxy.
 * @throws CommandFailure when it is no URL; it never says credentials that stand in it
 */
export function gatewayUrl(env: Readonly<Record<string, string | undefined>>): string {
  const text = env.TIDEGATE_URL?.trim() || DEFAULT_URL;
  const full = text.includes('://') ? text : `http://${text}`;
  const fix = [`Give it the address of the admin API, such as ${DEFAULT_URL}.`];
  if (!URL.canParse(full)) throw usageFailure('TIDEGATE_URL is no URL.', fix);
  const url = new URL(full);
  if (url.username !== '' || url.password !== '') {
    throw usageFailure('TIDEGATE_URL holds credentials, which the API does not know.', [
      'Leave them out; the token belongs into TIDEGATE_TOKEN, or is asked for by `tide login`.',
    ]);
  }
  if (!text.includes('://') && !LOOPBACK.test(url.hostname)) {
    throw usageFailure('TIDEGATE_URL does not say whether to use TLS, and the token would go over the network.', [
      `Write https://${text}, or http://${text} if nobody can listen on the way.`,
    ]);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw usageFailure(`TIDEGATE_URL begins with ${url.protocol}// and should with http:// or https://.`, fix);
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
