/**
 * What control and workers say to each other: plain data, in order, over a channel that loses nothing while both live.
 * Whoever finds that the other speaks another protocol does not talk to it.
 */
import type { ChallengeCertificate } from '#certs/challenges';
import type { Endpoint, RouteSpec, SetKey, SetPolicy } from '#core/set';
import type { GatewayCounts } from '#gateway/gateway';
import type { Admission, KnockAnswer, WakePhases } from '#router/admission';
import type { Health } from '#router/health';
import type { RevisionWish } from '#router/revision-wish';

/** Grows with every change of what is said here. */
export const PROTOCOL = 6;

/** One activation of one replica, as control knows it. */
export interface UpstreamPicture {
  /** Given by control; never given twice by the same control. */
  readonly id: number;
  readonly set: SetKey;
  readonly replica: string;
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly revision: string | null;
  readonly weight: number;
  readonly run: string | null;
  readonly health: Health;
  readonly draining: boolean;
}

/** What a worker still knows from an earlier control. */
export interface CarriedUpstream {
  readonly activation: string;
  readonly inFlight: number;
  /** Slots it was leased. */
  readonly slots: number;
}

/** What a gateway counts. */
export type TrafficCounts = Pick<GatewayCounts, 'sets' | 'revisions' | 'doors'>;

/** What became of a request for admission that does not end at an upstream. */
export type TurnedDown = Exclude<Admission, { outcome: 'admitted' }>;

export type ToWorker =
  /** Routes and policy of a set, new or changed. */
  | { readonly kind: 'set'; readonly set: SetKey; readonly policy: SetPolicy; readonly routes: readonly RouteSpec[] }
  | { readonly kind: 'set-gone'; readonly set: SetKey }
  | { readonly kind: 'up'; readonly upstream: UpstreamPicture }
  | {
      readonly kind: 'changed';
      readonly id: number;
      readonly health: Health;
      readonly draining: boolean;
      readonly weight: number;
    }
  | { readonly kind: 'down'; readonly id: number }
  /** Everything that is known has been said. */
  | { readonly kind: 'complete' }
  /** Sets and upstreams from an earlier control that were not named since are gone. */
  | { readonly kind: 'sweep' }
  /** Give the replica nothing that was not named as up, and say when that holds. */
  | { readonly kind: 'clear'; readonly clearance: number; readonly replica: string }
  | {
      readonly kind: 'admitted';
      readonly request: number;
      readonly id: number;
      /** With a slot that stays with the worker. */
      readonly slot: boolean;
      /** It had to wait for a wake. */
      readonly woke: boolean;
      readonly phases?: WakePhases;
    }
  | { readonly kind: 'turned-down'; readonly request: number; readonly admission: TurnedDown }
  | { readonly kind: 'knocked'; readonly request: number; readonly answer: KnockAnswer }
  /** Requests that the others have in flight, by upstream. */
  | { readonly kind: 'elsewhere'; readonly counts: readonly (readonly [id: number, inFlight: number])[] }
  /** Others wait for room in this set: ask for every request, and give back every slot. */
  | { readonly kind: 'wanted'; readonly set: SetKey; readonly wanted: boolean }
  /** Tokens that other workers took from the rate buckets of a set. */
  | { readonly kind: 'taken'; readonly taken: readonly TakenTokens[] }
  | { readonly kind: 'collect'; readonly round: number }
  /** An answer to a certificate authority, new or gone. Round 0: nobody waits to hear that it is shown. */
  | { readonly kind: 'challenge'; readonly round: number; readonly change: ChallengeChange }
  /** Another certificate may be right for these names; null: for any. */
  | { readonly kind: 'certificates'; readonly names: readonly string[] | null };

/** Null where an answer is taken back. */
export type ChallengeChange =
  | { readonly type: 'http'; readonly token: string; readonly authorization: string | null }
  | { readonly type: 'tls'; readonly hostname: string; readonly certificate: ChallengeCertificate | null };

export interface TakenTokens {
  readonly set: SetKey;
  readonly key: string;
  readonly tokens: number;
}

/** Changes since the last count of one upstream. `quiet` 1: none of them counts as use of the set. */
export type CountChange = readonly [id: number, inFlight: number, claims: number, slotsReturned: number, quiet?: 1];

export type ToControl =
  | { readonly kind: 'hello'; readonly protocol: number; readonly carried: readonly CarriedUpstream[] }
  | { readonly kind: 'counts'; readonly changes: readonly CountChange[] }
  /** `busy`: something from an earlier control is still in flight; a second answer follows. */
  | { readonly kind: 'cleared'; readonly clearance: number; readonly busy: boolean }
  | {
      readonly kind: 'admit';
      readonly request: number;
      readonly set: SetKey;
      readonly client: string;
      readonly bytes: number;
      readonly hash: number;
      readonly wish: RevisionWish | null;
      readonly tried: readonly number[] | null;
    }
  | { readonly kind: 'cancel'; readonly request: number }
  | { readonly kind: 'knock'; readonly request: number; readonly set: SetKey }
  | { readonly kind: 'suspect'; readonly id: number }
  /** A replica said in an answer that it is at work for so long yet. */
  | { readonly kind: 'leased'; readonly set: SetKey; readonly replica: string; readonly forMs: number }
  | { readonly kind: 'taken'; readonly taken: readonly TakenTokens[] }
  | { readonly kind: 'collected'; readonly round: number; readonly counts: TrafficCounts }
  | { readonly kind: 'shown'; readonly round: number }
  /** Clients come for a hostname that has a route, but no certificate. */
  | { readonly kind: 'uncertified'; readonly hostname: string };

/** Tells one activation of a replica from every other, also over a restart of control. */
export function activationOf(one: {
  readonly replica: string;
  readonly run: string | null;
  readonly endpoints: readonly Endpoint[];
}): string {
  return JSON.stringify([one.replica, one.run, one.endpoints]);
}
