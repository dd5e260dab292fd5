/** Audit records: who asked for a change, of what, from where, and what came of it. Names of fields, never their values. */

/** Of a request that was asked to change something. */
export interface AuditDraft {
  /** Who asked; null: nobody that is known. */
  readonly principal: { readonly id: string; readonly name: string; readonly operator: boolean } | null;
  /** Whom it was for; null: it is about no tenant in particular, or nobody knows. */
  readonly tenant: string | null;
  readonly method: string;
  /** As in the OpenAPI document: `/v1/apps/{app}/sets/{set}/scale`. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  /** Address of the client; null: it is not known. */
  readonly client: string | null;
  /** Names of the fields of the body. */
  readonly fields: readonly string[];
  readonly dryRun: boolean;
}

export interface AuditOutcome {
  readonly status: number;
  /** Of the problem it was answered with; null: it was done. */
  readonly code: string | null;
}

export interface AuditRecord extends AuditDraft {
  /** `aud_<ulid>`; sorts by age. */
  readonly id: string;
  /** Ms since the epoch. */
  readonly at: number;
  /** Null: it was begun, and nobody knows what came of it. */
  readonly outcome: AuditOutcome | null;
  /** Refused requests of the same principal just before, which were too many to keep one by one. */
  readonly omitted: number;
}
