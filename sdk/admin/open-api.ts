/** The OpenAPI 3.1 description of all routes, from the same classes that check requests. */
import type { Route } from './routes.js';
import { type JsonSchema, SchemaCollector } from './shapes.js';
import type { Site } from './site.js';

const PROBLEM: JsonSchema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        problems: {
          type: 'array',
          items: {
            type: 'object',
            properties: { path: { type: 'string' }, message: { type: 'string' } },
            required: ['path', 'message'],
          },
        },
      },
      required: ['code', 'message'],
    },
  },
  required: ['error'],
};

export function openApi({
  title,
  version,
  routes,
}: Pick<Site, 'title' | 'version' | 'routes'>): object {
  const schemas = new SchemaCollector();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version },
    paths,
    components: { schemas: { ...schemas.schemas, Problem: PROBLEM } },
  };
}

function operation(route: Route, schemas: SchemaCollector): object {
  const parameters = [...pathParameters(route), ...queryParameters(route, schemas)];
  const refusals = route.body === undefined && route.query === undefined ? {} : { 422: refused() };
  return {
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemas.reference(route.body) } },
          },
        }),
    responses: { [route.status ?? 200]: { description: 'done' }, ...refusals, default: refused() },
  };
}

function refused(): object {
  return {
    description: 'refused, with the reason',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function pathParameters({ path }: Route): readonly object[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ query }: Route, schemas: SchemaCollector): readonly object[] {
  if (query === undefined) return [];
  return schemas
    .fields(query)
    .map(({ name, schema, isRequired }) => ({ name, in: 'query', required: isRequired, schema }));
}
