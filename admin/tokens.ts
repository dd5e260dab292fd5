/**
 * Endpoints of tokens. A token is shown once, when it is made; it makes, changes and ends only what can do no more than
 * itself, and itself.
 */
import { z } from '@hono/zod-openapi';
import { holdsScope } from '#core/access-scope';
import type { NewToken as FreshToken, TokenBook } from '#tenants/token-book';
import { beyond } from '#tenants/token-limits';
import type { TokenView } from '#tenants/token-record';
import type { Scope } from './access.ts';
import { Done } from './answer.ts';
import { type Call, type Endpoints, invalid, NOTHING } from './endpoint.ts';
import { PageQuery, pageOfEntries } from './page.ts';
import type { AdminPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { quotaProblem } from './quota-problem.ts';
import { pageOf } from './shapes.ts';
import { grantOf, MadeTokenShape, NewToken, TokenShape, tokenJson } from './token-shapes.ts';

const LIST = '/v1/tokens';
const ONE = `${LIST}/{token}`;

const TokenParams = z.object({ token: z.string().openapi({ description: 'Id or name.' }) });
type Asked = Pick<Call<typeof TokenParams, z.ZodObject, z.ZodObject>, 'scope' | 'params'>;

/** How the fields of a grant are called outside. */
const FIELDS = { tenant: 'tenant', scopes: 'scopes', resources: 'resources', cidrs: 'cidrs', expiresAt: 'expires_at' };

export function addTokens(endpoints: Endpoints, { tenancy, clock }: AdminPorts): void {
  const book = tenancy?.tokens;
  endpoints.add(
    {
      method: 'get',
      path: LIST,
      id: 'listTokens',
      summary: 'Tokens of the tenant that can do no more than the one that asks, by age; operators see theirs, too',
      needs: 'admin',
      filtered: true,
      params: NOTHING,
      query: PageQuery,
      body: null,
      answer: pageOf(TokenShape),
      problems: ['unavailable'],
    },
    ({ scope, query }) => {
      if (book === undefined) return absent();
      const page = pageOfEntries(seen(book, scope), ({ id }) => id, query);
      return { ...page, items: page.items.map(tokenJson) };
    },
  );

  endpoints.add(
    {
      method: 'post',
      path: LIST,
      id: 'createToken',
      summary: 'Makes a token that can do no more than the one that asks, and shows it this once',
      needs: 'admin',
      filtered: true,
      params: NOTHING,
      query: NOTHING,
      body: NewToken,
      answer: MadeTokenShape,
      status: 201,
      shownOnce: ['token'],
      problems: ['conflict', 'quota_exceeded', 'unavailable'],
    },
    async ({ scope, body }) => {
      if (book === undefined) return absent();
      const grant = grantOf(body, { tenant: scope.tenant, now: clock.wall() });
      if ('length' in grant) return invalid(grant);
      const over = beyond(scope.principal, grant);
      if (over.length > 0) return tooMuch(over);
      const made = await book.create(grant, scope.principal.id);
      if (made.kind === 'quota_exceeded') return quotaProblem(made);
      if (made.kind === 'taken') {
        const detail = `There is a token "${grant.name}" already.`;
        return new Problem('conflict', { detail, fix: ['Choose another name, or DELETE the other one first.'] });
      }
      return shown(made);
    },
  );

  const one = { params: TokenParams, query: NOTHING, body: null, needs: 'read', filtered: true } as const;

  endpoints.add(
    {
      ...one,
      method: 'get',
      path: ONE,
      id: 'getToken',
      summary: 'A token: itself, or with `admin` another',
      answer: TokenShape,
      problems: ['not_found', 'unavailable'],
    },
    (asked) => {
      const token = look(book, asked);
      return token instanceof Problem ? token : tokenJson(token);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'delete',
      path: ONE,
      id: 'revokeToken',
      summary: 'Ends a token and every stream it holds open: itself, or with `admin` another',
      answer: NOTHING,
      status: 204,
      problems: ['not_found', 'unavailable'],
    },
    async (asked) => {
      const token = look(book, asked);
      if (token instanceof Problem) return token;
      return (await book?.revoke(token.id)) === true ? {} : missing(asked);
    },
  );

  endpoints.add(
    {
      ...one,
      method: 'post',
      path: `${ONE}/rotate`,
      id: 'rotateToken',
      summary:
        'Another secret for the same token, shown this once; the old one ends now. Itself, or with `admin` another',
      answer: MadeTokenShape,
      shownOnce: ['token'],
      problems: ['not_found', 'unavailable'],
    },
    async (asked) => {
      const token = look(book, asked);
      if (token instanceof Problem) return token;
      const made = (await book?.rotate(token.id)) ?? null;
      return made === null ? missing(asked) : shown(made);
    },
  );
}

function seen(book: TokenBook, { principal, tenant }: Scope): readonly TokenView[] {
  const own = [...book.list(tenant), ...(principal.operator ? book.list(null) : [])];
  return own.filter((one) => one.id === principal.id || beyond(principal, one).length === 0);
}

/** Itself, or one that can do no more; all others are not there for who asks. */
function look(book: TokenBook | undefined, asked: Asked): TokenView | Problem {
  if (book === undefined) return absent();
  const { principal, tenant } = asked.scope;
  const { token: which } = asked.params;
  const found = book.find(tenant, which) ?? (principal.operator ? book.find(null, which) : null);
  if (found !== null && found.id === principal.id) return found;
  if (!holdsScope(principal.scopes, 'admin')) {
    return new Problem('forbidden', {
      detail: 'Without the scope "admin" a token sees and changes itself alone.',
      fix: ['GET /v1/me tells its id; use a token with the scope "admin" (role owner) for others.'],
    });
  }
  return found !== null && beyond(principal, found).length === 0 ? found : missing(asked);
}

function shown({ token, text }: FreshToken) {
  return new Done({ ...tokenJson(token), token: text }, { location: `${LIST}/${token.id}` });
}

function tooMuch(over: ReturnType<typeof beyond>): Problem {
  const fields = over.map((one) => FIELDS[one]);
  return new Problem('forbidden', {
    detail: `A token makes none that can do more than itself; this one would, by ${fields.join(', ')}.`,
    errors: fields.map((field) => ({
      pointer: `/${field}`,
      code: 'beyond',
      detail: `${field} goes beyond the token.`,
    })),
    fix: ['GET /v1/me tells what the token may do; ask for no more than that.'],
  });
}

function missing({ params }: Asked): Problem {
  return new Problem('not_found', {
    detail: `There is no token "${params.token}" that this one may see.`,
    fix: [`GET ${LIST} lists them.`],
  });
}

function absent(): Problem {
  return new Problem('unavailable', { detail: 'Nobody keeps tokens here.' });
}
