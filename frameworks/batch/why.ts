/** Why a job waits, in words and as data. */
import { REFUSALS } from '../../sdk/matching/index.js';
import type { ConnectionState, Refusal } from '../../sdk/index.js';
import type { Job } from './job.js';
import type { Placer } from './placer.js';
import type { Step } from './step.js';

export interface Waiting {
  /** A word for programs. */
  readonly reason:
    | 'Ended'
    | 'Ending'
    | 'Held'
    | 'Dependency'
    | 'Needs'
    | 'Throttle'
    | 'Backoff'
    | 'Unreachable'
    | 'Disconnected'
    | 'Behind'
    | 'Offers'
    | 'Running';
  /** The step that it is about; empty: the whole job. */
  readonly step: string;
  readonly message: string;
  /** Of offers: what was in the way, the newest. */
  readonly refusals?: readonly Refusal[] | undefined;
}

/** What a job waits for; several things at a time, of several steps. */
export function whyWaiting(
  job: Job,
  {
    placer,
    connection,
    nowMs,
  }: {
    readonly placer: Placer;
    readonly connection: ConnectionState;
    readonly nowMs: number;
  },
): readonly Waiting[] {
  const { record, document } = job;
  const whole = (reason: Waiting['reason'], message: string): Waiting => ({
    reason,
    step: '',
    message,
  });
  if (job.isFinished) return [whole('Ended', `it is ${job.state}`)];
  if (record.ending !== undefined) return [whole('Ending', 'its tasks are being ended')];
  const found: Waiting[] = [];
  if (document.suspend) found.push(whole('Held', 'it is held: release it'));
  for (const { job: parent, when } of record.waitsFor) {
    found.push(whole('Dependency', `it begins after '${parent}', ${CONDITION[when]}`));
  }
  if (connection !== 'subscribed') {
    found.push(whole('Disconnected', `the scheduler is not subscribed to a master: ${connection}`));
  }
  if (job.room <= 0) {
    const { parallelism = 0 } = document;
    found.push(whole('Throttle', `${job.load} tasks run, and ${parallelism} may at one time`));
  }
  for (const step of job.steps) found.push(...whyStepWaits(job, step, { placer, nowMs }));
  return found;
}

const CONDITION = {
  ok: 'if that succeeds',
  any: 'however that ends',
  fail: 'if that fails',
} as const;

function whyStepWaits(
  job: Job,
  step: Step,
  { placer, nowMs }: { readonly placer: Placer; readonly nowMs: number },
): readonly Waiting[] {
  const { array, name, load } = step;
  if (array.isSettled) return [];
  const of = (reason: Waiting['reason'], message: string): Waiting => ({
    reason,
    step: name,
    message,
  });
  if (job.isSkipped(step)) return [of('Needs', 'it will not run: a step that it needs has failed')];
  const open = step.needs.filter((need) => job.step(need)?.hasSucceeded !== true);
  if (open.length > 0) return [of('Needs', `it needs ${open.join(', ')}`)];
  const found: Waiting[] = [];
  if (load > 0) found.push(of('Running', `${load} tasks run`));
  if (array.unreachable > 0) {
    found.push(of('Unreachable', `agents of ${array.unreachable} tasks are out of reach`));
  }
  if (array.waiting > 0) {
    const inMs = Math.max(0, (array.nextDueAt ?? nowMs) - nowMs);
    const when = `the first in ${Math.ceil(inMs / 1000)} s`;
    found.push(of('Backoff', `${array.waiting} indexes wait to be tried again, ${when}`));
  }
  if (array.pending === 0) return found;
  if (step.room <= 0) {
    const bound = step.parallelism ?? 0;
    found.push(of('Throttle', `${array.pending} indexes wait: ${bound} tasks may run at one time`));
    return found;
  }
  const behind = placer.behind(step);
  if (behind !== undefined) {
    found.push(of('Behind', `${behind} comes first, needs the same, and finds no place`));
  }
  const explained = placer.explanationOf(step);
  if (explained !== undefined) {
    const { refusals } = explained;
    const message = `${array.pending} indexes wait for offers: ${refusals.map(inWords).join('; ')}`;
    found.push({ ...of('Offers', message), refusals });
  }
  return found;
}

function inWords({ reason, detail, offers, nearest }: Refusal): string {
  const what = detail === '' ? REFUSALS[reason] : `${REFUSALS[reason]} (${detail})`;
  const near =
    nearest === undefined
      ? ''
      : `, ${nearest.wanted} is wanted and ${nearest.hostname} has ${nearest.left} left`;
  return offers === 0 ? what : `${what}, in ${offers} offers${near}`;
}
