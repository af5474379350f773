/**
 * What decorators write down, and nothing else does: declarations on the class that they stand in. They
 * check nothing, so that loading a module never fails; `readFramework` reads and judges.
 */
// oxlint-disable-next-line import/no-unassigned-import -- it adds functions to `Reflect`
import 'reflect-metadata';
import { PlateauError } from '../../core/base/index.js';
import type { HandlerKind } from './handlers.js';

/** Where a decorator was found. */
export type DecoratedPlace = 'method' | 'static' | 'field' | 'accessor';

/** One use of a handler decorator, unchecked. */
export interface HandlerDeclaration {
  readonly kind: HandlerKind;
  /** As it is written, such as `@OnOffers`. */
  readonly decorator: string;
  readonly key: PropertyKey;
  readonly place: DecoratedPlace;
  readonly options: unknown;
  /** Of `@OnStatus`: the states that are named one by one. */
  readonly states?: readonly unknown[];
  /** Of `@Every`. */
  readonly every?: unknown;
}

/** One use of `@Stored`, unchecked. */
export interface StoredDeclaration {
  readonly key: PropertyKey;
  readonly place: DecoratedPlace;
  readonly name: unknown;
  readonly options: unknown;
}

const FRAMEWORK = 'plateau:framework';
const HANDLERS = 'plateau:handlers';
const STORED = 'plateau:stored';

/** Writes the options of `@Framework` on a class. */
export function declareFramework(target: object, options: unknown): void {
  Reflect.defineMetadata(FRAMEWORK, { options }, target);
}

/** The options of the nearest `@Framework`, of the class itself or of one that it extends. */
export function declaredFramework(target: object): { readonly options: unknown } | undefined {
  return Reflect.getMetadata(FRAMEWORK, target);
}

/** Adds a handler; decorators of one class are evaluated in order. */
export function declareHandler(target: object, declaration: HandlerDeclaration): void {
  append(HANDLERS, target, declaration);
}

export function declareStored(target: object, declaration: StoredDeclaration): void {
  append(STORED, target, declaration);
}

/** Handlers of one class alone, in the order of the source. */
export function ownHandlers(target: object): readonly HandlerDeclaration[] {
  return Reflect.getOwnMetadata(HANDLERS, target) ?? [];
}

export function ownStored(target: object): readonly StoredDeclaration[] {
  return Reflect.getOwnMetadata(STORED, target) ?? [];
}

function append(key: string, target: object, declaration: object): void {
  const before: readonly object[] = Reflect.getOwnMetadata(key, target) ?? [];
  Reflect.defineMetadata(key, [...before, declaration], target);
}

/**
 * What a decorator was put on.
 * @throws PlateauError `INVALID_FRAMEWORK` when it is called in the manner of standard decorators: then
 *   nothing could be written down at all.
 */
export function placeOf(
  decorator: string,
  [target, key, descriptor]: readonly [target: object, key: unknown, descriptor: unknown],
): DecoratedPlace {
  if (isStandardContext(key)) throw wrongDecorators(decorator);
  if (typeof target === 'function') return 'static';
  if (descriptor === undefined) return 'field';
  const value: unknown = Reflect.get(Object(descriptor), 'value');
  return typeof value === 'function' ? 'method' : 'accessor';
}

/** Standard decorators are given a context with a kind where ours are given a key. */
export function isStandardContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'kind' in value && 'name' in value;
}

export function wrongDecorators(decorator: string): PlateauError {
  return new PlateauError(
    'INVALID_FRAMEWORK',
    `${decorator}: the module was compiled with standard decorators; set "experimentalDecorators": true ` +
      'in the compilerOptions of tsconfig.json.',
    { context: { decorator } },
  );
}
