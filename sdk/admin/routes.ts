/** Routes: reading them from classes, and finding the one of a path. */
import { PlateauError } from '../../core/base/index.js';
import type { Shape } from '../framework/index.js';
import {
  type AdminRequest,
  type HttpMethod,
  type RouteDeclaration,
  adminPrefix,
  ownRoutes,
} from './decorators.js';

/** A request whose parts have been checked. */
export type CheckedRequest = AdminRequest<object | undefined, object | undefined>;

/** One route, whoever brought it. */
export interface Route {
  readonly method: HttpMethod;
  /** Such as `/v1/jobs/:id`. */
  readonly path: string;
  readonly body?: Shape | undefined;
  readonly query?: Shape | undefined;
  readonly status?: number | undefined;
  readonly summary: string;
}

/** A route that is a method of a class. */
export interface MethodRoute extends Route {
  readonly owner: object;
  /** Name of the method. */
  readonly key: PropertyKey;
  readonly invoke: (instance: object, given: readonly unknown[]) => unknown;
}

/**
 * The routes of classes with `@Admin`; a class without any is skipped.
 * @throws PlateauError `INVALID_FRAMEWORK` with all that is wrong.
 */
export function readRoutes(classes: readonly object[]): readonly MethodRoute[] {
  const problems: string[] = [];
  const routes = classes.flatMap((theClass) => routesOf(theClass, problems));
  if (problems.length === 0) return routes;
  throw new PlateauError(
    'INVALID_FRAMEWORK',
    `The admin routes are not valid:${problems.map((each) => `\n  - ${each}.`).join('')}`,
    { context: { problems: problems.length } },
  );
}

/** Two routes that a request could mean both, in words. */
export function clashesOf(routes: readonly Route[]): readonly string[] {
  const seen = new Map<string, Route>();
  return routes.flatMap((route) => {
    const shape = `${route.method} ${route.path.replace(/:[^/]+/g, ':')}`;
    const other = seen.get(shape);
    seen.set(shape, route);
    return other === undefined ? [] : [`${route.method} ${route.path} (${other.summary})`];
  });
}

function routesOf(theClass: object, problems: string[]): readonly MethodRoute[] {
  const name = 'name' in theClass ? String(theClass.name) : 'the class';
  const declared = declaredRoutes(theClass, name, problems);
  const prefix = adminPrefix(theClass);
  if (prefix === undefined && declared.length > 0) {
    problems.push(`${name} has routes but no @Admin: put @Admin('/v1/…') before the class`);
    return [];
  }
  if (prefix === undefined) return [];
  if (typeof prefix !== 'string' || !isPath(prefix)) {
    problems.push(`${name}: @Admin(${JSON.stringify(prefix)}): ${PATH_RULE}`);
    return [];
  }
  return declared.flatMap((each) => readRoute(each, { theClass, name, prefix, problems }));
}

/** Those of parents too; a method that declares routes again has only the later ones. */
function declaredRoutes(
  theClass: object,
  name: string,
  problems: string[],
): readonly RouteDeclaration[] {
  let merged: readonly RouteDeclaration[] = [];
  for (const current of chainOf(theClass)) {
    for (const { method, key } of ownRoutes(current)) {
      problems.push(
        `${name}.${String(key)}: @${title(method)} is on a static method: remove 'static'`,
      );
    }
    const own = ownRoutes(Object(Reflect.get(current, 'prototype')));
    const again = new Set(own.map(({ key }) => key));
    merged = [...merged.filter(({ key }) => !again.has(key)), ...own];
  }
  return merged;
}

function chainOf(theClass: object): readonly object[] {
  const chain: object[] = [];
  let current: unknown = theClass;
  while (typeof current === 'function' && current !== Function.prototype) {
    chain.unshift(current);
    current = Object.getPrototypeOf(current);
  }
  return chain;
}

interface Owner {
  readonly theClass: object;
  readonly name: string;
  readonly prefix: string;
  readonly problems: string[];
}

function readRoute(declared: RouteDeclaration, owner: Owner): readonly MethodRoute[] {
  const { method, key, options } = declared;
  const word = `${owner.name}.${String(key)}: @${title(method)}('${declared.path}')`;
  const problems = [
    ...(isPath(declared.path) ? [] : [PATH_RULE]),
    ...(isShape(options.body) ? [] : ["option 'body' must be a class"]),
    ...(isShape(options.query) ? [] : ["option 'query' must be a class"]),
    ...(isGoodStatus(options.status) ? [] : ["option 'status' must be from 200 to 299"]),
    ...(method === 'GET' && options.body !== undefined ? ['a GET has no body: use query'] : []),
  ];
  owner.problems.push(...problems.map((problem) => `${word}: ${problem}`));
  if (problems.length > 0) return [];
  return [
    {
      method,
      path: joined(owner.prefix, declared.path),
      ...shapesOf(options),
      status: options.status,
      summary: options.summary ?? `${owner.name}.${String(key)}`,
      owner: owner.theClass,
      key,
      invoke: (instance, given) => callMethod(instance, key, given),
    },
  ];
}

function shapesOf(options: RouteDeclaration['options']): Pick<Route, 'body' | 'query'> {
  const { body, query } = options;
  return { body: asShape(body), query: asShape(query) };
}

/** Checked by `isShape` before. */
function asShape(value: unknown): Shape | undefined {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return value as Shape | undefined;
}

function callMethod(instance: object, key: PropertyKey, given: readonly unknown[]): unknown {
  const method: unknown = Reflect.get(instance, key);
  return typeof method === 'function' ? Reflect.apply(method, instance, given) : undefined;
}

const PATH_RULE =
  "a path begins with '/', has no empty part, and names variable parts as ':name', such as '/jobs/:id'";

function isPath(path: string): boolean {
  return path === '/' || /^(?:\/(?::[A-Za-z]\w*|[\w.~-]+))+$/.test(path);
}

function isShape(value: unknown): boolean {
  return value === undefined || (typeof value === 'function' && 'prototype' in value);
}

function isGoodStatus(status: unknown): boolean {
  if (status === undefined) return true;
  return typeof status === 'number' && Number.isInteger(status) && status >= 200 && status < 300;
}

function joined(prefix: string, path: string): string {
  return `${prefix === '/' ? '' : prefix}${path === '/' ? '' : path}` || '/';
}

function title(method: HttpMethod): string {
  return method.charAt(0) + method.slice(1).toLowerCase();
}

/** What a path leads to. `allowed`: its methods, when the asked one is not among them. */
export type Found<R> =
  | { readonly kind: 'route'; readonly route: R; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'method'; readonly allowed: readonly HttpMethod[] }
  | { readonly kind: 'none' };

/** The route of a method and a path. Fixed parts win over variable ones. */
export function findRoute<R extends Route>(
  routes: readonly R[],
  method: string,
  path: string,
): Found<R> {
  const parts = partsOf(path);
  const matching = routes
    .flatMap((route) => {
      const params = matchParts(partsOf(route.path), parts);
      return params === undefined ? [] : [{ kind: 'route' as const, route, params }];
    })
    .toSorted((one, other) => Object.keys(one.params).length - Object.keys(other.params).length);
  if (matching.length === 0) return { kind: 'none' };
  const found = matching.find(({ route }) => route.method === method);
  return found ?? { kind: 'method', allowed: matching.map(({ route }) => route.method) };
}

function partsOf(path: string): readonly string[] {
  return path.split('/').slice(1);
}

function matchParts(
  pattern: readonly string[],
  parts: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = decoded(parts[index] ?? '');
    if (part === undefined) return undefined;
    if (!wanted.startsWith(':')) {
      if (wanted !== part) return undefined;
    } else if (part === '') return undefined;
    else params[wanted.slice(1)] = part;
  }
  return params;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
