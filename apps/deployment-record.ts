/**
 * A deployment: one attempt to bring sets of an app to new revisions. It is kept after every step, so that another
 * process goes on where this one was killed; what it has done shows in the shares of its sets.
 *
 *   queued ─▶ resolving ─▶ creating ─▶ probing ─▶ shifting ⇄ holding ─▶ draining ─▶ succeeded
 *     │           │            │           │          │         │
 *     │           └────────────┴───────────┴──────────┴─────────┴─▶ failed · rolled-back · canceled
 *     └─▶ superseded · canceled
 *
 * Whatever ends it early puts the weights of before back first, and takes the new replicas away after that.
 */
import type { RevisionRouting, RevisionShare } from '#core/set';
import type { SetSpec } from '#core/set-spec';

export const DEPLOYMENT_KIND = 'deployment';

/** How long new replicas may take to become ready, unless a deployment says otherwise. */
export const READY_WITHIN_MS = 120_000;

/** How often it is kept for how long a step has been watched: no more than that is watched again after a restart. */
export const HELD_EVERY_MS = 5000;

export const STRATEGIES = ['rolling', 'canary', 'bluegreen', 'recreate', 'member'] as const;
export type Strategy = (typeof STRATEGIES)[number];

export const DEPLOYMENT_STATES = [
  'queued',
  'resolving',
  'creating',
  'probing',
  'shifting',
  'holding',
  'draining',
  'succeeded',
  'failed',
  'canceled',
  'superseded',
  'rolled-back',
] as const;
/** `holding`: a step of a canary, or between the colours, is being watched. */
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number];

const ENDED: readonly DeploymentState[] = ['succeeded', 'failed', 'canceled', 'superseded', 'rolled-back'];

export function hasEnded(state: DeploymentState): boolean {
  return ENDED.includes(state);
}

/** One step of a canary. */
export interface CanaryStep {
  /** Percent of the traffic for the new revision. */
  readonly weight: number;
  readonly holdMs: number;
}

/** Of a canary that nobody gave steps of its own. */
export const CANARY_STEPS: readonly CanaryStep[] = [
  { weight: 10, holdMs: 60_000 },
  { weight: 50, holdMs: 60_000 },
];

/** What was found out about why new replicas do not become ready. */
export interface Evidence {
  readonly replica: string;
  readonly phase: string;
  /** By member: how it ended and what it said last. */
  readonly members: readonly MemberEvidence[];
  /** TCP ports the main member listens on; null: that cannot be seen from here. */
  readonly listens: readonly string[] | null;
  /** The port that was dialled. */
  readonly port: number | null;
}

export interface MemberEvidence {
  readonly name: string;
  readonly status: string;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** The last lines it wrote, 50 at most. */
  readonly lastLines: readonly string[];
}

export interface DeploymentError {
  /** `image.not_found`, `replica.crashed`, `replica.not_ready`, `canary.worse`, … */
  readonly code: string;
  readonly detail: string;
  readonly set: string;
  /** State in which it failed. */
  readonly phase: DeploymentState;
  readonly evidence: readonly Evidence[];
}

/** The way of one set through a deployment. */
export interface SetTurn {
  readonly set: string;
  /** What it is to become; null: a revision that exists already is taken up. */
  readonly spec: SetSpec | null;
  /** Number of the revision; null before it was made. */
  readonly revision: number | null;
  /** Number of the revision that was in force before; null: none. */
  readonly from: number | null;
  /** Shares and routing as they were, put back when it fails; null before its turn. */
  readonly before: { readonly shares: readonly RevisionShare[]; readonly routing: RevisionRouting | null } | null;
  /** Steps of the strategy that are done. */
  readonly step: number;
  /** Ms for which the next step has been watched already, within {@link HELD_EVERY_MS}; left out: not at all. */
  readonly heldMs?: number;
  readonly done: boolean;
}

/** `go`: what people asked of one that runs. */
export type DeploymentWish = 'go' | 'cancel' | 'abort' | 'promote';

export interface DeploymentRecord {
  /** `dep_…`. */
  readonly id: string;
  readonly tenant: string;
  readonly app: string;
  /** `opr_…`: the operation through which it is followed. */
  readonly operation: string;
  readonly strategy: Strategy;
  readonly steps: readonly CanaryStep[];
  /** Indices of the containers that `member` replaces. */
  readonly members: readonly number[];
  /** In the order in which they are brought up. */
  readonly turns: readonly SetTurn[];
  readonly state: DeploymentState;
  readonly paused: boolean;
  readonly wish: DeploymentWish;
  readonly error: DeploymentError | null;
  readonly cause: string;
  /** Id of the token that asked. */
  readonly by: string;
  /** Ms since the epoch, as all below. */
  readonly createdAt: number;
  readonly endedAt: number | null;
  /** How long new replicas may take to become ready. */
  readonly readyWithinMs: number;
}
