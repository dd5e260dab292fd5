/** Labels of others (docker compose) that are read where Tidegate's own are not given. */
import type { ForeignLabel } from './label.ts';

export const FOREIGN_LABELS = {
  composeProject: { name: 'com.docker.compose.project', meaning: 'The app, where `tidegate.app` is not given.' },
  composeService: { name: 'com.docker.compose.service', meaning: 'The set, where `tidegate.set` is not given.' },
  composeDependsOn: {
    name: 'com.docker.compose.depends_on',
    meaning:
      'The dependencies, where `tidegate.depends` is not given. A service that only has to complete (`service_completed_successfully`) is none.',
  },
  composeOneOff: {
    name: 'com.docker.compose.oneoff',
    meaning: 'A container of `docker compose run` has the labels of its service; it is left out.',
  },
} as const satisfies Record<string, ForeignLabel>;
