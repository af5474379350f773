/**
 * The document of a cron job: what people write in YAML or JSON. The run is a job of the batch scheduler, with
 * all that it can do; everything is checked here, so that a file and a request are told the same problems.
 */
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { refuse } from '../../sdk/index.js';
import { JobDocument } from '../batch/index.js';
import {
  HasTime,
  IsAbsent,
  IsJobId,
  IsTimeZone,
  SaysWhatRuns,
  ValuesAreTexts,
} from './document-checks.js';
import { DEMANDED_START_MS, MAX_HISTORY, MAX_SCHEDULES } from './limits.js';
import type { CatchUp, ConcurrencyPolicy, CronSpec } from './model.js';
import { type ScheduleText, scheduleProblem } from './schedule/schedules.js';

/** Ids of schedules; those of runs that somebody asks for are told apart by their beginning. */
export const SCHEDULE_ID = /^(?!manual)[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$/;
export const SCHEDULE_ID_RULE =
  "must be 1 to 30 lower-case letters, digits and -, and not begin with 'manual'";
/** Ten years: the longest time that a document may ask for. */
export const MAX_SECONDS = 10 * 366 * 86_400;

export const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace'] as const;
export const CATCH_UPS = ['latest', 'none'] as const;

export class ScheduleDocument {
  @Matches(SCHEDULE_ID, { message: SCHEDULE_ID_RULE }) id = 'main';
  /** Such as `30 2 * * *` or `@daily`. */
  @HasTime() cron?: string;
  /** Such as `R/2030-01-01T02:00:00Z/P1D`. */
  @IsOptional() @IsString() repeat?: string;
  @IsTimeZone() timezone = 'UTC';
  /** What becomes of a due time while another run of the job is not over. */
  @IsIn(CONCURRENCY_POLICIES, { message: "must be 'Allow', 'Forbid' or 'Replace'" })
  concurrencyPolicy: ConcurrencyPolicy = 'Forbid';
  /** How late a run may be claimed, and how long it may then wait until a task runs. */
  @IsInt() @Min(1) @Max(MAX_SECONDS) startingDeadlineSeconds = 900;
  /** What becomes of due times that passed while nobody was there: the latest is run, or none. */
  @IsIn(CATCH_UPS, { message: "must be 'latest' or 'none'" }) catchUp: CatchUp = 'latest';
  @IsBoolean() enabled = true;
}

export class HistoryDocument {
  @IsInt() @Min(0) @Max(MAX_HISTORY) succeeded = 20;
  @IsInt() @Min(0) @Max(MAX_HISTORY) failed = 20;
  /** Due times that were skipped or missed. */
  @IsInt() @Min(0) @Max(MAX_HISTORY) passedOver = 20;
}

const GIVEN = 'is given by the cron scheduler: leave it out';

/** A batch job without what belongs to the cron job. */
export class RunDocument extends JobDocument {
  @IsIn(['run'], { message: GIVEN }) override name = 'run';
  @IsAbsent(GIVEN) override suspend = false;
  @IsAbsent('is for batch jobs: runs wait for nothing') override afterOk: string[] = [];
  @IsAbsent('is for batch jobs: runs wait for nothing') override afterAny: string[] = [];
  @IsAbsent('is for batch jobs: runs wait for nothing') override afterFail: string[] = [];
}

export class CronDocument {
  @IsJobId() id!: string;

  @IsOptional() @IsString() @MaxLength(10_000) description?: string;
  @IsObject() @ValuesAreTexts() labels: Record<string, string> = {};

  @IsArray()
  @ArrayMaxSize(MAX_SCHEDULES)
  @ArrayUnique((schedule: unknown) => Object(schedule).id, {
    message: 'has two schedules of one id: give each its own',
  })
  @ValidateNested({ each: true })
  @Type(() => ScheduleDocument)
  schedules: ScheduleDocument[] = [];

  /** No schedule is due while it is true. */
  @IsBoolean() suspend = false;
  @ValidateNested() @Type(() => HistoryDocument) history: HistoryDocument = new HistoryDocument();
  /** How long a run that somebody asks for may wait until a task runs. */
  @IsInt() @Min(1) @Max(MAX_SECONDS) maxLaunchSeconds = DEMANDED_START_MS / 1000;
  @SaysWhatRuns()
  @ValidateNested()
  @Type(() => RunDocument)
  run!: RunDocument;
}

/**
 * The specification that a checked document makes.
 * @throws RequestRefused 422 for schedules that will never be due.
 */
export function specOf(document: CronDocument, nowMs: number): CronSpec {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a plain copy of what was checked
  const plain = JSON.parse(JSON.stringify(document, withoutNull)) as CronDocument;
  refuseNever(plain.schedules, nowMs, 'body.');
  const { description, ...others } = plain;
  return { ...others, ...(description === undefined ? {} : { description }) };
}

/** For `JSON.stringify`: what is `null` is as if it was not there. */
function withoutNull(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null));
}

/**
 * @param parent what paths of problems begin with.
 * @throws RequestRefused 422 for schedules that will never be due.
 */
export function refuseNever(schedules: readonly ScheduleText[], nowMs: number, parent = ''): void {
  const problems = schedules.flatMap((schedule, index) => {
    const message = scheduleProblem(schedule, nowMs);
    const field = schedule.cron === undefined ? 'repeat' : 'cron';
    return message === undefined
      ? []
      : [{ path: `${parent}schedules[${index}].${field}`, message }];
  });
  if (problems.length === 0) return;
  const texts = problems.map(({ path, message }) => `${path} ${message}`);
  throw refuse(422, texts.join('; '), problems);
}
