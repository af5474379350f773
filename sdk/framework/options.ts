/** The options of `@Framework`: their checks, defaults, and the settings that come out. */
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsObject,
  IsOptional,
  IsString,
  Matches,
  MaxLength,
  MinLength,
  ValidateBy,
  type ValidationArguments,
} from 'class-validator';
import { validateRole } from '../../core/api/index.js';
import { type Duration, durationMs } from '../decisions/index.js';
import type { FrameworkSettings } from './definition.js';
import { type Checked, checkShape } from './validation.js';

/** What a framework says of itself. Only the name is required. */
export interface FrameworkOptions {
  /** Shown to operators. */
  readonly name: string;
  /** Roles whose offers it gets. Default `['*']`. */
  readonly roles?: readonly string[];
  /** Unix user of its tasks. Default: the user that runs the framework. */
  readonly user?: string;
  readonly principal?: string;
  /** Host of the framework, for operators. */
  readonly hostname?: string;
  readonly webuiUrl?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * How long its tasks outlive it when it is away. Default `'1w'`: a framework that is gone over a long
   * weekend finds its tasks again.
   */
  readonly failoverTimeout?: Duration;
  /** Whether it takes resources that can be revoked. */
  readonly revocable?: boolean;
  /** Whether it wants offers of agents with GPUs. */
  readonly gpus?: boolean;
  /** Whether it wants offers of other regions than the master's. */
  readonly regionAware?: boolean;
  /**
   * When the master does not know the framework any more, because it was away for too long or torn
   * down: end (default), or subscribe anew, with no tasks.
   */
  readonly onRemoved?: 'exit' | 'reregister';
  /** How often the true states of all tasks are asked for, a second at least. Default `'10m'`. */
  readonly reconcileEvery?: Duration;
  /**
   * For how long offers in which nothing wanted fits are declined. Default `'30s'`: what one agent has left
   * changes in minutes; Mesos' own 5 s make a large framework see the same offers again and again, two minutes
   * hide freed resources from it. When wants change, the runtime revives, and the time is over at once.
   */
  readonly unmatchedFor?: Duration;
  /** For how long offers are declined that come while it is paused or starting. Default `'5s'`. */
  readonly notReadyFor?: Duration;
}

/** A text or number that is a length of time, of so many milliseconds at least. */
export function IsDuration(leastMs = 0): PropertyDecorator {
  const least = leastMs > 0 ? `, ${leastMs} ms at least` : '';
  return ValidateBy({
    name: 'isDuration',
    validator: {
      validate: (value: unknown) => isDuration(value) && durationMs(value) >= leastMs,
      defaultMessage: () =>
        `must be a length of time such as '90s', '1.5h' or '1w', or a number of ms${least}`,
    },
  });
}

/** Whether something from outside is a length of time. */
export function isDuration(value: unknown): value is Duration {
  if (typeof value !== 'number' && typeof value !== 'string') return false;
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is wrong with it is thrown
    durationMs(value as Duration);
    return true;
  } catch {
    return false;
  }
}

function IsRole(): PropertyDecorator {
  const fault = (value: unknown): string | undefined =>
    typeof value === 'string' ? validateRole(value) : 'it is no text';
  return ValidateBy(
    {
      name: 'isRole',
      validator: {
        validate: (value: unknown) => fault(value) === undefined,
        defaultMessage: (found?: ValidationArguments) =>
          `must be names of roles: ${[found?.value].flat().map(fault).find(Boolean) ?? ''}`,
      },
    },
    { each: true },
  );
}

function IsTextRecord(): PropertyDecorator {
  return ValidateBy({
    name: 'isTextRecord',
    validator: {
      validate: (value: unknown) =>
        Object.values(Object(value)).every((each) => typeof each === 'string'),
      defaultMessage: () => 'must have texts as values',
    },
  });
}

/** Least time between two questions about all tasks: each makes the master tell every state. */
export const MIN_RECONCILE_MS = 1_000;

const TEXT = { message: 'must be a text' };
const BOOLEAN = { message: 'must be true or false' };

/** The same fields once more, with their checks; values are read from it, with defaults. */
class CheckedOptions {
  @IsString(TEXT)
  @Matches(/\S/, { message: "is required: the name that operators see, such as 'web'" })
  @MaxLength(255, { message: 'must have at most 255 characters' })
  name = '';

  @IsArray({ message: "must be a list of roles, such as ['web']" })
  @ArrayNotEmpty({ message: "must not be empty; leave it out for ['*']" })
  @ArrayUnique({ message: 'must not name a role twice' })
  @IsRole()
  roles: string[] = ['*'];

  @IsOptional()
  @IsString(TEXT)
  @MinLength(1, { message: 'must not be empty; leave it out for your own user' })
  user?: string;

  @IsOptional() @IsString(TEXT) principal?: string;
  @IsOptional() @IsString(TEXT) hostname?: string;
  @IsOptional() @IsString(TEXT) webuiUrl?: string;

  @IsObject({ message: 'must be an object of texts' })
  @IsTextRecord()
  labels: Record<string, string> = {};

  @IsDuration() failoverTimeout: Duration = '1w';
  @IsBoolean(BOOLEAN) revocable = false;
  @IsBoolean(BOOLEAN) gpus = false;
  @IsBoolean(BOOLEAN) regionAware = false;

  @IsIn(['exit', 'reregister'], { message: "must be 'exit' or 'reregister'" })
  onRemoved: 'exit' | 'reregister' = 'exit';

  @IsDuration(MIN_RECONCILE_MS) reconcileEvery: Duration = '10m';
  @IsDuration() unmatchedFor: Duration = '30s';
  @IsDuration() notReadyFor: Duration = '5s';
}

/** The settings that options make, or what is wrong with them. `user` is used where they name none. */
export function settingsOf(options: unknown, user: string): Checked<FrameworkSettings> {
  const checked = checkShape(CheckedOptions, withoutUndefined(options));
  if (checked.kind === 'bad') return checked;
  const { failoverTimeout, reconcileEvery, unmatchedFor, notReadyFor, ...others } = checked.value;
  const value: FrameworkSettings = {
    ...others,
    user: others.user ?? user,
    failoverTimeoutMs: durationMs(failoverTimeout),
    reconcileEveryMs: durationMs(reconcileEvery),
    unmatchedForMs: durationMs(unmatchedFor),
    notReadyForMs: durationMs(notReadyFor),
  };
  return { kind: 'good', value };
}

/** Options that are there but undefined have their defaults too. */
function withoutUndefined(options: unknown): unknown {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return options;
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
