/** The provider of DNS-01 that a setting names. */
import type { Clock } from '#core/clock';
import { type DnsProviderUrl, tsigSecret } from '#core/dns-provider-url';
import { TidegateError } from '#core/errors';
import type { DnsProvider } from './dns-provider.ts';
import { Rfc2136Provider } from './rfc2136-provider.ts';
import { WebhookProvider } from './webhook-provider.ts';

export interface DnsProviderOptions {
  /** Bearer token of a webhook, or the base64 secret of a TSIG key. */
  readonly secret: string | null;
  readonly clock: Clock;
  readonly randomBytes: (size: number) => Buffer;
}

/**
 * Nothing is asked or written yet.
 * @throws TidegateError `config.invalid` when dynamic updates have no secret
 */
export function openDnsProvider(
  where: DnsProviderUrl,
  { secret, clock, randomBytes }: DnsProviderOptions,
): DnsProvider {
  if (where.kind === 'webhook') return new WebhookProvider({ url: where.url, secret, clock });
  const bytes = tsigSecret(secret ?? '');
  if (bytes === null) {
    throw new TidegateError(
      'config.invalid',
      'settings cannot be used:\n  TIDEGATE_ACME_DNS_SECRET: no secret of a TSIG key',
    );
  }
  const key = { name: where.key, algorithm: where.algorithm, secret: bytes };
  return new Rfc2136Provider({ server: where, key, clock, randomBytes });
}
