/** The waiting page in a real browser: it is seen during the wake and gives way to the app by itself. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type Browser, chromium } from 'playwright-core';
import { startTestEngine, type TestEngine } from '#test/support/engine';
import { runHello } from '#test/support/hello';
import { startTidegate, type TidegateProcess } from '#test/support/tidegate';

let engine: TestEngine;
let tidegate: TidegateProcess;
let browser: Browser;
const profile = mkdtempSync('/tmp/tg-chromium-');

before(async () => {
  engine = await startTestEngine();
  await runHello(engine, {
    name: 'shop',
    start: false,
    labels: { 'tidegate.app': 'shop', 'tidegate.scale.min': '0', 'tidegate.wake': 'page' },
    env: { START_DELAY_MS: '3000' },
  });
  tidegate = await startTidegate({ docker: engine.socket });
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--crash-dumps-dir=${profile}`,
      `--host-resolver-rules=MAP *.localhost 127.0.0.1`,
    ],
    timeout: 120_000,
  });
});
after(async () => {
  await browser?.close();
  await tidegate?.close();
  await engine?.close();
  rmSync(profile, { recursive: true, force: true });
});

test('a browser sees the waiting page during a wake and the app after it, others are held', async () => {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000);
  const answer = await page.goto(`http://shop.localhost:${tidegate.port}/`);
  assert.equal(answer?.status(), 503);
  assert.match(answer?.headers()['retry-after'] ?? '', /^\d+$/);
  assert.match((await page.textContent('body')) ?? '', /shop\.localhost/);
  // A program asks at the same time: it waits for the app and is never shown a page.
  const held = await tidegate.ask('shop.localhost', { headers: { accept: 'application/json' } });
  assert.equal(held.status, 200);
  await page.getByText('Hello from').waitFor();
  await page.close();
});
