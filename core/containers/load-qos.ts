/**
 * The QoS controller that looks at the load of the host: above a threshold, everything that runs on
 * lent resources has to go.
 */
import { loadavg } from 'node:os';
import type { QosController } from '../agent/index.js';

/** Loads above which tasks on lent resources end; undefined: that load does not matter. */
export interface LoadThresholds {
  readonly fiveMinutes: number | undefined;
  readonly fifteenMinutes: number | undefined;
}

/**
 * Makes the controller.
 * @param readLoad the mean loads of the last 1, 5 and 15 minutes. Default: those of this host.
 */
export function loadQosController(
  thresholds: LoadThresholds,
  readLoad: () => readonly number[] = loadavg,
): QosController {
  return {
    corrections: ({ executors }) => {
      const [, five = 0, fifteen = 0] = readLoad();
      const { fiveMinutes = Infinity, fifteenMinutes = Infinity } = thresholds;
      if (five <= fiveMinutes && fifteen <= fifteenMinutes) return [];
      return executors
        .filter(({ allocated }) => allocated.some(({ revocable }) => revocable !== undefined))
        .map(({ frameworkId, executorId }) => ({ kind: 'kill', frameworkId, executorId }));
    },
  };
}
