/**
 * The state port: what Tidegate remembers over a restart. Whatever a method has acknowledged (its promise resolved) is
 * there again after a kill -9. Implementations are interchangeable; one contract test runs against each of them.
 *
 * Every method may reject with a TidegateError of the `store.` family.
 */
import type { Event } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';

/** Grows with every change of SetSnapshot that an older picture would not fit. */
export const PICTURE_SHAPE = 1;

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

export const SLEEP_TIERS = ['frozen', 'sandbox', 'stopped'] as const;
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

/** What a keeper remembers in a shape of its own, by kind and id. */
export interface StoredDocument {
  readonly id: string;
  /** Grows with every write, also over a removal: no version ever comes back. */
  readonly version: number;
  /** What JSON can say. */
  readonly body: unknown;
}

/** The version a document has to have for a write to happen; null: there must be none yet; undefined: whatever it is. */
export type ExpectedVersion = number | null | undefined;

/** One write of several: a new body, or `drop`. */
export type DocumentChange = {
  readonly kind: string;
  readonly id: string;
  readonly expected?: ExpectedVersion;
} & ({ readonly body: unknown; readonly drop?: never } | { readonly drop: true; readonly body?: never });

/** A time-bound, fenced right. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows with every new holder, and whenever a lease had lapsed in between. */
  readonly fence: number;
  /** Ms since the epoch: from then on another may have it. */
  readonly until: number;
}

/** A certificate as it rests: its key sealed, and what is not searched for in `body`. */
export interface CertificateRow {
  readonly id: string;
  readonly tenant: string | null;
  /** Normalised hostnames, wildcards as `*.name`. */
  readonly names: readonly string[];
  /** PEM. */
  readonly chain: string;
  readonly sealedKey: Uint8Array;
  /** Ms since the epoch, as all three. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly createdAt: number;
  /** What JSON can say. */
  readonly body: unknown;
}

export interface CertificatePage {
  /** Id of the last one seen; null: from the beginning. */
  readonly after: string | null;
  readonly limit: number;
  /** Of this tenant alone; null: of none; not given: all. */
  readonly tenant?: string | null | undefined;
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
  /** Forgets all of them. */
  dropEvents(): Promise<void>;

  tokens(): Promise<readonly TokenRecord[]>;
  /** Adds a token, or takes the place of the one with its id. */
  putToken(token: TokenRecord): Promise<void>;
  dropToken(id: string): Promise<void>;

  /** In the order of their ids. */
  documents(kind: string): Promise<readonly StoredDocument[]>;
  /** The same in pages of `size` at most, for whoever must not hold them all. */
  documentPages(kind: string, size: number): AsyncIterable<readonly StoredDocument[]>;
  document(kind: string, id: string): Promise<StoredDocument | null>;
  /** Kinds of which there are documents. */
  documentKinds(): Promise<readonly string[]>;
  /** Returns the new version. @throws TidegateError `store.conflict` */
  putDocument(kind: string, id: string, body: unknown, expected?: ExpectedVersion): Promise<number>;
  /** @throws TidegateError `store.conflict` when it has not the version that is given */
  dropDocument(kind: string, id: string, expected?: number): Promise<void>;
  /** Several writes, all or none. @throws TidegateError `store.conflict` */
  changeDocuments(changes: readonly DocumentChange[]): Promise<void>;

  /**
   * Null: another holds it. Who holds it already has it longer, with the same fence.
   * @param now ms since the epoch
   */
  acquireLease(name: string, holder: string, ttlMs: number, now: number): Promise<Lease | null>;
  /** Lets the next one have it; a lease that another has taken over stays theirs. */
  releaseLease(lease: Lease): Promise<void>;
  /** Whether the lease is in force with this fence, however it was prolonged since. */
  holdsLease(lease: Lease, now: number): Promise<boolean>;

  /**
   * Adds a certificate, or takes the place of the one with its id.
   * @param lease written only while it is in force: no other can take it in between
   * @throws TidegateError `store.conflict` when the lease is not held
   */
  putCertificate(row: CertificateRow, lease?: Lease & { readonly now: number }): Promise<void>;
  certificate(id: string): Promise<CertificateRow | null>;
  /** In the order of their ids. */
  certificates(page: CertificatePage): Promise<readonly CertificateRow[]>;
  /** Those that carry exactly this name, the newest first. */
  certificatesOf(name: string): Promise<readonly CertificateRow[]>;
  dropCertificate(id: string): Promise<void>;

  /** Lets go of file, lock or connection. Closing twice is no error. */
  close(): Promise<void>;
}
