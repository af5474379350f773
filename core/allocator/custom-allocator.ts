/**
 * The extension point of allocation: what a module that brings an allocator of its own exports, what
 * its allocator may leave out, and how it is completed. `docs/extending-the-allocator.md` explains it.
 */
import type { Allocator, AllocatorOptions } from './allocator.js';

/** What an allocator of a module is made with. */
export interface AllocatorModuleOptions extends AllocatorOptions {
  /** The pairs of `--allocator_options`, unread: the module says what they mean. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The function that a module for `--allocator` exports under the name `createAllocator`. */
export type CreateAllocator = (options: AllocatorModuleOptions) => CustomAllocator;

/**
 * Calls that an allocator may leave out: those about inverse offers, and those that only report. They
 * do nothing, and report nothing, then.
 */
export type OptionalAllocatorCall =
  | 'noteUsed'
  | 'updateUnavailability'
  | 'updateInverseOffer'
  | 'inverseOfferStatuses'
  | 'roles'
  | 'explain'
  | 'metrics';

/** An allocator that may lack some calls. */
export type CustomAllocator = Omit<Allocator, OptionalAllocatorCall> &
  Partial<Pick<Allocator, OptionalAllocatorCall>>;

/** The calls that every allocator has to answer. */
const REQUIRED_CALLS: Readonly<Record<Exclude<keyof Allocator, OptionalAllocatorCall>, true>> = {
  recover: true,
  addFramework: true,
  updateFramework: true,
  removeFramework: true,
  activateFramework: true,
  deactivateFramework: true,
  addAgent: true,
  updateAgent: true,
  removeAgent: true,
  activateAgent: true,
  deactivateAgent: true,
  addResourceProvider: true,
  updateWhitelist: true,
  recoverResources: true,
  share: true,
  updateAllocation: true,
  updateAvailable: true,
  suppress: true,
  revive: true,
  updateWeights: true,
  updateQuota: true,
  dispose: true,
};

/** The names of the calls that a value, which should be an allocator, lacks; all for what is none. */
export function missingAllocatorCalls(value: unknown): readonly string[] {
  const names = Object.keys(REQUIRED_CALLS);
  if (typeof value !== 'object' || value === null) return names;
  return names.filter((name) => typeof Reflect.get(value, name) !== 'function');
}

/** Whether the value has all calls that an allocator needs. What they do cannot be told. */
export function isCustomAllocator(value: unknown): value is CustomAllocator {
  return missingAllocatorCalls(value).length === 0;
}

/** The same object, with the calls that it leaves out. It belongs to the master from now on. */
export function completeAllocator(custom: CustomAllocator): Allocator {
  const optional: Pick<Allocator, OptionalAllocatorCall> = {
    noteUsed: custom.noteUsed?.bind(custom) ?? nothing,
    updateUnavailability: custom.updateUnavailability?.bind(custom) ?? nothing,
    updateInverseOffer: custom.updateInverseOffer?.bind(custom) ?? nothing,
    inverseOfferStatuses: custom.inverseOfferStatuses?.bind(custom) ?? (() => new Map()),
    roles: custom.roles?.bind(custom) ?? (() => new Map()),
    explain: custom.explain?.bind(custom) ?? (() => undefined),
    metrics: custom.metrics?.bind(custom) ?? (() => new Map()),
  };
  return Object.assign(custom, optional);
}

function nothing(): void {}
