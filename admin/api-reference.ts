/** The description of the API as a file: what `GET /openapi.json` answers, without a Tidegate that runs. */
import { readFileSync } from 'node:fs';
import type { Apps } from '#apps/apps';
import { adminApp } from './app.ts';
import type { AdminPorts } from './ports.ts';

/** The OpenAPI document as JSON text. */
export async function apiReference(): Promise<string> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  // The description is made of schemas alone: nothing else of the ports is touched.
  const described: Pick<AdminPorts, 'version' | 'authenticate' | 'apps'> = {
    version,
    authenticate: async () => null,
    // Where nobody keeps apps their endpoints are not there.
    apps: {} as Apps,
  };
  const app = adminApp(described as AdminPorts, new AbortController().signal);
  const answer = await app.request('/openapi.json');
  return `${JSON.stringify(await answer.json(), null, 2)}\n`;
}
