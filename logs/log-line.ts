/** Lines of log as they are kept: each with a position in the log of its set that no other line ever gets. */

/** Who wrote a line. */
export interface LogSource {
  /** Full id of the container. */
  readonly container: string;
  /** Id of the replica, as in ReplicaSnapshot. */
  readonly replica: string;
  /** What the replica is called. */
  readonly name: string;
  /** Which of the containers of a replica that Tidegate made; null: the replica is this container alone. */
  readonly member: string | null;
  readonly revision: string | null;
}

/** `gap`: not of the container; lines of it are lost here, and the text says why. */
export const LOG_KINDS = ['stdout', 'stderr', 'gap'] as const;
export type LogKind = (typeof LOG_KINDS)[number];

export interface LogDraft {
  readonly stream: LogKind;
  /** RFC 3339 in UTC with nine digits behind the point: such texts sort by time. */
  readonly at: string;
  readonly text: string;
  /** It was longer than what is kept of a line. */
  readonly cut: boolean;
}

export interface LogLine extends LogDraft {
  /** 1, 2, 3 … in the log of the set, in the order in which lines arrived. */
  readonly id: number;
  readonly source: LogSource;
}

/** A moment as lines have it. @param ms since the epoch */
export function stampOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000000Z`;
}
