/** Tokens as the API takes and shows them; what is wrong with a wish for one. */
import { z } from '@hono/zod-openapi';
import {
  ACCESS_SCOPES,
  type AccessScope,
  isAppResource,
  ROLES,
  type Role,
  roleOf,
  TOKEN_KINDS,
} from '#core/access-scope';
import { isName } from '#core/name';
import { readNetwork } from '#core/networks';
import type { TokenGrant, TokenView } from '#tenants/token-record';
import type { Fault } from './problem.ts';
import { timeOf } from './time.ts';

const LIST_MAX = 50;

export const NewToken = z
  .strictObject({
    name: z.string().openapi({ description: 'Unique within the tenant.', example: 'ci' }),
    kind: z
      .enum(TOKEN_KINDS)
      .default('pat')
      .openapi({ description: '`pat`: of a person; `svc`: of a service; `dep`: of a pipeline; `op`: of an operator.' }),
    scopes: z
      .array(z.enum(ACCESS_SCOPES))
      .max(ACCESS_SCOPES.length)
      .optional()
      .openapi({ description: 'Each holds those before it. Either these or `role`.', example: ['deploy'] }),
    role: z
      .enum(Object.keys(ROLES) as [Role, ...Role[]])
      .optional()
      .openapi({
        description: 'Another name for a scope: viewer reads, developer deploys, manager manages, owner administers.',
      }),
    resources: z
      .array(z.string())
      .max(LIST_MAX)
      .default([])
      .openapi({ description: 'Apps it is limited to, `app:shop` or `app:shop-*`; none: all.', example: ['app:shop'] }),
    expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
    cidrs: z
      .array(z.string())
      .max(LIST_MAX)
      .default([])
      .openapi({ description: 'Networks it may be used from; none: all.', example: ['10.0.0.0/8'] }),
  })
  .openapi('NewToken');

export const TokenShape = z
  .object({
    id: z.string().openapi({ example: 'tok_01JD…' }),
    name: z.string(),
    kind: z.enum(TOKEN_KINDS),
    tenant: z.string().nullable().openapi({ description: 'Null: it is an operator’s.' }),
    scopes: z.array(z.enum(ACCESS_SCOPES)),
    role: z.string().nullable(),
    resources: z.array(z.string()),
    cidrs: z.array(z.string()),
    expires_at: z.string().nullable(),
    created_at: z.string(),
    created_by: z.string().openapi({ description: 'Id of the token that made it.' }),
    last_used_at: z.string().nullable().openapi({ description: 'To about a minute.' }),
  })
  .openapi('Token');

export const MadeTokenShape = TokenShape.extend({
  token: z
    .string()
    .nullable()
    .openapi({ description: 'Shown this once. Null where the answer is given again for an `Idempotency-Key`.' }),
}).openapi('MadeToken');

export function tokenJson(token: TokenView): z.input<typeof TokenShape> {
  const { id, name, kind, tenant, scopes, resources, cidrs } = token;
  return {
    ...{ id, name, kind, tenant, scopes: [...scopes], role: tenant === null ? 'operator' : roleOf(scopes) },
    ...{ resources: [...resources], cidrs: [...cidrs], expires_at: timeOf(token.expiresAt) },
    ...{ created_at: timeOf(token.createdAt), created_by: token.by, last_used_at: timeOf(token.lastUsedAt) },
  };
}

/** What is asked for, or what is wrong with it. @param now ms since the epoch */
export function grantOf(
  wish: z.output<typeof NewToken>,
  { tenant, now }: { readonly tenant: string; readonly now: number },
): TokenGrant | readonly Fault[] {
  const faults: Fault[] = [];
  const wrong = (pointer: string, code: string, detail: string): void => void faults.push({ pointer, code, detail });
  const { name, kind, role, resources } = wish;
  if (!isName(name)) {
    wrong('/name', 'bad_name', 'A name has up to 40 lower-case letters, digits and hyphens, and begins with a letter.');
  }
  const scopes: readonly AccessScope[] = role === undefined ? (wish.scopes ?? []) : [ROLES[role]];
  if (scopes.length === 0 || (role !== undefined && wish.scopes !== undefined)) {
    wrong('/scopes', 'bad_scopes', `Give scopes (${ACCESS_SCOPES.join(', ')}) or a role, one of the two.`);
  }
  for (const [index, one] of resources.entries()) {
    if (isAppResource(one)) continue;
    wrong(`/resources/${index}`, 'bad_resource', 'A resource is "app:" and a name, or the beginning of names and "*".');
  }
  const cidrs = wish.cidrs.map(readNetwork);
  for (const [index, one] of cidrs.entries()) {
    if (one === null) wrong(`/cidrs/${index}`, 'bad_cidr', 'A network looks like 10.0.0.0/8 or fd00::/8.');
  }
  const expiresAt = wish.expires_at === null ? null : Date.parse(wish.expires_at);
  if (expiresAt !== null && !(expiresAt > now)) wrong('/expires_at', 'past', 'expires_at has passed already.');
  if (kind === 'op' && resources.length > 0) {
    wrong('/resources', 'bad_resource', 'A token of an operator is not limited to apps.');
  }
  if (faults.length > 0) return faults;
  const networks = cidrs.filter((one) => one !== null);
  return { name, kind, tenant: kind === 'op' ? null : tenant, scopes, resources, cidrs: networks, expiresAt };
}
