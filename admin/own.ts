/** What a tenant has made through the API: found under its own tenant alone, or not at all. */
import type { AppRecord, SetRecord } from '#apps/app-record';
import type { Apps } from '#apps/apps';
import type { Scope } from './access.ts';
import { Problem } from './problem.ts';

export function ownApp(apps: Apps, { tenant }: Scope, app: string): AppRecord | Problem {
  return (
    apps.library.app(tenant, app) ??
    new Problem('not_found', {
      detail: `This tenant has made no app "${app}" through the API.`,
      fix: ['Make it with PUT. An app that is found by labels is changed at its containers.'],
    })
  );
}

export function ownSet(
  apps: Apps,
  { tenant }: Scope,
  { app, set }: { readonly app: string; readonly set: string },
): SetRecord | Problem {
  return (
    apps.library.set(tenant, app, set) ??
    new Problem('not_found', {
      detail: `This tenant has made no set "${set}" in the app "${app}" through the API.`,
      fix: ['Make it with PUT. A set that is found by labels is changed at its containers.'],
    })
  );
}
