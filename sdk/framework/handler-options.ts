/** The options that every handler decorator takes: checks and defaults. */
import { IsArray, IsIn, IsInt, IsOptional, Max, Min, ValidateBy } from 'class-validator';
import { type Duration, type TaskStateName, durationMs } from '../decisions/index.js';
import type { ErrorPolicy, HandlerDefinition, StatusFilter } from './definition.js';
import { IsDuration } from './options.js';
import { type Checked, checkShape } from './validation.js';

/** Every state that `@OnStatus` may name. */
export const TASK_STATES = [
  'LAUNCHING',
  'STAGING',
  'STARTING',
  'RUNNING',
  'KILLING',
  'FINISHED',
  'FAILED',
  'KILLED',
  'ERROR',
  'LOST',
  'DROPPED',
  'UNREACHABLE',
  'GONE',
  'GONE_BY_OPERATOR',
  'UNKNOWN',
] as const satisfies readonly TaskStateName[];

/** Calls of one handler for one event, after the first. */
export const MAX_HANDLER_RETRIES = 1_000;

class CheckedDaemonOptions {
  @IsIn(['crash', 'retry', 'skip'], { message: "must be 'crash', 'retry' or 'skip'" })
  onError: ErrorPolicy = 'crash';

  @IsInt({ message: 'must be a whole number' })
  @Min(0, { message: 'must not be negative' })
  @Max(MAX_HANDLER_RETRIES, { message: `must be at most ${MAX_HANDLER_RETRIES}` })
  retries = 10;

  @IsDuration() backoff: Duration = '1s';
}

class CheckedHandlerOptions extends CheckedDaemonOptions {
  @IsDuration(1) timeout: Duration = '1m';
}

class CheckedStatusOptions extends CheckedHandlerOptions {
  @IsOptional()
  @IsArray({ message: "must be a list of states, such as ['FAILED']" })
  @IsIn(TASK_STATES, {
    each: true,
    message: ({ value }) =>
      `must be states of tasks without 'TASK_', not ${unknownStates(value)}; there are ${TASK_STATES.join(', ')}`,
  })
  states?: TaskStateName[];

  @IsOptional()
  @ValidateBy({
    name: 'isNameOrPattern',
    validator: {
      validate: (value: unknown) => typeof value === 'string' || value instanceof RegExp,
      defaultMessage: () => 'must be the name of tasks or a regular expression for it',
    },
  })
  task?: string | RegExp;
}

function unknownStates(value: unknown): string {
  const known: readonly unknown[] = TASK_STATES;
  const unknown = [value].flat().filter((state) => !known.includes(state));
  return unknown.map((state) => `'${String(state)}'`).join(', ');
}

/** What all handlers have, in milliseconds. */
export type HandlerPolicy = Pick<
  HandlerDefinition,
  'onError' | 'retries' | 'backoffMs' | 'timeoutMs'
> & { readonly filter?: StatusFilter };

/** The policy that options make, or what is wrong with them. */
export function policyOf(options: unknown): Checked<HandlerPolicy> {
  const checked = checkShape(CheckedHandlerOptions, options);
  return checked.kind === 'bad' ? checked : { kind: 'good', value: policy(checked.value) };
}

/** The policy of a daemon, which may take any time. */
export function daemonPolicyOf(options: unknown): Checked<HandlerPolicy> {
  const checked = checkShape(CheckedDaemonOptions, options);
  if (checked.kind === 'bad') return checked;
  const { onError, retries, backoff } = checked.value;
  const timeoutMs = Number.POSITIVE_INFINITY;
  return { kind: 'good', value: { onError, retries, backoffMs: durationMs(backoff), timeoutMs } };
}

/** The policy and filter of a status handler; states named one by one count with those of the options. */
export function statusPolicyOf(
  options: unknown,
  states: readonly unknown[],
): Checked<HandlerPolicy> {
  const given: { readonly states?: unknown; readonly task?: unknown } = Object(options);
  // A pattern is no plain data: it is put aside while the shape is made.
  const { task } = given;
  const all = states.length === 0 ? given.states : [...states, ...[given.states ?? []].flat()];
  const plain = { ...given, task: undefined, ...(all === undefined ? {} : { states: all }) };
  const isGoodTask = task === undefined || typeof task === 'string' || task instanceof RegExp;
  const checked = checkShape(CheckedStatusOptions, isGoodTask ? plain : { ...plain, task: 0 });
  if (checked.kind === 'bad') return checked;
  const filter: StatusFilter = {
    ...(checked.value.states === undefined ? {} : { states: checked.value.states }),
    ...(typeof task === 'string' || task instanceof RegExp ? { task } : {}),
  };
  return { kind: 'good', value: { ...policy(checked.value), filter } };
}

function policy(checked: CheckedHandlerOptions): HandlerPolicy {
  const { onError, retries, backoff, timeout } = checked;
  return { onError, retries, backoffMs: durationMs(backoff), timeoutMs: durationMs(timeout) };
}
