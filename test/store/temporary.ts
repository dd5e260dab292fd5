/** A directory of its own for one test, gone when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export function temporaryDirectory(t?: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'tidegate-store-'));
  t?.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
