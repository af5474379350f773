/**
 * How large the things may be that end up in a record of the checkpoint, so that none of them can
 * exceed what a store takes (1 MiB): what is larger is refused before it is written.
 */
import {
  type MessageName,
  type Messages,
  type TaskInfo,
  type TaskStatus,
  encodeJson,
  encodeJsonOnce,
} from '../api/index.js';

/** Characters of a task, its executor included and its data not, as JSON. */
export const MAX_TASK_CHARS = 256 * 1024;

/** Characters of a FrameworkInfo or ExecutorInfo as JSON. */
export const MAX_INFO_CHARS = 512 * 1024;

/** Characters of a status update as JSON, its data included. */
export const MAX_STATUS_CHARS = 512 * 1024;

/** Characters of a status update as JSON, its data not: several of them are kept with the task. */
export const MAX_KEPT_STATUS_CHARS = 32 * 1024;

/** Statuses that are kept with a task: the latest one of each run of equal states. */
export const MAX_KEPT_STATUSES = 16;

/** Why a task is too large, or undefined. */
export function taskSizeFault(info: TaskInfo): string | undefined {
  return sizeFault('TaskInfo', { ...info, data: undefined }, MAX_TASK_CHARS);
}

/** Why a status update is too large, or undefined. */
export function statusSizeFault(status: TaskStatus): string | undefined {
  // Nearly all are small enough with their data; the text is written into several records.
  if (encodeJsonOnce('TaskStatus', status).length <= MAX_KEPT_STATUS_CHARS) return undefined;
  return (
    sizeFault('TaskStatus', status, MAX_STATUS_CHARS) ??
    sizeFault('TaskStatus', { ...status, data: undefined }, MAX_KEPT_STATUS_CHARS)
  );
}

/** Why a message is too large, or undefined. */
export function sizeFault<Name extends MessageName>(
  name: Name,
  message: Messages[Name],
  maxChars: number,
): string | undefined {
  const size = encodeJson(name, message).length;
  return size <= maxChars
    ? undefined
    : `the ${name} has ${size} characters as JSON, at most ${maxChars} are taken`;
}
