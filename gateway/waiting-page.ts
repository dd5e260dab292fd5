/**
 * The page that a browser sees while a set with `tidegate.wake=page` wakes: it loads itself again every second and is
 * replaced by the app as soon as that answers. Only navigations get it; whatever a program asks for is held instead.
 */
import type { OwnAnswer } from './error-answer.ts';
import type { RequestHead } from './http1/request-head.ts';
import { ownPage, PAGE_POLICY } from './own-page.ts';

const RETRY_AFTER_S = 1;

/** Whether a person waits in front of a browser for this answer (Fetch Metadata, W3C). */
export function isNavigation(head: RequestHead): boolean {
  if (head.method !== 'GET' || head.websocket) return false;
  const mode = head.field('sec-fetch-mode');
  if (mode !== undefined && mode !== 'navigate') return false;
  return head.field('accept')?.includes('text/html') === true;
}

export function waitingPage(hostname: string, requestId: string): OwnAnswer {
  const page = ownPage({
    title: `${hostname} is waking up`,
    text: 'It was asleep because nobody needed it. This page turns into the app as soon as it is ready.',
    note: 'This takes a moment only.',
    waiting: true,
  });
  const fields = [
    'Cache-Control',
    'no-store',
    'X-Tidegate-Error',
    'waking',
    'X-Request-Id',
    requestId,
    'Retry-After',
    String(RETRY_AFTER_S),
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Security-Policy',
    PAGE_POLICY,
  ];
  return { status: 503, fields, body: Buffer.from(page) };
}
