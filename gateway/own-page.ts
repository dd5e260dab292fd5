/**
 * The one look of the pages the gateway shows by itself: small, without scripts or anything fetched, readable by every
 * reader, in light and dark.
 */

const STYLE = `:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem;font:1.05rem/1.6 system-ui,sans-serif;background:#f3f6f8;color:#16303f}
main{max-width:30rem;text-align:center}
h1{margin:0 0 .5rem;font-size:1.6rem;line-height:1.25;overflow-wrap:anywhere}
p{margin:0}
small{display:block;margin-top:1.75rem;color:#52707f;overflow-wrap:anywhere}
.tide{width:9rem;height:1.5rem;margin:0 auto 1.5rem;display:block;stroke:#0b7fab;fill:none;stroke-width:3;stroke-linecap:round}
.rising{stroke-dasharray:8 6;animation:rise 1.4s linear infinite}
@keyframes rise{to{stroke-dashoffset:-28}}
@media(prefers-reduced-motion:reduce){.rising{animation:none}}
@media(prefers-color-scheme:dark){body{background:#0e1b23;color:#e3edf2}small{color:#8fabb9}.tide{stroke:#4cc2ee}}`;

/** Hash of the style above, so that the policy below allows it and nothing else. The test tells when it has to change. */
const STYLE_HASH = 'sha256-AtLJqH/+CqGtl2eViCwtAf1CwIWg85/fS2OsM/KyZBs=';

/** Content-Security-Policy of every such page. */
export const PAGE_POLICY = `default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`;

export interface PageText {
  readonly title: string;
  readonly text: string;
  /** Small print below. */
  readonly note: string;
  /** Moves, and loads itself again after a second. */
  readonly waiting: boolean;
}

export function ownPage(page: PageText): string {
  const title = escapeHtml(page.title);
  const refresh = page.waiting ? '<meta http-equiv="refresh" content="1">\n' : '';
  const role = page.waiting ? ' role="status" aria-live="polite" aria-busy="true"' : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="robots" content="noindex">
${refresh}<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main${role}>
<svg class="tide${page.waiting ? ' rising' : ''}" viewBox="0 0 144 24" aria-hidden="true"><path d="M4 12c12-12 22-12 34 0s22 12 34 0 22-12 34 0 22 12 34 0"/></svg>
<h1>${title}</h1>
<p>${escapeHtml(page.text)}</p>
<small>${escapeHtml(page.note)}</small>
</main>
</body>
</html>
`;
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (found) => ESCAPES[found] ?? found);
}
