/**
 * The events of an Engine, followed for as long as somebody wants them: what they say of whose containers there are is
 * taken in before they are handed on, and what is nobody's is not.
 */
import type { Clock } from '#core/clock';
import type { Log } from '#core/log';
import { ENGINE_ACTIONS, type EngineState, type EventFollower } from './engine.ts';
import type { EngineClient } from './engine-client.ts';
import { EventStream } from './event-stream.ts';
import type { Ownership } from './ownership.ts';
import { wasSpare } from './spare-book.ts';

const OPEN_MS = 5000;
/** What the Engine is asked to tell of: network events are named without the word. */
const FOLLOWED = {
  type: ['container' as const, 'network' as const],
  event: [...ENGINE_ACTIONS.filter((action) => !action.startsWith('network_')), 'connect', 'disconnect'],
};

export interface FollowOptions {
  readonly client: EngineClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly ownership: Ownership;
  readonly onState: (listener: (state: EngineState, cause: string) => void) => () => void;
  readonly follower: EventFollower;
  /** A container ended that may be a spare. */
  readonly onSpareLost: (id: string) => void;
  readonly signal: AbortSignal;
}

export function followEvents({ client, clock, log, ownership, onState, follower, onSpareLost, signal }: FollowOptions) {
  const open = async (since: number | null, ended: AbortSignal): Promise<AsyncIterable<Uint8Array | string>> => {
    // Whatever broke the last stream, the daemon behind the endpoint may be another one now.
    client.forgetVersion();
    return await client.call({ name: 'events', deadlineMs: OPEN_MS, signal: ended }, (docker, abortSignal) =>
      docker.getEvents({ filters: FOLLOWED, ...(since === null ? {} : { since }), abortSignal }),
    );
  };
  const stream = new EventStream(
    { open, onState, clock, log },
    {
      onConnected: () => follower.onConnected(),
      onEvent: (event) => {
        const { action, containerId, attributes } = event;
        if (action === 'create') ownership.saw(containerId, attributes);
        if (action === 'die' || action === 'destroy') onSpareLost(containerId);
        const isSpare = wasSpare(ownership.labelsOf(containerId, attributes));
        if (action === 'destroy') ownership.forget(containerId);
        if (!isSpare) follower.onEvent(event);
      },
      onLost: (error) => follower.onLost(error),
    },
    signal,
  );
  void stream.run();
}
