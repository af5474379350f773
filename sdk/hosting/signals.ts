/** The life of a framework as a process: signals, and the word to whoever started it. */
import { DisposableStore, toDisposable } from '../../core/base/index.js';
import type { RunningFramework } from './run-framework.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type EndSignal = (typeof SIGNALS)[number];

/**
 * Waits until the framework has ended. The first SIGINT or SIGTERM closes it in good order, a second one
 * ends the process at once.
 * @returns the signal, or undefined when the framework ended by itself.
 */
export async function untilEnded(running: RunningFramework): Promise<EndSignal | undefined> {
  const owned = new DisposableStore();
  let asked: EndSignal | undefined;
  try {
    for (const signal of SIGNALS) {
      const listener = (): void => {
        // oxlint-disable-next-line unicorn/no-process-exit -- the second request means: now
        if (asked !== undefined) process.exit(1);
        asked = signal;
        process.stderr.write('ending; the tasks go on (again to end at once)\n');
        void running.close();
      };
      process.on(signal, listener);
      owned.add(toDisposable(() => process.off(signal, listener)));
    }
    await running.ended;
    await running.close();
    return asked;
  } finally {
    owned.dispose();
  }
}
