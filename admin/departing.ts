/** Changes of an app or a set that is being removed are refused: nothing is acknowledged and thrown away after that. */
import type { Departures } from '#apps/departures';
import type { AnySpec } from './endpoint-description.ts';
import { Problem } from './problem.ts';

/** Those that are asked for again are the same operation. */
const REMOVALS: readonly string[] = ['deleteApp', 'deleteSet'];

/** Whether an endpoint changes something of the app in its path. */
export function changesApp({ id, method, needs, path }: Pick<AnySpec, 'id' | 'method' | 'needs' | 'path'>): boolean {
  const changes = method !== 'get' && (needs === 'deploy' || needs === 'manage');
  return changes && path.startsWith('/v1/apps/{app}') && !REMOVALS.includes(id);
}

export interface Place {
  readonly tenant: string;
  readonly app: string;
  readonly set: string | null;
}

/** Null: nothing of it is being removed. */
export function departing(departures: Pick<Departures, 'of'>, { tenant, app, set }: Place): Problem | null {
  const operation = departures.of(tenant, app, set);
  if (operation === null) return null;
  return new Problem('conflict', {
    detail: `"${operation.target}" is being removed.`,
    fix: [`Wait for the end of its operation: GET /v1/operations/${operation.id} with Prefer: wait=55.`],
    headers: { location: `/v1/operations/${operation.id}` },
  });
}
