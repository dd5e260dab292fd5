/** What the API answers, as far as commands read it; docs/openapi.json says all of it. */

export interface Me {
  readonly id: string;
  readonly name: string;
  readonly operator: boolean;
  readonly tenant: string;
  readonly scopes: readonly string[];
  readonly role: string | null;
  readonly resources: readonly string[];
  readonly cidrs: readonly string[];
  readonly expires_at: string | null;
}

export interface App {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly sets: readonly {
    readonly name: string;
    readonly state: string;
    readonly tier: string;
    readonly ready: number;
    readonly replicas: number;
    readonly hostnames: readonly string[];
    readonly conditions: readonly SetCondition[];
  }[];
}

/** What stands against a set, or does not. */
export interface SetCondition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly since: string | null;
}

export interface Replica {
  readonly name: string;
  readonly host: string;
  readonly phase: string;
  readonly tier: string;
  readonly in_flight: number;
  readonly started_at: string | null;
  readonly unroutable: string | null;
}

export interface AppSet {
  readonly name: string;
  readonly app: string;
  readonly replicas: readonly Replica[];
}

export interface Scale {
  readonly min: number;
  readonly max: number;
  readonly replicas: number;
  readonly ready: number;
  readonly override: { readonly by: string; readonly at: string } | null;
  readonly labels: { readonly min: number; readonly max: number };
}

export interface EventItem {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly app: string | null;
  readonly set: string | null;
  readonly host: string | null;
  readonly cause: string;
}

export interface RouteItem {
  readonly hostname: string;
  readonly path: string;
  readonly strip: boolean;
  readonly port: number | null;
  readonly app: string;
  readonly set: string;
  readonly origin: string;
}

export interface RouteConflict {
  readonly hostname: string;
  readonly path: string;
  readonly holder: string | null;
  readonly claimant: string | null;
}

export interface Resolution {
  readonly url: string;
  readonly outcome: string;
  readonly answer: string;
  readonly route: RouteItem | null;
  readonly upstream_path: string | null;
  readonly state: string | null;
  readonly conflicts: readonly RouteConflict[];
  readonly nearest: string | null;
  readonly why: readonly string[];
}

export interface Diagnosis {
  readonly code: string;
  readonly detail: string;
  readonly fix: string;
  readonly wanted?: readonly string[];
  readonly seen?: readonly string[];
  readonly resolver?: string;
}

export interface Issuance {
  readonly state: string;
  readonly id: string | null;
  readonly last_error: { readonly type: string; readonly detail: string; readonly at: string } | null;
  readonly next_attempt_at: string | null;
}

export interface Domain {
  readonly id: string;
  readonly hostname: string;
  readonly app: string;
  readonly set: string | null;
  readonly path: string;
  readonly status: string;
  readonly records: readonly {
    readonly type: string;
    readonly name: string;
    readonly value: string;
    readonly purpose: string;
    readonly state: string;
    readonly seen: readonly string[];
  }[];
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly certificate: Issuance;
  readonly diagnosis: readonly Diagnosis[];
  readonly checked_at: string | null;
  readonly next_check_at: string | null;
}

export interface DomainFindings {
  readonly hostname: string;
  readonly diagnosis: readonly Diagnosis[];
  readonly records: readonly {
    readonly resolver: string;
    readonly type: string;
    readonly name: string;
    readonly wanted: readonly string[];
    readonly seen: readonly string[];
    readonly fault: string | null;
  }[];
}

export interface Certificate {
  readonly id: string;
  readonly names: readonly string[];
  readonly state: string;
  readonly issuer: string;
  readonly serial: string;
  readonly key_type: string;
  readonly not_before: string;
  readonly not_after: string;
  readonly renewal: { readonly window_start: string | null; readonly window_end: string | null };
  readonly last_shown_at: string | null;
  readonly issuance: Issuance | null;
}

export interface Authority {
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  readonly names: readonly string[];
}

export interface Host {
  readonly name: string;
  readonly state: string;
  readonly cause: string | null;
  readonly engine: { readonly version: string; readonly api_version: string } | null;
  readonly replicas: number;
}

export interface LogItem {
  readonly id: string;
  readonly at: string;
  readonly set: string;
  readonly name: string;
  readonly member: string | null;
  readonly stream: 'stdout' | 'stderr' | 'gap';
  readonly text: string;
  readonly cut: boolean;
}
