/**
 * The types of decorators, made so that a method of the wrong signature does not compile and the error
 * is two lines that spell the expected signature out: the text takes the place of the parameter's type.
 */
import type { HandlerResult } from './handlers.js';

/** What classes have and instances have not: decorators are for members that are not static. */
interface ClassLike {
  readonly prototype: unknown;
}

/** The object whose member is decorated: what the compiler prints for a class names what is wrong. */
export type OnInstance<I> = I extends ClassLike ? 'an instance: handlers are not static' : I;

/**
 * Decorates methods of the type `H`; `Expected` is what the compiler prints for others. Fields have no descriptor,
 * of which nothing is known then.
 */
export type MethodDecoratorOf<H, Expected extends string> = <T, I>(
  target: IsUnknown<T> extends true ? `a method, not a field: ${Expected}` : OnInstance<I>,
  key: PropertyKey,
  descriptor?: T extends H ? TypedPropertyDescriptor<T> : Expected,
) => void;

/** `any` is something that may be anything, not what nothing is known of. */
type IsUnknown<T> = unknown extends T ? ([keyof T] extends [never] ? true : false) : false;

/** Decorates fields of the type `F`. */
export type FieldDecoratorOf<F, Expected extends string> = <K extends PropertyKey, I>(
  target: I extends ClassLike | Readonly<Record<K, F>>
    ? I extends ClassLike
      ? 'an instance: fields are not static'
      : I
    : Expected,
  key: K,
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
