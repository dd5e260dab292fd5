/** What one replica uses, its containers taken together: the words of those who read it and of those who scale by it. */

/** As of its last reading. Counters run since the start of its containers. */
export interface ReplicaUsage {
  /** When it was read, by `Clock.now()`: milliseconds, monotonic. */
  readonly at: number;
  /** Between the last two readings, of its limit (may pass 100 for a moment); without a limit, of one core. Null: read once only. */
  readonly cpuPercent: number | null;
  /** Of its limit. Null: it has none. */
  readonly memoryPercent: number | null;
  /** Without what the kernel would give up first (inactive pages of files). */
  readonly memoryBytes: number;
  /** Processes and threads now. */
  readonly pids: number;
  /** A counter; without the loopback. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}
