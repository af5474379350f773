/** Work of a command that a person may end early. */
import { EXIT_CODES } from '../../../core/command/index.js';

/** Runs until done or until the first Ctrl-C; a second one ends the process. */
export async function untilStopped(
  run: (signal: AbortSignal) => Promise<void>,
): Promise<{ readonly isStopped: boolean }> {
  const controller = new AbortController();
  const stop = (): void => {
    // oxlint-disable-next-line unicorn/no-process-exit -- the second request means: now
    if (controller.signal.aborted) process.exit(EXIT_CODES.interrupted);
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    await run(controller.signal);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
  return { isStopped: controller.signal.aborted };
}
