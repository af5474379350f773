/** Checks of documents that look at several fields, or at time. */
import { ValidateBy, type ValidationArguments } from 'class-validator';
import { MAX_CRON_ID_LENGTH } from './limits.js';
import { scheduleProblem, zoneProblem } from './schedule/schedules.js';

type Problem = (value: unknown, whole: Readonly<Record<string, unknown>>) => string | undefined;

/** A property decorator that tells the problem that a function finds. */
function checkedBy(name: string, problem: Problem): PropertyDecorator {
  const judge = (found: ValidationArguments | undefined): string | undefined =>
    found === undefined ? undefined : problem(found.value, { ...found.object });
  return ValidateBy({
    name,
    validator: {
      validate: (_value, found) => judge(found) === undefined,
      defaultMessage: (found) => judge(found) ?? '',
    },
  });
}

/** From here on days are looked for that a schedule could mean; which have passed is judged later. */
const LONG_AGO_MS = Date.UTC(2000, 0, 1);

/**
 * On `cron`: it or `repeat` is there, not both, and well-formed.
 * @param kinds `cron`: there is no `repeat` in these documents.
 */
export function HasTime(kinds: 'cron' | 'both' = 'both'): PropertyDecorator {
  return checkedBy('hasTime', (cron, { repeat, timezone }) => {
    const [hasCron, hasRepeat] = [isGiven(cron), isGiven(repeat)];
    if (hasCron && hasRepeat) return "excludes 'repeat': leave one of them out";
    if (!hasCron && !hasRepeat) {
      return kinds === 'cron'
        ? "is missing: write such as '30 2 * * *'"
        : "is missing: write 'cron', such as '30 2 * * *', or 'repeat', such as 'R/2030-01-01T02:00:00Z/P1D'";
    }
    const text = hasCron ? cron : repeat;
    if (typeof text !== 'string') return "must be a text, such as '30 2 * * *'";
    // The zone has a check of its own.
    const zone = zoneProblem(String(timezone)) === undefined ? String(timezone) : 'UTC';
    return scheduleProblem(
      hasCron ? { cron: text, timezone: zone } : { repeat: text, timezone: zone },
      LONG_AGO_MS,
    );
  });
}

/** Ids of jobs, as Metronome has them. */
const JOB_ID = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;

export function IsJobId(): PropertyDecorator {
  return checkedBy('isJobId', (value) => {
    if (!isGiven(value)) return 'is missing: name the job, such as report.nightly';
    if (typeof value === 'string' && value.length > MAX_CRON_ID_LENGTH) {
      return `must have at most ${MAX_CRON_ID_LENGTH} characters`;
    }
    return typeof value === 'string' && JOB_ID.test(value)
      ? undefined
      : 'must be segments of lower-case letters, digits and - with dots between, such as report.nightly';
  });
}

export function IsTimeZone(): PropertyDecorator {
  return checkedBy('isTimeZone', (value) =>
    typeof value === 'string' ? zoneProblem(value) : 'must be a text, such as Europe/Rome',
  );
}

/** Not there; nor is anything of it by default. */
export function IsAbsent(message: string): PropertyDecorator {
  return checkedBy('isAbsent', (value) =>
    !isGiven(value) || value === false || (Array.isArray(value) && value.length === 0)
      ? undefined
      : message,
  );
}

export function ValuesAreTexts(): PropertyDecorator {
  return checkedBy('valuesAreTexts', (value) =>
    Object.values(Object(value)).every((each) => typeof each === 'string')
      ? undefined
      : 'must have texts as values: write numbers in quotes',
  );
}

/** An object with a template, or with steps. */
export function SaysWhatRuns(): PropertyDecorator {
  return checkedBy('saysWhatRuns', (value) => {
    const { template, steps }: { readonly template?: unknown; readonly steps?: unknown } =
      Object(value);
    return !isGiven(template) && !isGiven(steps)
      ? "has neither 'template' nor 'steps': write such as { template: { command: 'true' } }"
      : undefined;
  });
}

/** In a document nothing and `null` are the same: YAML has `null` where nothing follows a name. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
