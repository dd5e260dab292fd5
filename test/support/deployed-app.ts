/** Apps that tests make through the admin API, and what became of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TidegateProcess } from './tidegate.ts';

export interface OperationSeen {
  readonly id: string;
  readonly state: string;
  readonly phase: string;
  readonly steps: readonly { readonly name: string; readonly ms: number }[];
  readonly error: { readonly code: string; readonly detail: string; readonly data?: Record<string, unknown> } | null;
  readonly result: Record<string, unknown> | null;
}

export interface WishedSeen {
  readonly revision: string | null;
  readonly deployment: string | null;
  readonly operation: string | null;
}

const ENDED = ['succeeded', 'failed', 'canceled'];
const WAIT_MS = 120_000;
const EVERY_MS = 20;

export interface HelloSet {
  readonly image: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More of the set, in the API's own words. */
  readonly more?: Readonly<Record<string, unknown>>;
  readonly app?: string;
  readonly set?: string;
  readonly strategy?: string;
}

/** PUTs a set of the example app. */
export async function putHello(tidegate: TidegateProcess, options: HelloSet): Promise<WishedSeen> {
  const { image, env = {}, more = {}, app = 'shop', set = 'web', strategy = 'rolling' } = options;
  const body = {
    containers: [{ name: 'main', image, options: { env } }],
    port: 8080,
    health: { path: '/healthz', interval: '500ms' },
    ...more,
  };
  return await tidegate.adminJson<WishedSeen>(`/v1/apps/${app}/sets/${set}?strategy=${strategy}`, {
    method: 'PUT',
    body: JSON.stringify(body),
  });
}

/** The end of an operation, whatever it is. */
export async function endOf(tidegate: TidegateProcess, operation: string | null): Promise<OperationSeen> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const seen = await tidegate.adminJson<OperationSeen>(`/v1/operations/${operation}`);
    if (ENDED.includes(seen.state)) return seen;
    if (performance.now() > deadline) throw new Error(`operation does not end: ${JSON.stringify(seen)}`);
    await sleep(EVERY_MS);
  }
}

/** PUTs a set and waits until it is in force. @throws Error when it will not be */
export async function deployHello(tidegate: TidegateProcess, options: HelloSet): Promise<OperationSeen | null> {
  const { operation } = await putHello(tidegate, options);
  if (operation === null) return null;
  const end = await endOf(tidegate, operation);
  if (end.state !== 'succeeded') throw new Error(`the deployment ${end.state}: ${JSON.stringify(end, null, 1)}`);
  return end;
}
