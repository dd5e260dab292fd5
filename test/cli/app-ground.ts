/** The command line against an admin API that deploys: apps are real, and run on a platform of nothing. */
import type { TestContext } from 'node:test';
import { systemClock } from '#core/clock';
import { Platform } from '#test/apps/support/platform';
import { type Ran, type Running, type RunOptions, TideGround } from './tide-ground.ts';

export class AppGround {
  readonly platform: Platform;
  readonly ground: TideGround;

  private constructor(platform: Platform, ground: TideGround) {
    this.platform = platform;
    this.ground = ground;
  }

  static async start(t: TestContext): Promise<AppGround> {
    const platform = new Platform();
    return new AppGround(platform, await TideGround.start(t, {}, platform));
  }

  /** One whose app `shop` has a set `web` in force. */
  static async deployed(t: TestContext): Promise<AppGround> {
    const made = await AppGround.start(t);
    await made.tide('apps create shop');
    const ran = await made.tide('deploy --image shop:1 -a shop --port 8080 --wait');
    if (ran.code !== 0) throw new Error(`nothing is deployed: ${JSON.stringify(ran)}`);
    made.ground.discover();
    return made;
  }

  /** @param line words without spaces in them */
  tide(line: string, options: RunOptions = {}): Promise<Ran> {
    return this.begin(line, options).done;
  }

  begin(line: string, options: RunOptions = {}): Running {
    return this.ground.begin(line.trim().split(/ +/), { clock: systemClock, ...options });
  }

  async json<T>(line: string): Promise<T> {
    return JSON.parse((await this.tide(`${line} --json`)).stdout) as T;
  }
}
