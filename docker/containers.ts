/**
 * Calls about one container. Reading is free; acting is refused for a container that does not carry our labels, and an
 * action whose wished state is there already is no error.
 */
import type Docker from 'dockerode';
import { isTidegateError, messageOf, TidegateError } from '#core/errors';
import type { SpareBook } from '#core/spare-book';
import type { EngineStatus } from './engine.ts';
import type { Call, EngineClient } from './engine-client.ts';
import { isRefusal } from './engine-error.ts';
import type { Freezer } from './freezer.ts';
import { containerFrom, type InspectAnswer, inspectAnswer } from './inspect.ts';
import type { Ownership } from './ownership.ts';
import type { CreateBody } from './replica-bodies.ts';
import { request } from './request.ts';
import { answerIn } from './spare-book.ts';

const INSPECT_MS = 5000;
const PAUSE_MS = 10_000;
const REMOVE_MS = 30_000;
const START_MS = 60_000;
const CREATE_MS = 30_000;
const RENAME_MS = 10_000;
/** What a stop may take beyond the time the container is given. */
const STOP_EXTRA_MS = 10_000;

interface Action {
  readonly verb: string;
  readonly id: string;
  readonly deadlineMs: number;
  readonly slow?: boolean;
}

export interface ContainersOptions {
  readonly client: EngineClient;
  readonly ownership: Ownership;
  /** Null: the Engine is on another machine. */
  readonly freezer: Freezer | null;
  readonly spares: SpareBook;
}

export class Containers {
  readonly #client: EngineClient;
  readonly #ownership: Ownership;
  readonly #freezer: Freezer | null;
  readonly #spares: SpareBook;

  constructor({ client, ownership, freezer, spares }: ContainersOptions) {
    this.#spares = spares;
    this.#client = client;
    this.#ownership = ownership;
    this.#freezer = freezer;
  }

  async inspect(id: string): Promise<InspectAnswer> {
    const answer = inspectAnswer(
      await this.#act({ verb: 'inspect', id, deadlineMs: INSPECT_MS }, (container, abortSignal) =>
        container.inspect({ abortSignal }),
      ),
    );
    this.#ownership.saw(answer.Id, answer.Config.Labels ?? {});
    return answerIn(this.#spares, answer);
  }

  /** @returns its id @throws TidegateError `image.not_found` */
  async create(name: string, body: CreateBody): Promise<string> {
    const call = { name: `create ${name}`, deadlineMs: CREATE_MS, slow: true };
    try {
      const answer = await this.#client.call(call, (docker, signal) =>
        request(docker, { method: 'POST', path: '/containers/create', query: { name }, body }, signal),
      );
      const id = (answer as { readonly Id?: unknown } | null)?.Id;
      if (typeof id !== 'string') throw new TidegateError('engine.refused', `create ${name}: the answer has no id`);
      this.#ownership.saw(id, body.Labels);
      return id;
    } catch (error) {
      // What is not found when a container is created is its image: network and volumes come later.
      if (!isRefusal(error, 404)) throw error;
      throw new TidegateError('image.not_found', `create ${name}: there is no image ${body.Image}`, { cause: error });
    }
  }

  async rename(id: string, name: string): Promise<void> {
    const path = `/containers/${encodeURIComponent(id)}/rename`;
    const call = { name: `rename ${id}`, deadlineMs: RENAME_MS, isAboutOneContainer: true };
    await this.#client.call(call, (docker, signal) =>
      request(docker, { method: 'POST', path, query: { name } }, signal),
    );
  }

  /** @throws TidegateError `engine.not_ours` */
  async requireOurs(id: string): Promise<void> {
    const ours = this.#ownership.isOurs(id) ?? this.#ownership.isOurs((await this.inspect(id)).Id);
    if (!ours) throw new TidegateError('engine.not_ours', `container ${id} does not carry the labels of Tidegate`);
  }

  /** @returns whether it was started now; false: it ran already */
  async start(id: string): Promise<boolean> {
    await this.requireOurs(id);
    const action = { verb: 'start', id, deadlineMs: START_MS, slow: true };
    return await unlessThere(this.#act(action, (container, abortSignal) => container.start({ abortSignal })));
  }

  async stop(id: string, timeoutS: number): Promise<void> {
    await this.requireOurs(id);
    await this.#thawUnpaused(id);
    const t = Math.max(0, Math.ceil(timeoutS));
    const action = { verb: 'stop', id, deadlineMs: t * 1000 + STOP_EXTRA_MS, slow: true };
    await unlessThere(this.#act(action, (container, abortSignal) => container.stop({ t, abortSignal })));
  }

  async pause(id: string): Promise<void> {
    await this.requireOurs(id);
    await this.#thawUnpaused(id);
    const action = { verb: 'pause', id, deadlineMs: PAUSE_MS };
    await this.#orIs(
      'paused',
      id,
      this.#act(action, (container, abortSignal) => container.pause({ abortSignal })),
    );
  }

  async unpause(id: string): Promise<void> {
    await this.requireOurs(id);
    const action = { verb: 'unpause', id, deadlineMs: PAUSE_MS };
    const unpause = (): Promise<unknown> =>
      this.#act(action, (container, abortSignal) => container.unpause({ abortSignal }));
    try {
      await this.#orIs('running', id, unpause());
    } catch (error) {
      if (!(await this.#refrozePaused(id))) throw error;
      await this.#orIs('running', id, unpause());
    }
  }

  /** Removes its anonymous volumes too. One that runs is refused; one that is gone, or just going, is no error. */
  async remove(id: string): Promise<void> {
    await this.#remove(id, false);
  }

  /** Removes it, running or not, and its anonymous volumes. One that is gone, or just going, is no error. */
  async destroy(id: string): Promise<void> {
    await this.#remove(id, true);
  }

  /**
   * Takes back a freeze that the Engine does not know of: it cannot pause such a container, and would wait in vain for
   * it to stop.
   */
  async #thawUnpaused(id: string): Promise<void> {
    if (this.#freezer === null) return;
    const { id: containerId, status, pid, hasHealthcheck } = containerFrom(await this.inspect(id));
    if (status !== 'running') return;
    const target = { containerId, pid, hasHealthcheck };
    if (this.#freezer.isFrozen(target)) this.#freezer.thaw(target);
  }

  /** A paused container whose freezer was opened behind the Engine's back cannot be unpaused before it is closed again. */
  async #refrozePaused(id: string): Promise<boolean> {
    if (this.#freezer === null) return false;
    const { id: containerId, status, pid } = containerFrom(await this.inspect(id));
    const target = { containerId, pid, hasHealthcheck: false };
    if (status !== 'paused' || this.#freezer.isFrozen(target)) return false;
    return await this.#freezer.freeze(target);
  }

  async #remove(id: string, force: boolean): Promise<void> {
    try {
      await this.requireOurs(id);
      const action = { verb: 'remove', id, deadlineMs: REMOVE_MS, slow: true };
      await this.#act(action, (container, abortSignal) => {
        const options = { v: true, force, abortSignal };
        return container.remove(options);
      });
    } catch (error) {
      const isGoing = isRefusal(error, 409) && /already in progress/.test(messageOf(error));
      if (!isGoing && !isTidegateError(error, 'engine.not_found')) throw error;
    }
    this.#ownership.forget(id);
  }

  async #act<T>(action: Action, run: (container: Docker.Container, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { verb, id, deadlineMs, slow = false } = action;
    const call: Call = { name: `${verb} ${id}`, deadlineMs, slow, isAboutOneContainer: true };
    try {
      return await this.#client.call(call, (docker, signal) =>
        run(docker.getContainer(encodeURIComponent(id)), signal),
      );
    } catch (error) {
      if (isTidegateError(error, 'engine.not_found')) this.#ownership.forget(id);
      throw error;
    }
  }

  /** Waits for an action; a refusal is none when the container is in the wished state anyway. */
  async #orIs(status: EngineStatus, id: string, action: Promise<unknown>): Promise<void> {
    try {
      await action;
    } catch (error) {
      if (!isTidegateError(error, 'engine.refused')) throw error;
      const container = containerFrom(await this.inspect(id));
      if (container.status !== status) throw error;
    }
  }
}

/** Waits for an action; that there was nothing to do is no error, but false. */
async function unlessThere(action: Promise<unknown>): Promise<boolean> {
  try {
    await action;
    return true;
  } catch (error) {
    if (!isRefusal(error, 304)) throw error;
    return false;
  }
}
