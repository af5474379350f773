/**
 * The routes of a class as functions: what `@Admin` and its like say of a method on one side is how it is
 * called on the other, with the types of the method. Made by `AdminClient.of`.
 */
import { PlateauError } from '../../core/base/index.js';
import type { AdminRequest } from './decorators.js';
import { readRoutes } from './routes.js';

/** A value as it comes back through JSON: dates are texts, methods are gone. */
export type Answered<T> = T extends Date
  ? string
  : T extends (...parameters: never[]) => unknown
    ? never
    : T extends readonly (infer Item)[]
      ? readonly Answered<Item>[]
      : T extends object
        ? {
            readonly [
              K in keyof T as T[K] extends (...parameters: never[]) => unknown ? never : K
            ]: Answered<T[K]>;
          }
        : T extends void
          ? undefined
          : T;

/** What of a request the method looks at, and so the caller has to give. */
type Asked<R> =
  R extends AdminRequest<infer Body, infer Query, infer Names>
    ? ([Body] extends [undefined] ? unknown : { readonly body: Body }) &
        ([Query] extends [undefined] ? unknown : { readonly query: Query }) &
        (string extends Names ? unknown : { readonly params: Readonly<Record<Names, string>> })
    : unknown;

type Arguments<R> = keyof Asked<R> extends never ? [] : [request: Asked<R>];

/** One function for each method that may be a route; those that are none fail when they are called. */
export type RouteClient<T> = {
  readonly [
    K in keyof T as T[K] extends (request: never, context: never) => unknown ? K : never
  ]: T[K] extends (request: infer R, context: never) => infer Result
    ? (...given: Arguments<R>) => Promise<Answered<Awaited<Result>>>
    : never;
};

interface Sent {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
}

interface Given extends Sent {
  readonly params?: Readonly<Record<string, string>>;
}

type Send = (method: string, path: string, sent: Sent) => Promise<unknown>;

/** @throws PlateauError `INVALID_FRAMEWORK` when the class has no routes, or wrong ones. */
export function routeClient<T extends object>(theClass: object, send: Send): RouteClient<T> {
  const routes = readRoutes([theClass]);
  if (routes.length === 0) {
    throw new PlateauError(
      'INVALID_FRAMEWORK',
      `${'name' in theClass ? String(theClass.name) : 'the class'} has no routes: put @Admin on it, and @Get or its like on methods`,
    );
  }
  const client: Record<PropertyKey, (given?: Given) => Promise<unknown>> = {};
  // The first of several routes of one method is the one that is called.
  for (const { key, method, path } of routes.toReversed()) {
    client[key] = async ({ params = {}, query = {}, body }: Given = {}) =>
      send(method, filled(path, params), { query, ...(body === undefined ? {} : { body }) });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one function for each route
  return client as RouteClient<T>;
}

/** @throws PlateauError `INVALID_REQUEST` naming the part that is missing. */
function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:([A-Za-z]\w*)/g, (_, name: string) => {
    const value = params[name];
    if (value !== undefined && value !== '') return encodeURIComponent(value);
    throw new PlateauError('INVALID_REQUEST', `'params.${name}' of ${path} is missing: give it`);
  });
}
