/** Bounds and times of the cron scheduler. `docs/limits.md` lists the same. */

/** Jobs that are known at one time. */
export const MAX_CRON_JOBS = 20_000;
/** Schedules of one job. */
export const MAX_SCHEDULES = 10;
/** Runs of one job that have not ended; a further one is skipped, or refused when somebody asks for it. */
export const MAX_ACTIVE_RUNS = 100;
/** Due times that are dealt with in one turn; the others follow in the next, without waiting. */
export const MAX_DUE_PER_TURN = 1_000;
/** Time that due times of one turn may take; the others follow in the next. */
export const MAX_DUE_TURN_MS = 200;
/** Missed due times of one schedule that are counted, beyond the first; more are told as "at least". */
export const MAX_COUNTED_MISSED = 100;
/** Ended runs of one job and of one kind (succeeded, failed, passed over) that a document may ask to keep. */
export const MAX_HISTORY = 1_000;
/** Due times in one preview. */
export const MAX_PREVIEW = 1_000;
/** Jobs or runs in one page of a list. */
export const MAX_CRON_PER_PAGE = 1_000;
/** Timetables that are kept: schedules of one expression and zone share one. */
export const MAX_TIMETABLES = 2_000;
/** Longest cron expression or repeat, in characters. */
export const MAX_SCHEDULE_LENGTH = 500;
/** Longest id of a job, in characters. */
export const MAX_CRON_ID_LENGTH = 128;
/** Tasks of one run that are kept with it, the last ones. */
export const MAX_RUN_TASKS = 20;
/** Arguments that a run on demand may add. */
export const MAX_EXTRA_ARGUMENTS = 100;
/** Readings of lag from which the quantiles come, the last ones. */
export const MAX_LAG_READINGS = 10_000;
/** Events of a stream that wait to be told; beyond it the stream ends. */
export const MAX_WAITING_CRON_EVENTS = 20_000;

/** How long a run that somebody asked for may wait until a task runs, unless the job says otherwise. */
export const DEMANDED_START_MS = 3_600_000;
/** With `catchUp: none`, a due time that is dealt with later than this counts as missed. */
export const ON_TIME_MS = 5_000;
/** Longest sleep: after it the wall clock is looked at, which may have jumped. */
export const CLOCK_CHECK_MS = 1_000;
/** Shortest period of a repeat. */
export const MIN_PERIOD_MS = 1_000;
