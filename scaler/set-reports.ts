/** How the keeper of a set tells what happened to it: always with whose it is, and with the wake that it belongs to. */
import type { EventSink, EventType } from '#core/event';
import type { SetSnapshot } from '#core/set';

export interface ReportFacts {
  /** `<host>/<container id>`. */
  readonly replica?: string | undefined;
  readonly data?: Record<string, unknown> | undefined;
}

export type SetReport = (type: EventType, cause: string, facts?: ReportFacts) => void;

export interface SetReportsOptions {
  readonly emit: EventSink;
  readonly snapshot: () => Pick<SetSnapshot, 'tenant' | 'app' | 'set'>;
  /** Of the wake under way; null: there is none. */
  readonly correlationId: () => string | null;
}

export function reportsOf({ emit, snapshot, correlationId }: SetReportsOptions): SetReport {
  return (type, cause, { replica, data } = {}) => {
    const { tenant, app, set } = snapshot();
    emit({
      ...{ type, tenant, app, set, cause, correlationId: correlationId() },
      ...(replica === undefined ? {} : { replica }),
      ...(data === undefined ? {} : { data }),
    });
  };
}
