/** The OpenAPI 3.1 document, made from the schemas that check requests and type answers. */
import { type OpenAPIHono, z } from '@hono/zod-openapi';

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>;

/** Describes the paths that are outside of the endpoints' own way, and the token. Called once per app. */
export function describeOpenPaths({ openAPIRegistry: registry }: OpenAPIHono): void {
  registry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description:
      'A token: `tide_<kind>_…`. Beside it stands what it has to hold: `read`, `deploy`, `manage` or `admin`, each with ' +
      'those before it, or `operator`.',
  });
  const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
  const text = (type: string) => ({ [type]: { schema: z.string() } });
  const readiness = z.object({ ready: z.boolean(), missing: z.array(z.string()) }).openapi('Readiness');
  const open = [
    {
      path: '/healthz',
      id: 'getHealth',
      summary: 'Whether Tidegate is alive',
      content: json(z.object({ status: z.string(), version: z.string() })),
    },
    {
      path: '/readyz',
      id: 'getReadiness',
      summary: 'Whether traffic can be served, and what is missing',
      content: json(readiness),
    },
    { path: '/metrics', id: 'getMetrics', summary: 'Metrics for Prometheus', content: text('text/plain') },
    { path: '/openapi.json', id: 'getOpenApi', summary: 'This document', content: json(z.object({}).loose()) },
    { path: '/docs', id: 'getDocs', summary: 'This document as a page', content: text('text/html') },
  ];
  for (const { path, id, summary, content } of open) {
    const unready = path === '/readyz' ? { 503: { description: 'Not yet', content } } : {};
    registry.registerPath({
      method: 'get',
      path,
      operationId: id,
      summary,
      responses: { 200: { description: 'Done', content }, ...unready },
    });
  }
}

export function openApiDocument(hono: OpenAPIHono, version: string): OpenApiDocument {
  return hono.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tidegate',
      version,
      description:
        'What Tidegate serves, and how it is scaled. Operators act for a tenant with the header `Tidegate-Tenant` ' +
        '(default: `default`); what belongs to another tenant is 404.',
    },
  });
}
