/**
 * What compose wrote on a container about the order of its services.
 */
import { nameFrom } from '#core/name';

/** A service with this condition runs once and ends: there is nothing to keep awake. */
const COMPLETES = 'service_completed_successfully';

/**
 * Names of the sets that a compose `depends_on` means.
 * @param text as in the label: `db:service_started:false,cache:service_healthy:true`
 */
export function composeDependencies(text: string): readonly string[] {
  const sets: string[] = [];
  for (const entry of text.split(',')) {
    const [service = '', condition] = entry.trim().split(':');
    const set = nameFrom(service);
    if (set !== null && condition !== COMPLETES && !sets.includes(set)) sets.push(set);
  }
  return sets;
}
