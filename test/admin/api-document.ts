/** The OpenAPI document as tests walk through it: operations, with their parameters and schemas. */

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly example?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
}

export interface Operation {
  readonly path: string;
  /** In capitals. */
  readonly method: string;
  readonly id: string;
  /** Null: it is open to everybody. */
  readonly needs: string | null;
  readonly parameters: readonly Parameter[];
  /** Null: it takes no body. */
  readonly body: Schema | null;
  readonly streams: boolean;
}

export interface ApiDocument {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Schema>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
}

/** @param document what `GET /openapi.json` answers */
export function readDocument(document: unknown): ApiDocument {
  const { paths, components } = document as {
    paths: Record<string, Record<string, RawOperation>>;
    components: { schemas: Record<string, Schema> };
  };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]): Operation => {
      const { operationId: id, security, parameters = [], requestBody, responses } = raw;
      const streams = Object.values(responses).some(({ content = {} }) => 'text/event-stream' in content);
      const needs = security?.[0]?.token?.[0] ?? null;
      const body = requestBody?.content['application/json']?.schema ?? null;
      return { path, method: method.toUpperCase(), id, needs, parameters, body, streams };
    }),
  );
  return { operations, schemas: components.schemas };
}

/** The path with its parameters filled in. */
export function pathOf({ path }: Operation, fill: (name: string) => string): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill(name)));
}
