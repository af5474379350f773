/**
 * Mounts: everything below a path goes to one method, as it came. For interfaces whose paths, answers and
 * errors are given, such as those of other systems; routes of the framework's own are better off with `@Get`
 * and its like, which check and describe themselves.
 */
// oxlint-disable-next-line import/no-unassigned-import -- it adds functions to `Reflect`
import 'reflect-metadata';
import { PlateauError } from '../../core/base/index.js';
import type { Context, MethodDecoratorOf } from '../framework/index.js';
import type { RequestRefused } from './refusal.js';

/** A request as it came, within the bounds of the admin interface. */
export interface MountedRequest {
  readonly method: string;
  /** The whole path, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
  /** Address of who asks. */
  readonly client: string;
}

export interface MountOptions {
  /** The body of answers that the server itself gives: bad JSON, no active copy, a defect. */
  readonly refusal?: (refused: RequestRefused) => unknown;
  /** Header that names the active copy in answers that another copy passes on. */
  readonly leaderHeader?: string;
}

/** An answer with its own status and header lines. Give `json`, or `text` with its type, or neither. */
export interface HttpAnswerOptions {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly contentType?: string;
  /** When the answer has gone out, this copy gives its place up: another one that stands by takes over. */
  readonly resigns?: boolean;
}

/** Returned by a route or a mounted method: answered as it says. */
export class HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: unknown;
  readonly text: string | undefined;
  readonly contentType: string;
  readonly resigns: boolean;

  constructor(options: HttpAnswerOptions) {
    this.status = options.status ?? 200;
    this.headers = options.headers ?? {};
    this.json = options.json;
    this.text = options.text;
    this.contentType = options.contentType ?? 'text/plain; charset=utf-8';
    this.resigns = options.resigns ?? false;
  }
}

/** One use of `@Mount`. */
export interface Mount {
  readonly path: string;
  readonly owner: object;
  readonly options: MountOptions;
  readonly invoke: (instance: object, given: readonly unknown[]) => unknown;
}

interface MountDeclaration {
  readonly path: string;
  readonly key: PropertyKey;
  readonly options: MountOptions;
}

const MOUNTS = 'plateau:mounts';

/**
 * Gives all requests at and below a path to the method, those for routes excepted. The method runs as a
 * turn, as routes do; it returns an `HttpAnswer`, JSON, a stream of events, or nothing (204).
 */
export function Mount(
  path: string,
  options: MountOptions = {},
): MethodDecoratorOf<
  (request: MountedRequest, context: Context) => unknown,
  '(request: MountedRequest, context: Context) => unknown'
> {
  return (decorated: unknown, key: PropertyKey) => {
    const target: object = Object(decorated);
    const before = ownMounts(target);
    Reflect.defineMetadata(MOUNTS, [...before, { path, key, options }], target);
  };
}

function ownMounts(target: object): readonly MountDeclaration[] {
  return Reflect.getMetadata(MOUNTS, target) ?? [];
}

/**
 * The mounts of classes, the longest paths first.
 * @throws PlateauError `INVALID_FRAMEWORK` for a path that is not well-formed.
 */
export function readMounts(classes: readonly object[]): readonly Mount[] {
  return classes
    .flatMap((owner) => {
      const prototype: object = Object(Reflect.get(owner, 'prototype'));
      return ownMounts(prototype).map((declared) => mountOf(owner, declared));
    })
    .toSorted((one, other) => other.path.length - one.path.length);
}

function mountOf(owner: object, { path, key, options }: MountDeclaration): Mount {
  if (!/^(?:\/[\w.~-]+)+$/.test(path)) {
    throw new PlateauError(
      'INVALID_FRAMEWORK',
      `@Mount('${path}'): a path begins with '/', does not end with one, and has no empty part.`,
    );
  }
  const invoke = (instance: object, given: readonly unknown[]): unknown => {
    const method: unknown = Reflect.get(instance, key);
    return typeof method === 'function' ? Reflect.apply(method, instance, given) : undefined;
  };
  return { path, owner, options, invoke };
}

/** The mount that a path is at or below. */
export function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.find((mount) => path === mount.path || path.startsWith(`${mount.path}/`));
}
