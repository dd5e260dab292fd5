/**
 * The state port: what Tidegate remembers over a restart. Whatever a method has acknowledged (its promise resolved) is
 * there again after a kill -9. Implementations are interchangeable; one contract test runs against each of them.
 *
 * Every method may reject with a TidegateError of the `store.` family.
 */
import type { Event } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';

/** Events kept; older ones are dropped. */
export const EVENTS_KEPT = 10_000;

/** What a person or a program asked for beside the labels; a null field follows the labels. */
export interface ScaleRecord {
  readonly min: number | null;
  readonly max: number | null;
  readonly replicas: number | null;
  /** Who asked: the name of a token. */
  readonly by: string;
  /** Ms since the epoch. */
  readonly at: number;
}

export const SLEEP_TIERS = ['frozen', 'stopped'] as const;
export type SleepTier = (typeof SLEEP_TIERS)[number];

/** That Tidegate itself, and nobody else, put a replica to sleep. */
export interface SleepNote {
  readonly tier: SleepTier;
  /** Frozen through the cgroup freezer, behind the Engine's back. */
  readonly direct: boolean;
  /** Ms since the epoch. */
  readonly at: number;
}

/** The last good picture of one host. */
export interface HostPicture {
  readonly sets: readonly SetSnapshot[];
  /** Ms since the epoch. */
  readonly at: number;
}

/** A token as it rests: enough to recognise it, not enough to use it. */
export interface TokenRecord {
  /** `op_<ulid>`. */
  readonly id: string;
  readonly kind: 'op';
  /** SHA-256 of the whole token, 32 bytes. */
  readonly sha256: Uint8Array;
  /** Ms since the epoch. */
  readonly createdAt: number;
}

export interface Store {
  scales(): Promise<ReadonlyMap<SetKey, ScaleRecord>>;
  putScale(key: SetKey, scale: ScaleRecord): Promise<void>;
  /** Back to the labels. Dropping what is not there is no error, here and below. */
  dropScale(key: SetKey): Promise<void>;

  /** By replica id, `<host>/<container id>`. */
  sleeping(): Promise<ReadonlyMap<string, SleepNote>>;
  putSleeping(replica: string, note: SleepNote): Promise<void>;
  dropSleeping(replica: string): Promise<void>;

  /** By host. Pictures that another version of Tidegate drew in another shape are left out. */
  pictures(): Promise<ReadonlyMap<string, HostPicture>>;
  /** Takes the place of the whole picture of the host. */
  putPicture(host: string, picture: HostPicture): Promise<void>;
  dropPicture(host: string): Promise<void>;

  /** Adds events in one step, all or none, and drops the oldest beyond {@link EVENTS_KEPT}. */
  appendEvents(events: readonly Event[]): Promise<void>;
  /** The last `limit` events, oldest first. */
  lastEvents(limit: number): Promise<readonly Event[]>;

  tokens(): Promise<readonly TokenRecord[]>;
  /** Adds a token, or takes the place of the one with its id. */
  putToken(token: TokenRecord): Promise<void>;
  dropToken(id: string): Promise<void>;

  /** Lets go of file, lock or connection. Closing twice is no error. */
  close(): Promise<void>;
}
