/** The public door of the cron scheduler: for its tests, and for whoever runs it. */
export { CronEngine, type CronEngineParts, type UpcomingRun } from './engine/cron-engine.js';
export type { CronState } from './engine/cron-book.js';
export type { CronEvent } from './engine/run-book.js';
export type { BatchRun, RunPort } from './engine/run-port.js';
export { Cron } from './framework.js';
export type {
  BatchDocument,
  CatchUp,
  ConcurrencyPolicy,
  CronJob,
  CronSpec,
  Cursor,
  Run,
  RunReason,
  RunState,
  Schedule,
  Tally,
} from './model.js';
export { batchNameOf, scheduledRunId } from './model.js';
export { Timetables, scheduleProblem, zoneProblem } from './schedule/schedules.js';
export { type DueSpan, type Timetable, dueWithin, preview } from './schedule/timetable.js';
export { type Applied, CronRoutes } from './api/cron-routes.js';
export { METRONOME_VERSION, MetronomeApi } from './api/metronome/metronome-api.js';
export { CronClient } from './client.js';
export { CronDocument, specOf } from './document.js';
export * as cronLimits from './limits.js';
