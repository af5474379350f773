/**
 * Metronome's documents, version 1. Unknown fields are refused, as there. What Plateau cannot do is refused with
 * the reason rather than left out: a job that runs otherwise than it says helps nobody.
 */
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { HasTime, IsAbsent, IsJobId, IsTimeZone, ValuesAreTexts } from '../../document-checks.js';
import { MAX_SECONDS, SCHEDULE_ID, SCHEDULE_ID_RULE } from '../../document.js';

const NO_IMAGES = 'is not supported: tasks run as plain processes, without images';

export class ArtifactDocument {
  @IsString() uri!: string;
  @IsBoolean() extract = true;
  @IsBoolean() executable = false;
  @IsBoolean() cache = false;
}

export class ConstraintDocument {
  @IsString() attribute!: string;
  @IsIn(['IS', 'EQ', 'LIKE', 'UNLIKE'], { message: "must be 'IS', 'EQ', 'LIKE' or 'UNLIKE'" })
  operator!: 'IS' | 'EQ' | 'LIKE' | 'UNLIKE';
  @IsOptional() @IsString() value?: string;
}

export class PlacementDocument {
  @IsArray()
  @ArrayMaxSize(50)
  @ValidateNested({ each: true })
  @Type(() => ConstraintDocument)
  constraints: ConstraintDocument[] = [];
}

export class RestartDocument {
  @IsIn(['NEVER', 'ON_FAILURE'], { message: "must be 'NEVER' or 'ON_FAILURE'" })
  policy: 'NEVER' | 'ON_FAILURE' = 'NEVER';
  @IsOptional() @IsInt() @Min(1) @Max(MAX_SECONDS) activeDeadlineSeconds?: number;
}

/** Either a command for a shell, or a program with its arguments. */
function HasCommand(): PropertyDecorator {
  const problem = (whole: object): string | undefined => {
    const { cmd, args } = { cmd: undefined, args: undefined, ...whole };
    if (cmd !== undefined && args !== undefined) return "excludes 'args': leave one of them out";
    if (cmd === undefined && args === undefined)
      return "is missing: write 'cmd', or 'args' with the program first";
    return cmd === undefined || (typeof cmd === 'string' && cmd !== '')
      ? undefined
      : 'must be a text that is not empty';
  };
  return ValidateBy({
    name: 'hasCommand',
    validator: {
      validate: (_value, found) => problem(found?.object ?? {}) === undefined,
      defaultMessage: (found) => problem(found?.object ?? {}) ?? '',
    },
  });
}

export class RunSpecDocument {
  @IsNumber() @Min(0.01) cpus!: number;
  @IsNumber() @Min(32) mem!: number;
  @IsNumber() @Min(0) disk!: number;
  @IsOptional() @IsInt() @Min(0) gpus?: number;
  @HasCommand() cmd?: string;
  @IsOptional() @IsArray() @IsString({ each: true }) args?: string[];
  @IsOptional() @IsString() user?: string;
  @IsObject() @ValuesAreTexts() env: Record<string, string> = {};
  @IsOptional() @IsEmptyThing('is not supported: there is no store of secrets') secrets?: object;
  @IsArray()
  @ValidateNested({ each: true })
  @Type(() => ArtifactDocument)
  artifacts: ArtifactDocument[] = [];
  @IsAbsent(NO_IMAGES) docker?: object;
  @IsAbsent(NO_IMAGES) ucr?: object;
  @IsOptional()
  @IsEmptyThing('is not supported: folders of the host are not mounted')
  volumes?: object[];
  @IsOptional()
  @IsEmptyThing('is not supported: tasks share the network of their host')
  networks?: object[];
  @ValidateNested() @Type(() => PlacementDocument) placement: PlacementDocument =
    new PlacementDocument();
  @ValidateNested() @Type(() => RestartDocument) restart: RestartDocument = new RestartDocument();
  /** How long a run that somebody asks for may wait until a task runs. */
  @IsInt() @Min(1) @Max(MAX_SECONDS) maxLaunchDelay = 3600;
  @IsOptional() @IsInt() @Min(0) @Max(86_400) taskKillGracePeriodSeconds?: number;
}

/** Not there, or nothing in it. */
function IsEmptyThing(message: string): PropertyDecorator {
  return ValidateBy({
    name: 'isEmptyThing',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'object' && value !== null && Object.keys(value).length === 0,
      defaultMessage: () => message,
    },
  });
}

export class MetronomeScheduleDocument {
  @Matches(SCHEDULE_ID, { message: SCHEDULE_ID_RULE }) id!: string;
  @HasTime('cron') cron!: string;
  @IsTimeZone() timezone = 'UTC';
  @IsInt() @Min(1) @Max(MAX_SECONDS) startingDeadlineSeconds = 900;
  @IsIn(['ALLOW', 'FORBID', 'REPLACE'], { message: "must be 'ALLOW', 'FORBID' or 'REPLACE'" })
  concurrencyPolicy: 'ALLOW' | 'FORBID' | 'REPLACE' = 'ALLOW';
  @IsBoolean() enabled = true;
  /** What is told of a schedule may be sent back; it changes nothing. */
  @IsOptional() @IsString() nextRunAt?: string;
}

export class MetronomeJobDocument {
  @IsJobId() id!: string;
  @IsOptional() @IsString() @MaxLength(10_000) description?: string;
  @IsObject() @ValuesAreTexts() labels: Record<string, string> = {};
  @IsOptional()
  @IsEmptyThing('is not supported: runs of one job do not wait for those of others')
  dependencies?: object[];
  @IsObject({ message: "is missing: say what is run, with 'cpus', 'mem', 'disk' and 'cmd'" })
  @ValidateNested()
  @Type(() => RunSpecDocument)
  run!: RunSpecDocument;
}

/** Of `/v0/scheduled-jobs`: a job with its schedules. */
export class ScheduledJobDocument extends MetronomeJobDocument {
  @IsArray()
  @ArrayMaxSize(1, { message: 'has several schedules: by this interface a job has one' })
  @ValidateNested({ each: true })
  @Type(() => MetronomeScheduleDocument)
  schedules: MetronomeScheduleDocument[] = [];
}
