/** Who asks: the bearer of a token, with all that it may do. */
import { ACCESS_SCOPES, type AccessScope, type TokenKind } from '#core/access-scope';

export interface Principal {
  /** Names the token without giving it away; stands in events, settings and audit records as who asked. */
  readonly id: string;
  /** What its maker called it. */
  readonly name: string;
  readonly kind: TokenKind;
  /** Whose it is; null: an operator's, who acts for the tenant that the request names. */
  readonly tenant: string | null;
  readonly scopes: readonly AccessScope[];
  /** Apps it is limited to, as `app:<name>` or `app:<beginning>*`; none: all of the tenant. */
  readonly resources: readonly string[];
  /** Networks it may be used from; none: all. */
  readonly cidrs: readonly string[];
  /** Ms since the epoch; null: never. */
  readonly expiresAt: number | null;
  /** Operators see what belongs to no tenant (hosts), and act for the tenant they name. */
  readonly operator: boolean;
  /** Aborts when the token is in force no more: what it holds open ends. */
  readonly ended: AbortSignal;
}

const NEVER = new AbortController().signal;

/** An operator whom nothing limits: the bearer of the operator token. */
export function operatorOf(id: string): Principal {
  return {
    ...{ id, name: 'operator', kind: 'op', tenant: null, operator: true, scopes: [...ACCESS_SCOPES] },
    ...{ resources: [], cidrs: [], expiresAt: null, ended: NEVER },
  };
}
