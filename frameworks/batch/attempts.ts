/**
 * Attempts at indexes that are over, packed into short texts: a job of 100,000 indexes keeps one for
 * each and more. What is the same for all, such as the names of agents, is elsewhere.
 */
import type { TaskEnd } from '../../sdk/index.js';
import { MAX_MESSAGE_LENGTH } from './limits.js';

/** One attempt that is over. Times are milliseconds since 1970. */
export interface Attempt {
  readonly index: number;
  /** From 1. */
  readonly attempt: number;
  readonly taskId: string;
  /** Number of the agent in the book of agents. */
  readonly agent: number;
  readonly launchedAt: number;
  readonly endedAt: number;
  readonly end: TaskEnd;
  /** Of the last update. */
  readonly state: string;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** It was out of reach for so long that another task took its place: the work may have been done twice. */
  readonly isReplaced: boolean;
}

const KINDS = {
  success: 'o',
  exited: 'x',
  signaled: 's',
  limit: 'l',
  killed: 'k',
  infrastructure: 'i',
  refused: 'r',
  failed: 'f',
} as const satisfies Record<TaskEnd['kind'], string>;

/** @param taskName of which ids of tasks begin; see `unpackAttempt`. */
export function packAttempt(attempt: Attempt, taskName: string): string {
  const { index, taskId, agent, launchedAt, endedAt, end, reason = '', message = '' } = attempt;
  const start = idStart(taskName, index);
  const fields = [
    index.toString(36),
    attempt.attempt.toString(36),
    taskId.startsWith(start) ? taskId.slice(start.length) : `=${taskId}`,
    agent.toString(36),
    Math.round(launchedAt).toString(36),
    Math.max(0, Math.round(endedAt - launchedAt)).toString(36),
    KINDS[end.kind] + detailOf(end),
    attempt.isReplaced ? '1' : '',
  ];
  if (end.kind === 'success') return fields.join('|').replace(/\|$/, '');
  // The message comes last: it may hold anything.
  return [...fields, attempt.state, reason, message.slice(0, MAX_MESSAGE_LENGTH)].join('|');
}

/** @throws TypeError for a text that `packAttempt` has not made. */
export function unpackAttempt(text: string, taskName: string): Attempt {
  const [index36, attempt36, id = '', agent36, launched36, took36, kind = '', replaced, ...rest] =
    text.split('|');
  const index = whole(index36);
  const launchedAt = whole(launched36);
  const [state, reason, ...messageParts] = rest;
  const message = messageParts.join('|');
  return {
    index,
    attempt: whole(attempt36),
    taskId: id.startsWith('=') ? id.slice(1) : idStart(taskName, index) + id,
    agent: whole(agent36),
    launchedAt,
    endedAt: launchedAt + whole(took36),
    end: endOfText(kind),
    state: state ?? 'FINISHED',
    ...(reason === undefined || reason === '' ? {} : { reason }),
    ...(message === '' ? {} : { message }),
    isReplaced: replaced === '1',
  };
}

/** The index of a packed attempt, without reading the rest. */
export function indexOfPacked(text: string): number {
  return whole(text.slice(0, text.indexOf('|')));
}

/** The number of a packed attempt, without reading the rest. */
export function attemptOfPacked(text: string): number {
  return whole(text.split('|', 2)[1]);
}

function idStart(taskName: string, index: number): string {
  return `${taskName}.${index}.`;
}

function whole(text: string | undefined): number {
  const number = Number.parseInt(text ?? '', 36);
  if (Number.isSafeInteger(number)) return number;
  throw new TypeError(`'${text ?? ''}' is no number of a packed attempt`);
}

function detailOf(end: TaskEnd): string {
  if (end.kind === 'exited') return String(end.exitCode);
  if (end.kind === 'signaled') return end.signal;
  return end.kind === 'limit' ? end.limit : '';
}

function endOfText(text: string): TaskEnd {
  const detail = text.slice(1);
  switch (text.charAt(0)) {
    case KINDS.success:
      return { kind: 'success' };
    case KINDS.exited:
      return { kind: 'exited', exitCode: Number(detail) };
    case KINDS.signaled:
      return { kind: 'signaled', signal: detail };
    case KINDS.limit:
      return { kind: 'limit', limit: limitOf(detail) };
    case KINDS.killed:
      return { kind: 'killed' };
    case KINDS.infrastructure:
      return { kind: 'infrastructure' };
    case KINDS.refused:
      return { kind: 'refused' };
    default:
      return { kind: 'failed' };
  }
}

function limitOf(text: string): 'memory' | 'disk' | 'time' | 'other' {
  return text === 'memory' || text === 'disk' || text === 'time' ? text : 'other';
}
