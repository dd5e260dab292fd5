/** All commands, in the order in which help and docs/cli.md show them. */
import type { Command } from './command.ts';
import { ACCESS_COMMANDS } from './commands/access.ts';
import { API_COMMANDS } from './commands/api.ts';
import { APP_COMMANDS } from './commands/apps.ts';
import { AUDIT_COMMANDS } from './commands/audit.ts';
import { CERTIFICATE_COMMANDS } from './commands/certificates.ts';
import { completionCommand } from './commands/completion.ts';
import { DEPLOY_COMMANDS } from './commands/deploy.ts';
import { DEPLOYMENT_COMMANDS } from './commands/deployments.ts';
import { DOCTOR_COMMANDS } from './commands/doctor.ts';
import { DOMAIN_CHECK_COMMANDS } from './commands/domain-checks.ts';
import { DOMAIN_COMMANDS } from './commands/domains.ts';
import { ENVIRONMENT_COMMANDS } from './commands/environment.ts';
import { EVENT_COMMANDS } from './commands/events.ts';
import { EXEC_COMMANDS } from './commands/exec.ts';
import { HOST_COMMANDS } from './commands/hosts.ts';
import { LOG_COMMANDS } from './commands/logs.ts';
import { OPERATION_COMMANDS } from './commands/operations.ts';
import { OWN_APP_COMMANDS } from './commands/own-apps.ts';
import { PLAN_COMMANDS } from './commands/plans.ts';
import { REGISTRY_COMMANDS } from './commands/registries.ts';
import { REVISION_COMMANDS } from './commands/revisions.ts';
import { ROUTE_COMMANDS } from './commands/routes.ts';
import { SCALE_COMMANDS } from './commands/scale.ts';
import { SET_COMMANDS } from './commands/sets.ts';
import { TENANT_COMMANDS } from './commands/tenants.ts';
import { TOKEN_COMMANDS } from './commands/tokens.ts';
import { TOP_COMMANDS } from './commands/top.ts';
import { TRUST_COMMANDS } from './commands/trust.ts';
import { VOLUME_COMMANDS } from './commands/volumes.ts';

export const COMMANDS: readonly Command[] = [
  ...ACCESS_COMMANDS,
  ...DEPLOY_COMMANDS,
  ...DEPLOYMENT_COMMANDS,
  ...REVISION_COMMANDS,
  ...OWN_APP_COMMANDS,
  ...SET_COMMANDS,
  ...VOLUME_COMMANDS,
  ...ENVIRONMENT_COMMANDS,
  ...REGISTRY_COMMANDS,
  ...APP_COMMANDS,
  ...SCALE_COMMANDS,
  ...EVENT_COMMANDS,
  ...TOP_COMMANDS,
  ...LOG_COMMANDS,
  ...EXEC_COMMANDS,
  ...ROUTE_COMMANDS,
  ...DOMAIN_COMMANDS,
  ...DOMAIN_CHECK_COMMANDS,
  ...CERTIFICATE_COMMANDS,
  ...TRUST_COMMANDS,
  ...TOKEN_COMMANDS,
  ...TENANT_COMMANDS,
  ...PLAN_COMMANDS,
  ...AUDIT_COMMANDS,
  ...HOST_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...OPERATION_COMMANDS,
  ...API_COMMANDS,
  completionCommand(() => COMMANDS),
];
