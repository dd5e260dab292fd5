/** An event as the API shows it. */
import type { Event } from '#core/event';
import type { EventJson } from './shapes.ts';

export function eventJson(event: Event): EventJson {
  const { correlationId, data, ...rest } = event;
  return { ...rest, correlation_id: correlationId, data: { ...data } };
}
