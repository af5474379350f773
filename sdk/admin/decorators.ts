/**
 * Routes of the admin interface as methods: `@Admin('/v1/jobs')` on a class, `@Get('/:id')` and its like on
 * methods. Inert, as all decorators of the SDK; `readRoutes` reads and judges.
 */
// oxlint-disable-next-line import/no-unassigned-import -- it adds functions to `Reflect`
import 'reflect-metadata';
import type { Context, MethodDecoratorOf } from '../framework/index.js';

export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** What the handler of a route is given. `Parameters`: names of the `:parts` of the path. */
export interface AdminRequest<
  Body = undefined,
  Query = undefined,
  Parameters extends string = string,
> {
  /** The parts of the path that the route names, decoded. */
  readonly params: Readonly<Record<Parameters, string>>;
  /** An instance of the class in the options, checked; undefined without one. */
  readonly body: Body;
  readonly query: Query;
}

export interface RouteOptions<Body = unknown, Query = unknown> {
  /** Class with decorators of class-validator; what does not fit is refused with 422. */
  readonly body?: new () => Body;
  readonly query?: new () => Query;
  /** Of a good answer. Default 200, and 204 when the handler returns nothing. */
  readonly status?: number;
  /** A line for the OpenAPI page. */
  readonly summary?: string;
}

/** Names of the `:parts` of a path. */
export type ParametersOf<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParametersOf<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

type RouteDecorator<Path extends string, Body, Query> = MethodDecoratorOf<
  (request: AdminRequest<Body, Query, ParametersOf<Path>>, context: Context) => unknown,
  '(request: AdminRequest<Body, Query>, context: Context) => unknown, with Body and Query as in the options'
>;

/** Makes a function that makes decorators of routes of one method. */
type RouteFunction = <const Path extends string = '/', Body = undefined, Query = undefined>(
  path?: Path,
  options?: RouteOptions<Body, Query>,
) => RouteDecorator<Path, Body, Query>;

/** One use of a route decorator, unchecked. */
export interface RouteDeclaration {
  readonly method: HttpMethod;
  readonly path: string;
  readonly options: RouteOptions;
  readonly key: PropertyKey;
}

const PREFIX = 'plateau:admin';
const ROUTES = 'plateau:routes';

/**
 * Gives the routes of a class their common beginning. The class is the framework itself, or one of its own,
 * which is made with the framework as argument.
 */
export function Admin(prefix: string): (target: abstract new (...given: never) => object) => void {
  return (target: object) => Reflect.defineMetadata(PREFIX, prefix, target);
}

/** Reads. A stream of values (`AsyncIterable`, or of rxjs) becomes server-sent events. */
export const Get: RouteFunction = routeFunction('GET');
export const Post: RouteFunction = routeFunction('POST');
export const Put: RouteFunction = routeFunction('PUT');
export const Patch: RouteFunction = routeFunction('PATCH');
export const Delete: RouteFunction = routeFunction('DELETE');

function routeFunction(method: HttpMethod): RouteFunction {
  return (path, options) => (decorated: unknown, key: PropertyKey) => {
    const target: object = Object(decorated);
    const before = ownRoutes(target);
    const declaration = { method, path: path ?? '/', options: { ...options }, key };
    Reflect.defineMetadata(ROUTES, [...before, declaration], target);
  };
}

/** The beginning of the routes of a class; undefined: it has no `@Admin`. */
export function adminPrefix(theClass: object): unknown {
  return Reflect.getMetadata(PREFIX, theClass);
}

/** Routes of one class alone; of its prototype, or of the class for static methods. */
export function ownRoutes(target: object): readonly RouteDeclaration[] {
  return Reflect.getOwnMetadata(ROUTES, target) ?? [];
}
