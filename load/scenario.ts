/** A scenario: one question about Tidegate, answered by measuring. It leaves nothing behind, however it ends. */
import type { LoadOptions } from './options.ts';
import type { Report } from './report.ts';

export interface Scenario {
  readonly name: string;
  /** What it asks, in one line. */
  readonly title: string;
  /** What `--only` chooses from. */
  readonly parts: readonly string[];
  /** It measures nothing of this machine, so it neither waits for it to be idle nor keeps others off it. */
  readonly isSimulated?: boolean;
  run(context: LoadContext): Promise<Report>;
}

export interface LoadContext {
  readonly options: LoadOptions;
  /** Says how far it is. */
  readonly progress: (text: string) => void;
  /** Aborted when the person at the keyboard has had enough. */
  readonly signal: AbortSignal;
}

/** Whether `--only` leaves this part in. Options that name none of the parts of its kind leave all of them in. */
export function isChosen(name: string, kind: readonly string[], { only }: LoadOptions): boolean {
  if (only === null || only.has(name)) return true;
  return !kind.some((one) => only.has(one));
}
