/** The image of an app that starts in some milliseconds: one static program and nothing else. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestEngine } from '../test/support/engine.ts';

export const TINY_APP = 'tidegate/tiny-app:dev';

const run = promisify(execFile);

/** @returns its name @throws Error with the compiler's words */
export async function ensureTinyApp(engine: TestEngine): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tiny-app-'));
  try {
    const source = path.join(import.meta.dirname, 'generators/tiny-app.c');
    await run('cc', ['-O2', '-static', '-o', path.join(folder, 'app'), source]);
    const archive = path.join(folder, 'layer.tar');
    await run('tar', ['-cf', archive, '-C', folder, 'app']);
    const [repo = '', tag = ''] = TINY_APP.split(':');
    const changes = ['ENTRYPOINT ["/app"]', 'EXPOSE 8080'];
    const answer = await engine.docker.importImage(archive, { repo, tag, changes });
    await new Promise<void>((resolve, reject) => {
      engine.docker.modem.followProgress(answer, (error) => (error === null ? resolve() : reject(error)));
    });
    return TINY_APP;
  } finally {
    await rm(folder, { recursive: true });
  }
}
