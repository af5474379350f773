/**
 * The document of a job: what people write in YAML or JSON and send to the scheduler. Names of fields of
 * arrays and of retries are those of a Job of Kubernetes. Everything is checked here, so that a file and a
 * request are told the same problems at the same paths.
 */
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsPositive,
  IsString,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import type { Constraint, TaskSpec } from '../../sdk/index.js';
import {
  FitsRanges,
  FitsTask,
  HasTexts,
  IsCommand,
  IsTemplate,
  NeedsInOrder,
  OneOfTemplateAndSteps,
  isGiven,
} from './document-checks.js';
import {
  MAX_DEPENDENCIES,
  MAX_INDEXES,
  MAX_RETRIES,
  MAX_STEPS,
  RELEASE_SLOT_SECONDS,
} from './limits.js';

/** Names become parts of ids of tasks, of addresses and of variables. */
const JOB_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/;
const STEP_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,28}[A-Za-z0-9])?$/;
const JOB_NAME_RULE =
  'must be 1 to 63 letters, digits, - and _, beginning and ending with a letter or digit';
const STEP_NAME_RULE =
  'must be 1 to 30 letters, digits, - and _, beginning and ending with a letter or digit';
/** Ten years: the longest time that a document may ask for. */
export const MAX_SECONDS = 10 * 366 * 86_400;

/** What one task of the job runs, and what it needs: a `TaskSpec` without a name. */
export class TemplateDocument {
  /** A text is run by a shell, a list is a program with its arguments. */
  @IsOptional() @IsCommand() @FitsTask() command?: string | string[];
  @IsNumber({}, { message: 'must be a number of cpus' }) @Min(0) @FitsTask() cpus = 0.1;
  @IsNumber({}, { message: 'must be a number of MiB' }) @Min(0) @FitsTask() memMiB = 32;
  @IsOptional() @IsNumber() @Min(0) @FitsTask() diskMiB?: number;
  @IsOptional() @IsInt() @Min(0) @FitsTask() gpus?: number;
  /** How many ports; their numbers are in `PORT0`, `PORT1`, … */
  @IsOptional() @IsInt() @Min(0) @Max(100) ports?: number;
  @IsOptional() @IsObject() @FitsTask() env?: Record<string, string>;
  @IsOptional() @IsArray() @FitsTask() uris?: (string | object)[];
  @IsOptional() @IsString() @FitsTask() user?: string;
  /** `ContainerInfo` of the API. */
  @IsOptional() @IsObject() @FitsTask() container?: object;
  @IsOptional() @IsObject() @FitsTask() labels?: Record<string, string>;
  /** Such as `[['rack', 'LIKE', 'r[1-3]']]`. */
  @IsOptional() @IsArray() @FitsTask() constraints?: Constraint[];
  /** An attempt that takes longer is ended, and counts as failed. */
  @IsOptional() @IsNumber() @IsPositive() @Max(MAX_SECONDS) activeDeadlineSeconds?: number;
  /** Between SIGTERM and SIGKILL. */
  @IsOptional() @IsNumber() @Min(0) @Max(86_400) terminationGracePeriodSeconds?: number;
}

/** What arrays and steps of arrays have: which indexes, and how many of them at a time. */
export class ArrayDocument {
  /** Indexes from 0 to one less. Default 1. */
  @IsOptional() @IsInt() @Min(1) @Max(MAX_INDEXES) completions?: number;
  /** Instead of `completions`: such as `0-99,200`. */
  @IsOptional() @FitsRanges() indexes?: string;
  /** Tasks that run at one time at most; 0 starts none. Default: all. Can be changed at any time. */
  @IsOptional() @IsInt() @Min(0) @Max(MAX_INDEXES) parallelism?: number;
}

/** One of several parts of a job. */
export class StepDocument extends ArrayDocument {
  @Matches(STEP_NAME, { message: STEP_NAME_RULE }) name!: string;
  @ValidateNested() @Type(() => TemplateDocument) @IsTemplate() template!: TemplateDocument;
  /** Steps that must have succeeded before this one begins. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_STEPS)
  @ArrayUnique()
  @IsString({ each: true })
  needs?: string[];
}

/** Waits between attempts at an index. */
export class BackoffDocument {
  /** After the first failure. */
  @IsNumber() @Min(0) @Max(MAX_SECONDS) seconds = 5;
  /** Longest wait. */
  @IsNumber() @Min(0) @Max(MAX_SECONDS) maxSeconds = 360;
  /** By which each wait is longer than the one before. */
  @IsNumber() @Min(1) @Max(100) factor = 2;
  /** Part of a wait by which it is shortened at most, at random. */
  @IsNumber() @Min(0) @Max(1) jitter = 0.2;
}

export class JobDocument extends ArrayDocument {
  @Matches(JOB_NAME, { message: JOB_NAME_RULE }) name!: string;
  @ValidateIf(({ template, steps }: JobDocument) => isGiven(template) || !isGiven(steps))
  @ValidateNested()
  @Type(() => TemplateDocument)
  @IsTemplate()
  template?: TemplateDocument;
  @OneOfTemplateAndSteps()
  @NeedsInOrder()
  @IsOptional()
  @IsArray()
  @ArrayNotEmpty()
  @ArrayMaxSize(MAX_STEPS)
  @ValidateNested({ each: true })
  @Type(() => StepDocument)
  steps?: StepDocument[];
  @IsOptional() @IsObject() @HasTexts() labels?: Record<string, string>;

  /** Higher ones are placed first; among equals, what was submitted first. */
  @IsInt() @Min(-1000) @Max(1000) priority = 0;

  /** Attempts after the first that each index may have. */
  @IsInt() @Min(0) @Max(MAX_RETRIES) backoffLimitPerIndex = 3;
  /** Failed attempts of all indexes together; one more ends the job. Default: no bound. */
  @IsOptional() @IsInt() @Min(0) backoffLimit?: number;
  /** Indexes that may fail; one more ends the job. Default: no bound. */
  @IsOptional() @IsInt() @Min(0) maxFailedIndexes?: number;
  @ValidateNested() @Type(() => BackoffDocument) backoff: BackoffDocument = new BackoffDocument();
  /** Whether an index that failed is tried on another agent next. */
  @IsBoolean() avoidLastAgent = true;

  /** What becomes of an index whose agent is out of reach: another task is started, or it is waited for. */
  @IsIn(['replace', 'wait'], { message: "must be 'replace' or 'wait'" })
  whenUnreachable: 'replace' | 'wait' = 'replace';
  /** How long an agent may be out of reach before its tasks are replaced. */
  @IsNumber() @Min(0) @Max(MAX_SECONDS) replaceAfterSeconds = 120;
  /**
   * How long a task that is out of reach and was given up, because it was replaced or cancelled, counts against
   * the throttle from when it went out of reach. Until then the throttle is never exceeded, even if it still runs.
   */
  @IsNumber() @Min(0) @Max(MAX_SECONDS) releaseSlotAfterSeconds = RELEASE_SLOT_SECONDS;

  /** From the moment when it could begin: a job that takes longer is ended. */
  @IsOptional() @IsNumber() @IsPositive() @Max(MAX_SECONDS) activeDeadlineSeconds?: number;
  /** How long it is remembered after its end. Default: a week. */
  @IsNumber() @Min(0) @Max(MAX_SECONDS) ttlSecondsAfterFinished = 604_800;
  /** Starts nothing until it is released. */
  @IsBoolean() suspend = false;

  /** Jobs that must have succeeded before this one begins. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_DEPENDENCIES)
  @ArrayUnique()
  @IsString({ each: true })
  afterOk?: string[];
  /** Jobs that must have ended. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_DEPENDENCIES)
  @ArrayUnique()
  @IsString({ each: true })
  afterAny?: string[];
  /** Jobs that must have failed or been cancelled. */
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MAX_DEPENDENCIES)
  @ArrayUnique()
  @IsString({ each: true })
  afterFail?: string[];
  /** When what it waits for can never come: it fails, or waits for a rerun of the other job. */
  @IsIn(['fail', 'wait'], { message: "must be 'fail' or 'wait'" })
  whenNeverSatisfied: 'fail' | 'wait' = 'fail';
}

/** A document as plain data. */
export type JobData = { readonly [Field in keyof JobDocument]: JobDocument[Field] };

/** The description of a task of a template, without what belongs to an index. */
export function specOfTemplate(name: string, template: TemplateDocument): TaskSpec {
  const { activeDeadlineSeconds, terminationGracePeriodSeconds, ...fields } = template;
  const spec: Record<string, unknown> = { name };
  for (const [field, value] of Object.entries(fields)) if (value !== undefined) spec[field] = value;
  if (activeDeadlineSeconds !== undefined) spec['maxRunTime'] = activeDeadlineSeconds * 1000;
  if (terminationGracePeriodSeconds !== undefined) {
    spec['killGrace'] = terminationGracePeriodSeconds * 1000;
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- judged by `task` before it is used
  return spec as unknown as TaskSpec;
}
