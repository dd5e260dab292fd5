/**
 * How a container is, and what an event changes about that at once. Pure: what an event leaves open is said to want an
 * inspect.
 */
import type { ContainerStatus } from '#core/set';
import type { EngineContainer, EngineEvent } from '#docker/engine';
import { asksToEnd } from './signal.ts';

/** What an event says of its container. */
export interface Effect {
  /** As it is now; null: it is gone; left out: as before. */
  readonly container?: EngineContainer | null;
  readonly stopping: boolean;
  /** It wants a look. */
  readonly look: boolean;
  /** What an inspect that is under way says of it is older than the event. */
  readonly outdates: boolean;
  /** A stop signal was sent: if it has not ended after so many seconds, the signal was not for that. */
  readonly stopsWithinS: number | null;
}

/** What a container is, with what only its events told. */
export function statusOf(container: EngineContainer, stopping: boolean): ContainerStatus {
  if (container.status === 'removing') return 'dead';
  return stopping && isUp(container) ? 'stopping' : container.status;
}

/** It has processes, running or paused. */
export function isUp(container: EngineContainer): boolean {
  return container.status === 'running' || container.status === 'paused';
}

/** It has none, and the Engine is not about to give it any. */
export function isDown(container: EngineContainer): boolean {
  return container.status === 'created' || container.status === 'exited' || container.status === 'dead';
}

/** What an event does to a container that is known. `stopping`: a stop signal was sent before. */
export function effectOf(event: EngineEvent, container: EngineContainer, stopping: boolean): Effect {
  const nothing: Effect = { stopping, look: false, outdates: false, stopsWithinS: null };
  const look: Effect = { ...nothing, look: true };
  const becomes = (now: EngineContainer, isStopping: boolean): Effect => ({
    ...{ container: now, stopping: isStopping, look: true, outdates: true, stopsWithinS: null },
  });
  const { attributes } = event;
  switch (event.action) {
    case 'exec_create':
      return nothing;
    case 'oom':
      return { ...nothing, container: { ...container, oomKilled: true } };
    case 'destroy':
      return { ...nothing, container: null, outdates: true };
    case 'kill': {
      const runs = isUp(container) || container.status === 'restarting';
      if (!runs || !asksToEnd(attributes.signal ?? 'SIGKILL', container.stopSignal)) return nothing;
      return { ...nothing, container, stopping: true, stopsWithinS: container.stopTimeoutS };
    }
    case 'die':
      return becomes(ended(container, attributes.exitCode), false);
    case 'stop':
      return isUp(container) ? becomes(ended(container, undefined), false) : nothing;
    case 'pause':
      return container.status === 'running' ? becomes({ ...container, status: 'paused' }, stopping) : look;
    case 'unpause':
      return container.status === 'paused' ? becomes({ ...container, status: 'running' }, stopping) : look;
    case 'network_connect':
    case 'network_disconnect':
      // While it is down it has no address; its start brings a look anyway.
      return isUp(container) ? look : nothing;
    default:
      return look;
  }
}

/** A container whose process has ended. `exitCode`: as the event says it. */
export function ended(container: EngineContainer, exitCode: string | undefined): EngineContainer {
  const code = Number(exitCode);
  return {
    ...container,
    status: 'exited',
    pid: 0,
    exitCode: exitCode !== undefined && Number.isInteger(code) ? code : container.exitCode,
    networks: container.networks.map((network) => ({ ...network, ip: '' })),
  };
}
