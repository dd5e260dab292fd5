/** What a change of the table means for people: conflicts between sets over a hostname and path, and their end. */
import type { EventSink } from '#core/event';
import type { SetKey, SetSnapshot } from '#core/set';
import type { TableChange } from '#router/route-table';

/** Conflicts and their end, as events of the set they concern. */
export function reportTable(change: TableChange, snapshot: SetSnapshot | null, emit: EventSink): void {
  for (const { hostname: name, path: prefix, holder, claimant } of change.conflicts) {
    emit({
      type: 'route.conflict',
      ...namesOf(snapshot?.key ?? claimant),
      cause: `${name}${prefix} is held by ${holder}, which claimed it first`,
      data: { hostname: name, path: prefix, holder, claimant },
    });
  }
  for (const { hostname: name, path: prefix, holder, claimant } of change.taken) {
    emit({
      type: 'route.taken',
      ...namesOf(holder),
      cause: `${name}${prefix} was let go by ${claimant}`,
      data: { hostname: name, path: prefix, holder, before: claimant },
    });
  }
}

function namesOf(key: SetKey): { tenant: string; app: string; set: string } {
  const [tenant = '', app = '', set = ''] = key.split('/');
  return { tenant, app, set };
}
