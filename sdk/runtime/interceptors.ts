/** Middleware: sees every event before the runtime does, and every call before the master does. */
import type { SchedulerCall, SchedulerEvent } from '../../core/api/index.js';

/** What passes between the framework and the master. */
export type Traffic =
  | { readonly direction: 'in'; readonly event: SchedulerEvent }
  | { readonly direction: 'out'; readonly call: SchedulerCall };

/**
 * Called with each event and call. It passes on what it was given, or something else of the same
 * direction, by calling `next` before it returns; what it does not pass on is dropped. Without its
 * SUBSCRIBE call and SUBSCRIBED event a framework does not get far. What it throws ends the framework.
 */
export type Interceptor = (traffic: Traffic, next: (traffic: Traffic) => void) => void;

/** One function of several; the first is the outermost. */
export function chain(
  interceptors: readonly Interceptor[],
  last: (traffic: Traffic) => void,
): (traffic: Traffic) => void {
  return interceptors.reduceRight<(traffic: Traffic) => void>(
    (next, interceptor) => (traffic) => interceptor(traffic, next),
    last,
  );
}
