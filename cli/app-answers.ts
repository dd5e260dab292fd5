/** What the API answers about apps that it deploys, as far as commands read it; docs/openapi.json says all of it. */

export type OperationState = 'pending' | 'running' | 'canceling' | 'succeeded' | 'failed' | 'canceled';

export interface Operation {
  readonly id: string;
  readonly type: string;
  readonly app: string | null;
  readonly target: string;
  readonly state: OperationState;
  readonly phase: string;
  readonly progress: { readonly done: number; readonly total: number; readonly unit?: 'sets' | 'bytes' };
  readonly steps: readonly { readonly name: string; readonly state: string; readonly ms: number }[];
  readonly result: {
    readonly deployment?: string;
    /** By set; null: none was made. */
    readonly revisions?: Readonly<Record<string, string | null>>;
  } | null;
  readonly error: { readonly code: string; readonly detail: string; readonly data?: OperationFindings } | null;
  readonly by: string;
  readonly created_at: string;
  readonly updated_at: string;
}

interface OperationFindings {
  readonly set?: string;
  readonly phase?: string;
  readonly evidence?: readonly Evidence[];
}

export interface Evidence {
  readonly replica: string;
  readonly phase: string;
  readonly members: readonly {
    readonly name: string;
    readonly status: string;
    readonly exit_code: number | null;
    readonly oom_killed: boolean;
    readonly last_lines: readonly string[];
  }[];
  /** Null: that cannot be seen. */
  readonly listens: readonly string[] | null;
  readonly port: number | null;
}

export interface DeploymentFault {
  readonly code: string;
  readonly detail: string;
  readonly set: string;
  readonly phase: string;
  readonly evidence: readonly Evidence[];
}

export interface Deployment {
  readonly id: string;
  readonly app: string;
  readonly operation: string;
  readonly strategy: string;
  readonly steps: readonly { readonly weight: number; readonly hold: string }[];
  readonly state: string;
  readonly paused: boolean;
  readonly sets: readonly {
    readonly set: string;
    readonly revision: string | null;
    readonly from: string | null;
    readonly step: number;
    readonly done: boolean;
  }[];
  readonly cause: string;
  readonly by: string;
  readonly error: DeploymentFault | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

export interface RevisionItem {
  readonly name: string;
  readonly current: boolean;
  readonly created_at: string;
  readonly by: string;
  readonly cause: string;
  readonly images: readonly { readonly reference: string }[];
}

export interface Traffic {
  readonly targets: readonly { readonly revision: string; readonly weight: number }[];
  readonly match: readonly TrafficMatch[];
  readonly sticky: boolean;
}

export interface TrafficMatch {
  readonly header?: string;
  readonly cookie?: string;
  readonly value: string;
  readonly revision: string;
}

export interface WishedApp {
  readonly name: string;
  readonly stopped: boolean;
  readonly sets: readonly string[];
}

export interface WishedSet {
  readonly name: string;
  readonly app: string;
  readonly spec: Readonly<Record<string, unknown>> & {
    readonly containers: readonly { readonly index: number; readonly name: string; readonly image: string }[];
    readonly resources?: { readonly cpu?: number; readonly memory?: number };
  };
  readonly revision: string | null;
  readonly deployment: string | null;
  readonly operation: string | null;
}

export interface EnvAnswer {
  readonly env: Readonly<Record<string, string>>;
  /** When it comes true. */
  readonly note: string;
}

export interface SecretItem {
  readonly name: string;
  readonly updated_at: string;
}

export interface RegistryItem {
  readonly host: string;
  readonly username: string;
  readonly updated_at: string;
}

export interface ComposeNote {
  readonly line: number;
  /** What is left out of the file, or done in another way. */
  readonly detail: string;
}

/** What a dry run answers. */
export interface ComposePreview {
  readonly sets: readonly {
    readonly name: string;
    readonly spec: { readonly containers: readonly { readonly image: string }[] };
  }[];
  readonly notes: readonly ComposeNote[];
}

export interface VolumeHomes {
  readonly items: readonly { readonly volume: string; readonly host: string; readonly state: string }[];
  readonly left_behind: readonly VolumeLeft[];
}

export interface VolumesGivenUp {
  readonly left_behind: readonly VolumeLeft[];
  /** What becomes of the data. */
  readonly note: string;
}

interface VolumeLeft {
  readonly volume: string;
  readonly host: string;
  readonly by: string;
  readonly at: string;
  readonly returned: boolean;
}
