/**
 * What a passage is given: the tools that all passages share, and the facts of its request.
 */
import type { Route } from '#router/route-table';
import { hashText } from '#router/upstream';
import type { Deadlines } from '../deadlines.ts';
import type { Exchange } from '../exchange.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { AnswerTerms, CompiledPolicy } from '../policies/compiled-policy.ts';
import type { UpstreamClient } from '../upstream/upstream-client.ts';
import { Account, type AccountBook } from './account.ts';
import { type Origin, Outgoing } from './origin.ts';
import type { Passage } from './passage.ts';
import type { VisitorWish } from './revision-choice.ts';
import type { SearchTools } from './search.ts';
import type { SetTraffic } from './set-traffic.ts';

/** What all passages share. */
export interface PassageTools extends SearchTools {
  readonly upstreams: UpstreamClient;
  readonly deadlines: Deadlines;
  /** @param reusable nothing can reach the passage any more: it may serve another request */
  readonly onOver: (reusable: Passage | null) => void;
}

/** Written anew for each request of a passage; the account is opened with it. */
export class PassageFacts {
  readonly account: Account;
  readonly request = new Outgoing();
  exchange: Exchange;
  route: Route;
  traffic: SetTraffic;
  /** What `hash:…` balancing goes by. */
  hash = 0;
  /** Tag from the sticky cookie of the client; null: it has none. */
  tag: string | null = null;
  /** The revision where the request belongs; null: any, by weight. */
  wish: VisitorWish | null = null;
  /** It does not count as use of the set. */
  quiet = false;
  /** The client's own connection is encrypted. */
  secure = false;
  /** May be asked twice to the same effect (RFC 9110 9.2.2). */
  idempotent = false;
  /** The client waits for 100 before it sends its body. */
  expect100 = false;
  /** A waiting page may be shown instead of holding the request. */
  page = false;
  /** What the set asks of the edge; null: nothing. */
  edge: CompiledPolicy | null = null;
  /** What the answer depends on, if the set asks for anything. */
  terms: AnswerTerms | null = null;

  constructor(book: AccountBook, first: { exchange: Exchange; route: Route; traffic: SetTraffic }) {
    this.account = new Account(book);
    this.exchange = first.exchange;
    this.route = first.route;
    this.traffic = first.traffic;
  }
}

/** What `hash:…` balancing goes by. */
export function hashOf(head: RequestHead, origin: Origin, route: Route): number {
  const { lb } = route.pool.policy;
  if (lb.kind === 'hash-ip') return hashText(origin.client);
  if (lb.kind === 'hash-header') return hashText(head.field(lb.header) ?? '');
  return 0;
}
