/**
 * The types of decorators, made so that a method of the wrong signature does not compile and the error
 * is two lines that spell the expected signature out: the text takes the place of the parameter's type.
 */
import type { HandlerResult } from './handlers.js';

/** What instances are and classes are not: handlers are no static methods. */
// oxlint-disable-next-line typescript/no-redundant-type-constituents -- `object` keeps it from being a weak type
export type OnInstance = object & { readonly prototype?: never };

/** Decorates methods of the type `H`; `Expected` is what the compiler prints for others. */
export type MethodDecoratorOf<H, Expected extends string> = <T>(
  target: OnInstance,
  key: PropertyKey,
  descriptor: T extends H ? TypedPropertyDescriptor<T> : Expected,
) => void;

/** Decorates handlers of an event `E`. */
export type EventDecorator<E, Context, Expected extends string> = MethodDecoratorOf<
  (event: E, context: Context) => HandlerResult,
  Expected
>;

/** Decorates handlers that are given the context alone. */
export type PlainDecorator<Context> = MethodDecoratorOf<
  (context: Context) => HandlerResult,
  '(context: Context) => Decision | Promise<Decision>'
>;
