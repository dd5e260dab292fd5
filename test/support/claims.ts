/** What tenants do with a hostname of theirs: claim it, prove it, come to it over TLS. */
import { connect } from 'node:tls';
import type { Pebble } from './pebble.ts';
import type { TidegateProcess } from './tidegate.ts';
import { until } from './until.ts';

export interface Domain {
  readonly id: string;
  readonly hostname: string;
  readonly status: string;
  readonly records: readonly {
    readonly type: string;
    readonly name: string;
    readonly value: string;
    readonly state: string;
  }[];
  readonly certificate: { readonly state: string; readonly last_error: unknown };
  readonly diagnosis: readonly { readonly code: string; readonly fix: string }[];
}

/** Claims a hostname and sets the record that proves it, without waiting for anything. */
export async function claim(
  { tidegate, pebble }: { readonly tidegate: TidegateProcess; readonly pebble: Pebble },
  hostname: string,
  app: string,
): Promise<Domain> {
  const created = await tidegate.adminJson<Domain>('/v1/domains', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ hostname, app }),
  });
  const txt = created.records.find(({ type }) => type === 'TXT');
  await pebble.setTxt(txt?.name ?? '', txt?.value ?? '');
  return created;
}

/** Has it verified until it has that status. */
export async function verified(tidegate: TidegateProcess, id: string, status: string): Promise<Domain> {
  let seen: Domain | null = null;
  return await until(
    async () => {
      seen = await verify(tidegate, id);
      return seen.status === status && seen;
    },
    { what: `${id} is ${status}`, timeoutMs: 60_000, everyMs: 50 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(seen)}`);
  });
}

/** Asks for a look now; too often, and it says what was seen last. */
export async function verify(tidegate: TidegateProcess, id: string): Promise<Domain> {
  const answer = await tidegate.admin(`/v1/domains/${id}/verify`, { method: 'POST' });
  if (answer.status === 429) return tidegate.adminJson<Domain>(`/v1/domains/${id}`);
  return JSON.parse(answer.body) as Domain;
}

export interface TlsClient {
  readonly port: number;
  readonly hostname: string;
  /** PEM of the root that the chain is checked to. */
  readonly ca: string;
}

/** The answer to `GET /`, head and body. */
export function overTls({ port, hostname, ca }: TlsClient): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername: hostname, ca }, () => {
      socket.write(`GET / HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.on('error', reject).on('end', () => resolve(text));
  });
}
