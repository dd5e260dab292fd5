/** What the supervisor knows of the processes beneath it. */
import type { Child } from './child.ts';

/** A worker process. */
export interface WorkerSeat {
  readonly id: number;
  readonly n: number;
  readonly child: Child;
  booted: boolean;
  /** It was sent what it may serve by. */
  fed: boolean;
  serving: boolean;
  /** It was told to end. */
  leaving: boolean;
}

/** A control process. */
export interface ControlSeat {
  readonly child: Child;
  /** 0: it does not act. */
  epoch: number;
  booted: boolean;
  ready: boolean;
  handedOver: boolean;
  leaving: boolean;
}
