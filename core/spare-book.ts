/** Who spare sandboxes have become: the words of who takes them and of who remembers it. */

/** Plain JSON. */
export interface SpareIdentity {
  /** As of a pause container that had been made for the replica. */
  readonly labels: Readonly<Record<string, string>>;
  /** The network of its app. */
  readonly network: string;
  /** As if the pause container EXPOSEd it; null: none. */
  readonly exposedPort: number | null;
  /** False: it may not be in that network yet. Left out of those that were kept before this was: it is. */
  readonly joined?: boolean;
}

/** Of the spares of one host, by container id. */
export interface SpareBook {
  get(containerId: string): SpareIdentity | null;
  ids(): readonly string[];
  /** Resolves when it would survive a crash. @throws TidegateError of the `store.` family */
  put(containerId: string, identity: SpareIdentity): Promise<void>;
  /** The container is gone. */
  drop(containerId: string): void;
}
