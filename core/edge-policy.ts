/**
 * What the gateway does to requests and answers of a set on its behalf, as far as the set asks for it. Plain values that
 * survive JSON; whoever follows them compiles them once. Everything is off unless asked for.
 */

/** Ejection of upstreams that answer with errors while the others do not. */
export interface OutlierPolicy {
  /** Errors in a row that eject. */
  readonly errors: number;
  /** Time out of the pool for the first time; grows with repeats. */
  readonly timeMs: number;
}

export interface HeaderRules {
  /** Replaces what is there. */
  readonly set: readonly (readonly [name: string, value: string])[];
  /** Lower case. */
  readonly remove: readonly string[];
}

export interface HeaderPolicy {
  readonly request: HeaderRules;
  readonly response: HeaderRules;
}

/** Sharing between origins as the Fetch standard has it (3.2, "CORS protocol"). */
export interface CorsPolicy {
  /** `https://app.example.com`, `https://*.example.com`; `*`: any. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** Null: whatever the client asks for. */
  readonly headers: readonly string[] | null;
  readonly expose: readonly string[];
  readonly credentials: boolean;
  /** How long a preflight answer may be kept; null: the client decides. */
  readonly maxAgeS: number | null;
}

export interface BasicAuthPolicy {
  readonly users: readonly { readonly name: string; readonly hash: string }[];
  readonly realm: string;
  /** Whether Authorization goes on to the container. */
  readonly forward: boolean;
}

/** Addresses and CIDRs of clients. */
export interface ClientPolicy {
  /** Empty: everybody. */
  readonly allow: readonly string[];
  /** Wins over `allow`. */
  readonly deny: readonly string[];
}

export const REDIRECT_STATUSES = ['301', '302', '307', '308'] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

export interface RedirectPolicy {
  /** Origin and perhaps a path, without a slash at its end: path and query of the request follow. Null: nowhere. */
  readonly to: string | null;
  readonly status: RedirectStatus;
  readonly www: 'off' | 'add' | 'remove';
}

export const CODINGS = ['zstd', 'br', 'gzip'] as const;
/** Content coding (RFC 9110 8.4.1). */
export type Coding = (typeof CODINGS)[number];

/** HTTP Strict Transport Security (RFC 6797). */
export interface HstsPolicy {
  readonly maxAgeS: number;
  readonly subdomains: boolean;
  readonly preload: boolean;
}

/** Clients are asked for a certificate in the TLS handshake. */
export interface ClientCertificatePolicy {
  /** Name of the authority that has to have signed it. */
  readonly authority: string;
  /** Whoever sends none is served all the same. */
  readonly optional: boolean;
}

export const IGNORE_KINDS = ['ua', 'path', 'ip', 'method'] as const;

/** Whose requests wake nothing: by User-Agent or path (`*` for any characters), network of the client, or method. */
export interface IgnoreRule {
  readonly kind: (typeof IGNORE_KINDS)[number];
  readonly value: string;
}

/** The part of a set's policy that is followed at the edge; null: off. */
export interface EdgePolicy {
  readonly headers: HeaderPolicy | null;
  readonly cors: CorsPolicy | null;
  readonly auth: BasicAuthPolicy | null;
  readonly clients: ClientPolicy | null;
  readonly clientCertificates: ClientCertificatePolicy | null;
  readonly redirect: RedirectPolicy | null;
  /** In order of preference. */
  readonly compress: readonly Coding[] | null;
  readonly hsts: HstsPolicy | null;
  /** Any of them. */
  readonly wakeIgnore: readonly IgnoreRule[] | null;
}

export const NO_EDGE_POLICY: EdgePolicy = {
  headers: null,
  cors: null,
  auth: null,
  clients: null,
  clientCertificates: null,
  redirect: null,
  compress: null,
  hsts: null,
  wakeIgnore: null,
};
