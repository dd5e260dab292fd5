/** The OpenAPI document as one page for people: no scripts, nothing loaded from elsewhere. */
import { html, raw } from 'hono/html';
import type { OpenApiDocument } from './open-api.ts';

const STYLE = `
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #16202a }
  code, pre { font: 14px/1.4 ui-monospace, monospace; background: #eef2f5; border-radius: 4px; padding: 0 .3em }
  pre { padding: .6em; overflow-x: auto } table { border-collapse: collapse } td, th { padding: .2em .8em .2em 0; text-align: left }
  section { border-top: 1px solid #ccd5dc; padding: .5rem 0 } .method { text-transform: uppercase; font-weight: 700 }
  @media (prefers-color-scheme: dark) { body { background: #10161c; color: #dfe7ee } code, pre { background: #1d2730 } }`;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

type Operation = NonNullable<NonNullable<OpenApiDocument['paths']>[string]['get']>;
type Page = ReturnType<typeof html>;

export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [operationSection(method, path, operation)];
    }),
  );
  const schemas = Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      html`<section id="${name}"><h3>${name}</h3><pre>${JSON.stringify(schema, null, 2)}</pre></section>`,
  );
  return String(html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${document.info.title} API</title>
<style>${raw(STYLE)}</style>
<h1>${document.info.title} API ${document.info.version}</h1>
<p>${document.info.description ?? ''}</p>
<p>The same for programs: <a href="/openapi.json">/openapi.json</a>. A request carries
<code>Authorization: Bearer &lt;token&gt;</code> where the page says so.</p>
${operations}
<h2>Shapes</h2>
${schemas}
</html>
`);
}

function operationSection(method: string, path: string, operation: Operation): Page {
  const parameters = (operation.parameters ?? []).flatMap((one) => ('name' in one ? [one] : []));
  const rows = parameters.map(
    (one) => html`<tr><td><code>${one.name}</code></td><td>${one.in}</td><td>${one.description ?? ''}</td></tr>`,
  );
  const answers = Object.entries(operation.responses ?? {}).map(([status, answer]) => {
    const description = typeof answer === 'object' && 'description' in answer ? String(answer.description) : '';
    return html`<li><code>${status}</code> ${description}</li>`;
  });
  const body =
    operation.requestBody === undefined ? '' : html`<pre>${JSON.stringify(operation.requestBody, null, 2)}</pre>`;
  return html`<section>
<h3><span class="method">${method}</span> <code>${path}</code></h3>
<p>${operation.summary ?? ''}${operation.security === undefined ? '' : ' (token)'}</p>
${rows.length === 0 ? '' : html`<table>${rows}</table>`}${body}
<ul>${answers}</ul>
</section>`;
}
