/**
 * Keeps the programs small: a master or agent shares its host with the tasks, and V8 left to itself
 * collects late, and least of all when there is nothing to do. While there is work, it is left alone.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, type Disposable, setRepeatingTimer } from '../base/index.js';

/** Time between looks at how busy the process was. */
const LOOK_INTERVAL_MS = 250;
/** Part of the time below which it counts as idle. */
const IDLE_UTILIZATION = 0.1;
/** Growth of the heap, used or held, since the last collection that is worth another one. */
const WORTHWHILE_BYTES = 8 * 1024 * 1024;

/**
 * Collects garbage now, which is what starting left behind, and later whenever the process is idle and
 * its heap has grown.
 */
export function collectWhenIdle(clock: Clock): Disposable {
  const collect = collector();
  collect();
  let after = process.memoryUsage();
  let last = performance.eventLoopUtilization();
  return setRepeatingTimer(clock, LOOK_INTERVAL_MS, () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    if (utilization > IDLE_UTILIZATION) return;
    const { heapUsed, heapTotal } = process.memoryUsage();
    const grown = Math.max(heapUsed - after.heapUsed, heapTotal - after.heapTotal);
    if (grown < WORTHWHILE_BYTES) return;
    collect();
    after = process.memoryUsage();
    last = performance.eventLoopUtilization();
  });
}

/** The full collection of V8, which is hidden behind a flag. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  return () => {
    if (typeof collect === 'function') collect();
  };
}
