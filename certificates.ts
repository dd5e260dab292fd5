/**
 * What the TLS listener shows its clients: own certificates first, then those of the vault, then those of the local
 * authority. Session tickets are encrypted with keys that all processes of one state directory share and that change twice
 * a day.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import path from 'node:path';
import { LRUCache } from 'lru-cache';
import type { CertificateSource } from '#certs/certificate-source';
import { ClientAuthorities, type ClientAuthoritiesOptions } from '#certs/client-authorities';
import { ContextCache, contextsFor } from '#certs/context-cache';
import { LocalCa } from '#certs/local-ca';
import type { MaterialSource } from '#certs/material';
import { OwnCertificates } from '#certs/own-certificates';
import { currentTicketKeys } from '#certs/ticket-keys';
import { RemoteVaultReader } from '#certs/vault/remote-vault-reader';
import { SealedBox } from '#certs/vault/sealed-box';
import { VaultReader } from '#certs/vault/vault-reader';
import type { Clock, Timer } from '#core/clock';
import type { Config } from '#core/config';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';
import { CertificateReader } from '#store/certificate-reader';
import { RedisCertificateReader } from '#store/redis-certificate-reader';

/** What another process has changed is in force here by then. */
const REREAD_KEYS_MS = 60_000;
const CA_DIRECTORY = 'ca';
const CLIENT_CAS_DIRECTORY = 'client-cas';
const TICKET_KEYS_FILE = 'ticket-keys';
/** Private keys of the vault are encrypted with what is in it. */
export const KEY_FILE = 'encryption.key';
const TOLD_MS = 60_000;
const TOLD_MAX = 1000;

export interface CertificatesTools {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a route claims the hostname. */
  readonly knows: (hostname: string) => boolean;
  /** Clients come for a hostname that has a route, but no certificate: told once a minute. */
  readonly onUncertified: (hostname: string) => void;
}

export interface Certificates {
  readonly source: CertificateSource;
  /** Another certificate may be right for these names; null: for any. */
  forget(names: readonly string[] | null): void;
  close(): void;
}

/**
 * Null when there is no TLS listener to show them.
 * @throws TidegateError `certs.failed`
 */
export async function openCertificates(config: Config, tools: CertificatesTools): Promise<Certificates | null> {
  if (config.https === null) return null;
  const { clock, log, knows, onUncertified } = tools;
  const data = path.resolve(config.data);
  const { wall } = clock;
  const authority = LocalCa.open({
    directory: path.join(data, CA_DIRECTORY),
    baseDomain: config.baseDomain,
    knows,
    wall,
    random: randomBytes,
  });
  const tickets = { file: path.join(data, TICKET_KEYS_FILE), wall, random: randomBytes };
  let ticketKeys = currentTicketKeys(tickets);
  const sources: MaterialSource[] = [];
  const cache = new ContextCache({ sources, wall, log, ticketKeys, contextsMax: contextsFor(totalmem()) });
  let own: OwnCertificates | null = null;
  if (config.certs !== null) {
    own = await OwnCertificates.open({ directory: config.certs, clock, log, onChange: () => cache.forget(null) });
    sources.push(own);
  }
  const box = SealedBox.open({ file: path.join(data, KEY_FILE), given: config.keyFile });
  const vault =
    config.store === 'sqlite'
      ? new VaultReader({ rows: new CertificateReader(data), box, wall, log })
      : new RemoteVaultReader({ rows: new RedisCertificateReader(config.store), box, wall, log });
  sources.push(vault, authority);
  let timer: Timer | null = null;
  const readKeysLater = (): void => {
    timer = clock.after(REREAD_KEYS_MS, () => {
      try {
        const keys = currentTicketKeys(tickets);
        if (!keys.equals(ticketKeys)) cache.setTicketKeys(keys);
        ticketKeys = keys;
      } catch (error) {
        log.warn('the keys for session tickets cannot be renewed', { file: tickets.file, error: messageOf(error) });
      }
      readKeysLater();
    });
  };
  readKeysLater();
  const told = new LRUCache<string, true>({ max: TOLD_MAX, ttl: TOLD_MS });
  const watched = (hostname: string): ReturnType<CertificateSource['contextFor']> => {
    const found = cache.contextFor(hostname);
    if (found === null && !told.has(hostname) && knows(hostname)) {
      told.set(hostname, true);
      onUncertified(hostname);
    }
    return found;
  };
  return {
    source: { contextFor: (hostname) => watched(hostname) },
    forget: (names) => {
      vault.forget(names);
      cache.forget(names);
    },
    close: () => {
      timer?.cancel();
      own?.close();
      vault.close();
    },
  };
}

/** The authorities of client certificates. */
export function openClientAuthorities(
  config: Config,
  tools: Omit<ClientAuthoritiesOptions, 'directory'>,
): Promise<ClientAuthorities> {
  const directory = path.resolve(config.clientCas ?? path.join(config.data, CLIENT_CAS_DIRECTORY));
  return ClientAuthorities.open({ ...tools, directory });
}

/** The local authority, for whoever is to trust it; null: it has not been made. */
export function readAuthority(config: Config): { name: string; certificate: string; names: readonly string[] } | null {
  const file = path.join(path.resolve(config.data), CA_DIRECTORY, 'ca.pem');
  try {
    const certificate = readFileSync(file, 'utf8');
    const names = [...new Set(['localhost', config.baseDomain])];
    return { name: new X509Certificate(certificate).subject.replace(/^CN=/, ''), certificate, names };
  } catch {
    return null;
  }
}
