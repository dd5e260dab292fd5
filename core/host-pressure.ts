/** How much of its memory a machine has left: the words of who reads it and of who puts replicas to sleep by it. */

export interface HostPressure {
  /** What can be had without swapping (`MemAvailable`, proc(5)). */
  readonly availableBytes: number;
  readonly totalBytes: number;
  /**
   * Percent of the last ten seconds in which something waited for memory (`some avg10` of `/proc/pressure/memory`,
   * Linux 4.20). Null: the kernel does not say.
   */
  readonly someAvg10: number | null;
}
