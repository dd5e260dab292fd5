/** All endpoints through which apps are made and moved; where nobody keeps apps they are not there. */
import { EVERYTHING } from '#tenants/plan';
import { addAppLifecycle } from './app-lifecycle.ts';
import { addCompose } from './compose.ts';
import { addDeployments } from './deployments.ts';
import type { Endpoints } from './endpoint.ts';
import { addEnvironment } from './environment.ts';
import { addOperations } from './operations.ts';
import { PlanGate } from './plan-gate.ts';
import type { AdminPorts } from './ports.ts';
import { addRegistries } from './registries.ts';
import { addRevisions } from './revisions.ts';
import { scaleHold } from './scale-hold.ts';
import { addSetWishes } from './set-wishes.ts';
import { SpecGate } from './spec-gate.ts';
import { addVolumeHomes } from './volume-homes.ts';

export function addWishes(endpoints: Endpoints, ports: AdminPorts): void {
  const { apps, tenancy, baseDomain = 'localhost' } = ports;
  if (apps === undefined) return;
  const plan = new PlanGate(ports);
  const gate = new SpecGate({
    ...{ baseDomain, plan, setting: (key) => ports.scaling.setting(key) },
    rules: ({ tenant }) =>
      // Where there are no plans there is nobody to keep from anything.
      tenancy?.tenants.allowancesOf(tenant) ?? EVERYTHING,
  });
  const hold = scaleHold(ports);
  addAppLifecycle(endpoints, apps, plan);
  addEnvironment(endpoints, apps, plan);
  addRegistries(endpoints, apps, plan);
  addSetWishes({ endpoints, apps, gate, plan, hold });
  addVolumeHomes(endpoints, apps);
  addCompose({ endpoints, apps, gate, plan, hold });
  addRevisions(endpoints, { apps, gate, plan });
  addDeployments(endpoints, apps, gate);
  addOperations(endpoints, apps);
}
