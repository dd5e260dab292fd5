/** What the API answers of tokens, tenants, plans, usage and audit, as far as commands read it. */

export interface Token {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly role: string | null;
  readonly resources: readonly string[];
  readonly cidrs: readonly string[];
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
}

export interface MadeToken extends Token {
  readonly token: string | null;
}

export interface Tenant {
  readonly name: string;
  readonly plan: string;
  readonly state: string;
  readonly created_at: string | null;
}

export interface Plan {
  readonly name: string;
  readonly limits: Readonly<Record<string, number | null>>;
  readonly wakes: Readonly<Record<string, number | null>>;
  readonly allowances: Readonly<Record<string, boolean>>;
  readonly built_in: boolean;
}

export interface Usage {
  readonly tenant: string;
  readonly plan: string | null;
  readonly used: Readonly<Record<string, number>>;
  readonly limits: Readonly<Record<string, number | null>>;
}

export interface AuditItem {
  readonly id: string;
  readonly at: string;
  readonly actor: { readonly id: string; readonly name: string } | null;
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly status: number | null;
  readonly code: string | null;
  readonly client: string | null;
  readonly fields: readonly string[];
  /** It is under way. */
  readonly pending: boolean;
  readonly dry_run: boolean;
}
