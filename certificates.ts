/**
 * What the TLS listener shows its clients: own certificates first, then those of the local authority. Session tickets are
 * encrypted with keys that all processes of one state directory share and that change twice a day.
 */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { CertificateSource } from '#certs/certificate-source';
import { ContextCache } from '#certs/context-cache';
import { LocalCa } from '#certs/local-ca';
import type { MaterialSource } from '#certs/material';
import { OwnCertificates } from '#certs/own-certificates';
import { currentTicketKeys } from '#certs/ticket-keys';
import type { Clock, Timer } from '#core/clock';
import type { Config } from '#core/config';
import { messageOf } from '#core/errors';
import type { Log } from '#core/log';

/** What another process has changed is in force here by then. */
const REREAD_KEYS_MS = 60_000;
const CA_DIRECTORY = 'ca';
const TICKET_KEYS_FILE = 'ticket-keys';

export interface CertificatesTools {
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a route claims the hostname. */
  readonly knows: (hostname: string) => boolean;
}

export interface Certificates {
  readonly source: CertificateSource;
  close(): void;
}

/**
 * Null when there is no TLS listener to show them.
 * @throws TidegateError `certs.failed`
 */
export async function openCertificates(config: Config, tools: CertificatesTools): Promise<Certificates | null> {
  if (config.https === null) return null;
  const { clock, log, knows } = tools;
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
  const cache = new ContextCache({ sources, wall, log, ticketKeys });
  let own: OwnCertificates | null = null;
  if (config.certs !== null) {
    own = await OwnCertificates.open({ directory: config.certs, clock, log, onChange: () => cache.forget() });
    sources.push(own);
  }
  sources.push(authority);
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
  return {
    source: cache,
    close: () => {
      timer?.cancel();
      own?.close();
    },
  };
}
