/**
 * What results of probes mean: whether a task is healthy, whether that is worth an update, and whether
 * it has to end; and what a check found out. Pure: results in, verdicts out.
 */
import { type CheckInfo, type CheckStatusInfo, type HealthCheck } from '../api/index.js';
import type { HealthTolerance } from './check-settings.js';
import type { ProbeOutcome } from './ports.js';

/** Characters of an explanation that go into a status update. */
const MAX_EXPLANATION_CHARS = 500;

/** What came of a probe, or that nothing came of it in time. */
export type ProbeResult = ProbeOutcome | { readonly kind: 'timed-out'; readonly timeoutMs: number };

/** What one result says about the health of a task. */
export type HealthVerdict =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy'; readonly message: string }
  /** Nothing: the probe could not be carried out. */
  | { readonly kind: 'unknown'; readonly message: string };

/** What is to be told about the health of a task. */
export interface HealthNews {
  readonly healthy: boolean;
  readonly message: string | undefined;
  /** It has failed so often that it has to end. */
  readonly hasToEnd: boolean;
}

/** What a result means for a health check: status 200 to 399 is well, unless the check lists its own. */
export function healthVerdict(check: HealthCheck, result: ProbeResult): HealthVerdict {
  switch (result.kind) {
    case 'exited':
      return result.code === 0
        ? { kind: 'healthy' }
        : unhealthy(check, `the command exited with status ${result.code}`);
    case 'answered':
      return isGoodStatus(check, result.status)
        ? { kind: 'healthy' }
        : unhealthy(check, `the answer has status ${result.status}`);
    case 'connected':
      return { kind: 'healthy' };
    case 'failed':
      return unhealthy(check, result.message);
    case 'timed-out':
      return unhealthy(check, `no result within ${result.timeoutMs} ms`);
    case 'unknown':
      return { kind: 'unknown', message: result.message };
  }
}

function unhealthy(check: HealthCheck, why: string): HealthVerdict {
  const message = `${check.type ?? ''} health check failed: ${why}`;
  return { kind: 'unhealthy', message: message.slice(0, MAX_EXPLANATION_CHARS) };
}

function isGoodStatus(check: HealthCheck, status: number): boolean {
  const wanted = check.http?.statuses ?? [];
  return wanted.length > 0 ? wanted.includes(status) : status >= 200 && status <= 399;
}

/** Follows the health of one task. */
export class HealthJudge {
  readonly #tolerance: HealthTolerance;
  #healthy: boolean | undefined;
  #failures = 0;

  /** `healthy` is what was told last, by an agent before this one; undefined: nothing ever was. */
  constructor(tolerance: HealthTolerance, healthy: boolean | undefined) {
    this.#tolerance = tolerance;
    this.#healthy = healthy;
  }

  /**
   * Takes the next verdict, `ranMs` after the start of the task. Told are the first success, each
   * failure that counts, and the first success after failures.
   */
  take(verdict: HealthVerdict, ranMs: number): HealthNews | undefined {
    if (verdict.kind === 'unknown') return undefined;
    const before = this.#healthy;
    if (verdict.kind === 'healthy') {
      this.#failures = 0;
      this.#healthy = true;
      return before === true ? undefined : { healthy: true, message: undefined, hasToEnd: false };
    }
    const { gracePeriodMs, maxFailures } = this.#tolerance;
    if (before === undefined && gracePeriodMs > 0 && ranMs <= gracePeriodMs) return undefined;
    this.#failures++;
    this.#healthy = false;
    const hasToEnd = this.#failures >= maxFailures;
    return { healthy: false, message: verdict.message, hasToEnd };
  }
}

/** A check of which nothing is known: the form that each status update has to carry. */
export function emptyCheckStatus(check: CheckInfo): CheckStatusInfo {
  switch (check.type) {
    case 'COMMAND':
      return { type: 'COMMAND', command: {} };
    case 'HTTP':
      return { type: 'HTTP', http: {} };
    case 'TCP':
      return { type: 'TCP', tcp: {} };
    default:
      return { type: check.type };
  }
}

/** What a result means for a check; undefined: nothing, the probe could not be carried out. */
export function checkStatusOf(check: CheckInfo, result: ProbeResult): CheckStatusInfo | undefined {
  switch (result.kind) {
    case 'unknown':
      return undefined;
    case 'exited':
      return { type: 'COMMAND', command: { exit_code: result.code } };
    case 'answered':
      return { type: 'HTTP', http: { status_code: result.status } };
    case 'connected':
      return { type: 'TCP', tcp: { succeeded: true } };
    case 'failed':
      if (check.type === 'TCP') return { type: 'TCP', tcp: { succeeded: false } };
      return emptyCheckStatus(check);
    case 'timed-out':
      return emptyCheckStatus(check);
  }
}
