/** The answer to who asked for more than the plan of the tenant allows. */
import type { QuotaExceeded } from '#tenants/quotas';
import { Problem } from './problem.ts';

export function quotaProblem({ resource, used, limit, asked }: QuotaExceeded): Problem {
  return new Problem('quota_exceeded', {
    detail: `The plan allows ${limit} of "${resource}"; ${used} are used, and ${asked} more were asked for.`,
    errors: [{ pointer: '', code: resource, detail: `used ${used}, limit ${limit}, asked ${asked}` }],
    fix: [`Give back some of "${resource}", or ask an operator for a larger plan; GET /v1/usage shows both.`],
  });
}
