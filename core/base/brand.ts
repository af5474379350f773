/** Branded strings: ids of different things that the compiler keeps apart. */

declare const brand: unique symbol;

/** A string that stands for one kind of thing only. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };

export type FrameworkId = Brand<'FrameworkId'>;
export type AgentId = Brand<'AgentId'>;
export type OfferId = Brand<'OfferId'>;
export type TaskId = Brand<'TaskId'>;
export type ExecutorId = Brand<'ExecutorId'>;
export type ContainerId = Brand<'ContainerId'>;
/** Identifies one subscription of a scheduler. */
export type StreamId = Brand<'StreamId'>;

/** Marks a text as an id of the wanted kind: `id<'TaskId'>(text)`. The one cast for ids. */
export function id<Name extends string>(text: string): Brand<Name> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where ids are made
  return text as Brand<Name>;
}
