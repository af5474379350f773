/** The public door of the batch scheduler: for `frameworks/cron`, whose runs are batch jobs, and for tests. */
export type { AgentRecord } from './agent-book.js';
export type { IndexState } from './array-state.js';
export type { Attempt } from './attempts.js';
export {
  BatchEngine,
  type BatchState,
  type EngineContext,
  type JobEdit,
  type JobEvent,
  type SubmitOptions,
} from './batch-engine.js';
export { BatchClient, type IndexFilter, type JobFilter, type Selection } from './client.js';
export { type WaitOptions, waitFor } from './commands/run.js';
export {
  ArrayDocument,
  BackoffDocument,
  type JobData,
  JobDocument,
  StepDocument,
  TemplateDocument,
} from './document.js';
export { Batch } from './framework.js';
export { IndexRanges } from './index-ranges.js';
export type { Job } from './job.js';
export {
  type Dependency,
  JOB_STATES,
  type JobReason,
  type JobRecord,
  type JobState,
  type Outcome,
} from './job-record.js';
export { JobRoutes } from './routes.js';
export type { Step } from './step.js';
export type { ChunkRecord } from './stored-state.js';
export {
  type AttemptView,
  type IndexView,
  type JobSummary,
  type JobView,
  type StepView,
  jobViewOf,
  summaryOf,
} from './views.js';
export { type Waiting, whyWaiting } from './why.js';
