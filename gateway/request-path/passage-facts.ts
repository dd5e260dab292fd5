/**
 * What a passage is given: the tools that all passages share, and the facts of its request.
 */
import type { Route } from '#router/route-table';
import type { Deadlines } from '../deadlines.ts';
import type { Exchange } from '../exchange.ts';
import type { OutgoingRequest } from '../upstream/upstream-call.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import type { Account } from './account.ts';
import type { SearchTools } from './search.ts';
import type { SetTraffic } from './set-traffic.ts';

/** What all passages share. */
export interface PassageTools extends SearchTools {
  readonly upstreams: UpstreamClient;
  readonly deadlines: Deadlines;
  readonly onOver: () => void;
}

export interface PassageFacts {
  readonly exchange: Exchange;
  readonly route: Route;
  readonly traffic: SetTraffic;
  readonly account: Account;
  readonly request: OutgoingRequest;
  /** What `hash:…` balancing goes by. */
  readonly hash: number;
  /** Tag from the sticky cookie of the client; null: it has none. */
  readonly tag: string | null;
  /** The client's own connection is encrypted. */
  readonly secure: boolean;
  /** May be asked twice to the same effect (RFC 9110 9.2.2). */
  readonly idempotent: boolean;
  /** The client waits for 100 before it sends its body. */
  readonly expect100: boolean;
  /** A waiting page may be shown instead of holding the request. */
  readonly page: boolean;
}
