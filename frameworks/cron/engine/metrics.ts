/** What the scheduler counts since it started. */
import { LagMeter } from './lag-meter.js';

export class CronMetrics {
  claimed = 0;
  demanded = 0;
  skipped = 0;
  missed = 0;
  succeeded = 0;
  failed = 0;
  /** From when a run was due to when it was claimed. */
  readonly claimLag = new LagMeter();
  /** From when a run was due to when its first task was running. */
  readonly startLag = new LagMeter();
}
