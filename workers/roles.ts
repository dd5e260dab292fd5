/**
 * What the supervisor and its children say to each other, beside the mail between control and workers that it carries
 * without reading it. Plain data; older and newer versions of Tidegate meet here during a takeover, so it is only added to.
 */
import type { ListenAddress } from '#core/settings';
import type { ToControl, ToWorker } from './messages.ts';

export const LISTENERS = ['http', 'https', 'admin'] as const;
export type ListenerName = (typeof LISTENERS)[number];
export type SharedListeners = Readonly<Partial<Record<ListenerName, ListenAddress>>>;

/** What a child is, as JSON in its arguments. */
export interface Assignment {
  /** Of a worker, counted from 1; control has 0. */
  readonly n: number;
  readonly listeners: SharedListeners;
  /**
   * To control: more descriptors of the admin listener's socket, for when it begins again: what a server closes is gone.
   * Not given by an older supervisor.
   */
  readonly spares?: readonly number[];
}

export type Order =
  /** To a worker: a control that it has not greeted listens. `epoch`: marks what comes from it. */
  | { readonly type: 'control-here'; readonly epoch: number }
  | { readonly type: 'control-gone' }
  /** To a worker: accept connections as soon as a picture is there, complete or not. */
  | { readonly type: 'listen-early' }
  /** To a worker: take nothing new, finish what is in flight, end. `successor`: others accept in its place. */
  | { readonly type: 'drain'; readonly successor: boolean }
  | { readonly type: 'to-worker'; readonly epoch: number; readonly mail: readonly ToWorker[] }
  /** To control: act from now on. `workers`: those that serve by what an earlier control told them, who may have died. */
  | { readonly type: 'begin'; readonly workers: readonly number[]; readonly lost: string | null }
  | { readonly type: 'to-control'; readonly worker: number; readonly mail: readonly ToControl[] }
  | { readonly type: 'worker-started'; readonly worker: number; readonly n: number; readonly pid: number }
  | { readonly type: 'worker-gone'; readonly worker: number; readonly n: number; readonly crashed: string | null }
  /** To control: stop acting, leave everything as it is for a successor, and wait. */
  | { readonly type: 'hand-over' }
  /** To control: Tidegate ends; say so to whoever asks. */
  | { readonly type: 'ending' }
  /** To all: give a sign of life. */
  | { readonly type: 'ping' }
  | { readonly type: 'end'; readonly cause: string };

export type Report =
  /** The code is loaded and the settings are read. */
  | { readonly type: 'booted' }
  /** A worker: it accepts connections. */
  | { readonly type: 'serving' }
  /** Control: everything has been found. */
  | { readonly type: 'ready' }
  | { readonly type: 'handed-over' }
  /** It cannot go on: `words` for the operator. */
  | { readonly type: 'failed'; readonly words: string }
  | { readonly type: 'post'; readonly worker: number; readonly mail: readonly ToWorker[] }
  /** `epoch`: of the control it is for; no other one gets it. */
  | { readonly type: 'ask'; readonly epoch: number; readonly mail: readonly ToControl[] }
  | { readonly type: 'give-up'; readonly worker: number; readonly why: string }
  | { readonly type: 'pong' };
