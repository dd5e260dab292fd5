/** What the scenarios with containers play on: an Engine of their own, the example app in it, and a Tidegate before it. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startTestEngine, type TestEngine } from '../test/support/engine.ts';
import { startTidegate, type TidegateProcess } from '../test/support/tidegate.ts';
import { until } from '../test/support/until.ts';

const SET_TIMEOUT_MS = 60_000;
const SET_POLL_MS = 10;

export interface StageOptions {
  /** Settings of Tidegate by their full names. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** What the admin API says of a set, as far as it is looked at. */
export interface SetState {
  readonly tier: string;
  readonly ready: number;
  readonly replicas: readonly { readonly phase: string; readonly tier: string }[];
}

export class Stage implements AsyncDisposable {
  readonly engine: TestEngine;
  readonly tidegate: TidegateProcess;

  private constructor(engine: TestEngine, tidegate: TidegateProcess) {
    this.engine = engine;
    this.tidegate = tidegate;
  }

  static async open({ settings = {} }: StageOptions = {}): Promise<Stage> {
    const engine = await startTestEngine();
    try {
      await engine.images.hello();
      return new Stage(engine, await startTidegate({ docker: engine.socket, settings }));
    } catch (error) {
      await engine.close();
      throw error;
    }
  }

  /** Of the operator. */
  get token(): string {
    return readFileSync(path.join(this.tidegate.data, 'operator.token'), 'utf8').trim();
  }

  async versions(): Promise<Readonly<Record<string, string>>> {
    const { Version } = await this.engine.docker.version();
    return { 'Docker Engine': Version };
  }

  set(app: string, set = 'web'): Promise<SetState> {
    return this.tidegate.adminJson<SetState>(`/v1/apps/${app}/sets/${set}`);
  }

  /** Waits until every replica of the set is in this phase. */
  async untilPhase(app: string, phase: string): Promise<void> {
    await until(
      async () => {
        const { replicas } = await this.set(app);
        return replicas.length > 0 && replicas.every((replica) => replica.phase === phase);
      },
      { what: `every replica of ${app} is ${phase}`, timeoutMs: SET_TIMEOUT_MS, everyMs: SET_POLL_MS },
    );
  }

  /** Waits until so many replicas of the set are ready. */
  async untilReady(app: string, count: number): Promise<void> {
    await until(async () => (await this.set(app)).ready === count, {
      ...{ what: `${count} replicas of ${app} are ready`, timeoutMs: SET_TIMEOUT_MS, everyMs: SET_POLL_MS },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tidegate.close();
    await this.engine.close();
  }
}
