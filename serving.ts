/** A gateway as the settings want it, the same in a process of its own and in the one process that does everything. */
import type { ClientAuthoritySource } from '#certs/client-authority';
import type { Clock } from '#core/clock';
import type { Config } from '#core/config';
import type { Log } from '#core/log';
import type { ListenAddress } from '#core/settings';
import { TrustedProxies } from '#core/trusted-proxies';
import { Gateway } from '#gateway/gateway';
import type { Admitter } from '#router/admission';
import type { Pool } from '#router/pool';
import type { RouteTable } from '#router/route-table';
import { openAccessLog } from './access-lines.ts';
import { openCertificates, openClientAuthorities } from './certificates.ts';

export interface ServingTools {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly table: RouteTable;
  readonly admitter: Admitter;
  /** As in {@link Gateway}. */
  readonly onTaken?: (pool: Pool, key: string) => void;
  /** Authorities of client certificates; not given: they are read here. */
  readonly clientAuthorities?: ClientAuthoritySource;
  /** A hostname that has a route is asked for over TLS and has no certificate. */
  readonly onUncertified: (hostname: string) => void;
}

export interface Listeners {
  readonly http?: ListenAddress | null;
  readonly https?: ListenAddress | null;
}

/** @param listeners where `listen` will listen */
export async function openServing({ config, ...tools }: ServingTools, listeners: Listeners) {
  const { clock, log, table, onUncertified } = tools;
  const knows = (name: string): boolean => table.knows(name);
  const certificates = await openCertificates(config, { clock, log, knows, onUncertified });
  const ownAuthorities = tools.clientAuthorities ? null : await openClientAuthorities(config, { clock, log });
  const clientAuthorities = tools.clientAuthorities ?? ownAuthorities;
  const accessLog = openAccessLog(config, log);
  const gateway = new Gateway({
    ...tools,
    random: Math.random,
    trustedProxies: new TrustedProxies(config.trustedProxies),
    accessLog: accessLog?.log ?? null,
    httpsPort: listeners.https?.port || null,
    ...(certificates === null ? {} : { certificates: certificates.source }),
    ...(clientAuthorities === null ? {} : { clientAuthorities }),
    transport: config.transport,
  });
  return {
    gateway,
    forgetCertificates: (names: readonly string[] | null): void => certificates?.forget(names),
    /** @throws TidegateError `listener.in_use`, `listener.denied` */
    async listen(): Promise<{ readonly name: string; readonly address: ListenAddress }[]> {
      const { http = null, https = null } = listeners;
      const opened: { readonly name: string; readonly address: ListenAddress }[] = [];
      if (http !== null) opened.push({ name: 'http', address: await gateway.listen(http) });
      if (https !== null) opened.push({ name: 'https', address: await gateway.listenTls(https) });
      return opened;
    },
    close: async (): Promise<void> => {
      certificates?.close();
      ownAuthorities?.close();
      await accessLog?.close();
    },
  };
}
