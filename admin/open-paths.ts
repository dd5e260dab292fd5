/**
 * Paths that need no token: for probes of an orchestrator, for Prometheus, and for who wants to read about the API. They
 * change nothing and name no address.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { docsPage } from './docs.ts';
import { allMetrics } from './known-metrics.ts';
import { METRICS_CONTENT_TYPE, metricsText } from './metrics-text.ts';
import { openApiDocument } from './open-api.ts';
import type { AdminPorts } from './ports.ts';

const DOCS_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

export function addOpenPaths(hono: OpenAPIHono, ports: AdminPorts): void {
  hono.get('/healthz', () => Response.json({ status: 'ok', version: ports.version }, NO_STORE));

  hono.get('/readyz', () => {
    const missing = [...ports.missing()];
    const ready = missing.length === 0;
    return Response.json({ ready, missing }, { ...NO_STORE, status: ready ? 200 : 503 });
  });

  hono.get('/metrics', async () => {
    const text = metricsText(await allMetrics(ports));
    return new Response(text, { headers: { 'content-type': METRICS_CONTENT_TYPE, 'cache-control': 'no-store' } });
  });

  hono.get('/openapi.json', () => Response.json(openApiDocument(hono, ports.version)));

  hono.get('/docs', () => {
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': DOCS_POLICY };
    return new Response(docsPage(openApiDocument(hono, ports.version)), { headers });
  });
}

const NO_STORE = { headers: { 'cache-control': 'no-store' } };
