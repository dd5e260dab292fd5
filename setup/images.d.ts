/** Types of images.js, which is plain JavaScript because set-up runs before the right Node is there. */
import type { Entry } from './tar.js';

export interface Engine {
  readonly socketPath: string;
  /** Told what is being made, and only if something is. */
  readonly report?: (what: string) => void;
}

export const NODE_BASE: string;
export const HELLO: string;

export function ensureHello(engine: Engine): Promise<string>;
export function ensureNodeBase(engine: Engine): Promise<string>;
export function build(
  engine: Engine,
  name: string,
  recipe: { dockerfile: string; args: Record<string, string>; content: string; entries: Iterable<Entry> },
): Promise<void>;
