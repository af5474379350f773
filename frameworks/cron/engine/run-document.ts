/** The batch job of a run: the template of the cron job, told what it is run for. */
import type { StepDocument, TemplateDocument } from '../../batch/index.js';
import type { BatchDocument, CronJob, Run, RunOverrides } from '../model.js';

/** The document of a run. The name is given when it is submitted. */
export function documentOf(job: CronJob, run: Run): BatchDocument {
  const { spec } = job;
  const env = { ...environmentOf(run), ...run.overrides?.env };
  const { template, steps } = spec.run;
  return {
    ...spec.run,
    name: run.batchJob,
    labels: { ...spec.run.labels, 'cron-job': run.jobId, 'cron-run': run.id },
    ...(template === undefined ? {} : { template: withOverrides(template, env, run.overrides) }),
    ...(steps === undefined
      ? {}
      : {
          steps: steps.map((step: Plain<StepDocument>) => ({
            ...step,
            template: withOverrides(step.template, env, undefined),
          })),
        }),
  };
}

/** What every task of a run finds in its environment. */
function environmentOf(run: Run): Record<string, string> {
  return {
    CRON_JOB: run.jobId,
    CRON_RUN: run.id,
    CRON_SCHEDULED_TIME: new Date(run.dueMs).toISOString(),
    ...(run.scheduleId === undefined ? {} : { CRON_SCHEDULE: run.scheduleId }),
  };
}

type Plain<T> = { readonly [Field in keyof T]: T[Field] };

function withOverrides(
  template: Plain<TemplateDocument>,
  env: Readonly<Record<string, string>>,
  overrides: RunOverrides | undefined,
): Plain<TemplateDocument> {
  const { command } = template;
  const added = { ...template, env: { ...template.env, ...env } };
  const args = overrides?.args ?? [];
  if (args.length === 0 || command === undefined) return added;
  return {
    ...added,
    command:
      typeof command === 'string'
        ? `${command} ${args.map(quoted).join(' ')}`
        : [...command, ...args],
  };
}

/** One word for a shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
