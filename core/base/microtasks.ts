/**
 * Runs all promise callbacks that wait, at once and without leaving the function that asks. Node does
 * the same between two callbacks of its event loop; asking the loop for it costs a turn of it.
 *
 * Works only where no promise callback is under way: in a callback of the event loop, such as that of
 * `setImmediate`. Elsewhere it does nothing and says so.
 */

/** What Node runs after each callback of its loop. It has no documented name; a probe guards its use. */
const runPending = ((): (() => void) | undefined => {
  const found: unknown = Reflect.get(process, '_tickCallback');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a function without arguments
  return typeof found === 'function' ? (found as () => void) : undefined;
})();

/** Runs promise callbacks, and those that they bring about, until there is none left. */
export function runPromises(): void {
  runPending?.();
}

/** Whether `runPromises` works here; it runs what waits to find out. */
export function canRunPromises(): boolean {
  let hasRun = false;
  queueMicrotask(() => {
    hasRun = true;
  });
  runPromises();
  return hasRun;
}
