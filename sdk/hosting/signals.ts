/** The life of a framework as a process: signals, and the word to whoever started it. */
import { DisposableStore, toDisposable } from '../../core/base/index.js';
import type { RunningFramework } from './run-framework.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
type EndSignal = (typeof SIGNALS)[number];

/**
 * Waits until the framework has ended. The first SIGINT or SIGTERM closes it in good order, a second one
 * ends the process at once. A supervisor over the channel of the process is told that the framework runs or
 * stands by, and where its admin interface is; when the supervisor is gone, the framework is closed.
 * @returns the signal, or undefined when the framework ended by itself.
 */
export async function untilEnded(running: RunningFramework): Promise<EndSignal | undefined> {
  const owned = new DisposableStore();
  let asked: EndSignal | undefined;
  process.send?.({ kind: 'ready', port: running.adminPort });
  try {
    if (process.connected) {
      const close = (): void => void running.close();
      process.once('disconnect', close);
      owned.add(toDisposable(() => process.off('disconnect', close)));
    }
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
