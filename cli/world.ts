/** What a command has of the world outside: handed in by tide.ts, and by tests in its place. */
import type { Readable } from 'node:stream';
import type { Clock } from '#core/clock';

/** Where text goes. */
export interface Sink {
  write(text: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal. */
  readonly columns?: number;
  readonly rows?: number;
  on?(event: 'resize' | 'drain', listener: () => void): unknown;
  off?(event: 'resize' | 'drain', listener: () => void): unknown;
}

export type Source = Readable & { readonly isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths begin here. */
  readonly directory: string;
  /** Of the person at the keyboard. */
  readonly home: string;
  readonly version: string;
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly fetch: typeof fetch;
  /** Its timers have to keep the process alive. */
  readonly clock: Clock;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
}
