/** What containers use, measured no more often than is of use: many may ask, and each look costs. */
import type { ContainerUsage } from '../agent/index.js';
import type { ProcessIdentity } from './launcher/protocol.js';
import { usageOf } from './usage.js';

/** What containers use is measured anew after this time at the earliest. */
export const USAGE_CACHE_MS = 500;

export class UsageCache {
  #last:
    | {
        /** Of which processes it is. */
        readonly key: string;
        readonly atMs: number;
        readonly usage: ReadonlyMap<number, ContainerUsage>;
      }
    | undefined;

  /** By the number of the first process of each container, at most `USAGE_CACHE_MS` old. */
  of(leaders: readonly ProcessIdentity[]): ReadonlyMap<number, ContainerUsage> {
    const nowMs = performance.now();
    const key = leaders.map(({ pid, startTime }) => `${pid}:${startTime}`).join();
    const last = this.#last;
    if (last?.key === key && nowMs - last.atMs < USAGE_CACHE_MS) return last.usage;
    const usage = usageOf(leaders);
    this.#last = { key, atMs: nowMs, usage };
    return usage;
  }
}
