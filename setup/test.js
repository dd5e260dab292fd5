/**
 * `npm test`: from a fresh clone to the summary of all tests. Arguments choose test files by the beginning of their path
 * (`npm test -- test/router`); `--test-name-pattern=…` chooses tests by name.
 */
import { fileURLToPath } from 'node:url';
import { foreground } from './command.js';
import { ensureDependencies, NODE, ROOT } from './dependencies.js';
import { withEngineRoot } from './engine-root.js';
import { runSetup } from './run-setup.js';
import { ensureTestComponents } from './test-components.js';

const RUNNER = fileURLToPath(new URL('./test-run.js', import.meta.url));

await runSetup(async (args) => {
  await ensureDependencies();
  await ensureTestComponents();
  process.chdir(ROOT);
  return withEngineRoot(NODE, (root) =>
    foreground(NODE, [RUNNER, ...args], { ...process.env, TEST_ENGINE_ROOT: root }),
  );
});
