/**
 * The port through which the gateway asks for an upstream when its pool has none to give. Held requests wait here, a
 * sleeping set is woken, and the outcome is a value: nobody is left without an answer.
 */
import type { Pool } from './pool.ts';
import type { RevisionWish } from './revision-wish.ts';
import type { Upstream } from './upstream.ts';

export interface AdmissionRequest {
  /** Who asks, for fairness among those held: the address of the client. */
  readonly client: string;
  /** Bytes this request takes while held (head and what of the body was read already). */
  readonly bytes: number;
  /** As in {@link Pool.claim}. */
  readonly hash: number;
  /** The revision where it belongs; null, or left out: any, by weight. */
  readonly wish?: RevisionWish | null;
  /** Upstreams that failed this request already. */
  readonly tried: readonly Upstream[] | null;
}

/** How deep the set slept. */
export type WakeTier = 'frozen' | 'sandbox' | 'stopped' | 'absent';

/** The parts of a wait for a wake, in ms. */
export interface WakePhases {
  readonly tier: WakeTier;
  /** Until the Engine was asked, with the wait for a turn. */
  readonly decideMs: number;
  /** Until a container could be dialled. */
  readonly engineMs: number;
  /** Until it answered its probe. */
  readonly probeMs: number;
  /** Until the request had its own turn. */
  readonly queueMs: number;
}

export type Admission =
  | {
      readonly outcome: 'admitted';
      /** Claimed already: release it when the request ends. */
      readonly upstream: Upstream;
      /** How long the request waited for a wake, in ms; null: the set was not asleep. */
      readonly wakeMs: number | null;
      /** Where that time went; not given: it is not known, or the set was not asleep. */
      readonly phases?: WakePhases;
    }
  /** The waiting room is full: 503 `waiting_room_full`. */
  | { readonly outcome: 'shed'; readonly retryAfterS: number }
  /** Nothing became ready in time (503 `wake_timeout`), or the signal was aborted. */
  | { readonly outcome: 'timed-out'; readonly retryAfterS: number }
  /** Nothing will become ready. */
  | { readonly outcome: 'stopped'; readonly code: HopelessCode; readonly retryAfterS: number };

/**
 * Stopped by a person (503 `stopped`); no replica can be had (503 `no_replicas`); the tenant wakes more than its plan allows
 * (429 `wake_limited`).
 */
export type HopelessCode = 'stopped' | 'no_replicas' | 'wake_limited';

/** Why nobody is woken; null: the wake is on its way. */
export type KnockAnswer = { readonly code: HopelessCode; readonly retryAfterS: number } | null;

export interface Admitter {
  /** Holds the request until an upstream is claimed for it or it is turned away. Ends at once when `signal` aborts. */
  admit(pool: Pool, request: AdmissionRequest, signal: AbortSignal): Promise<Admission>;
  /** Wakes the set without waiting: for the waiting page. A promise where another process knows. */
  knock(pool: Pool): KnockAnswer | Promise<KnockAnswer>;
}
