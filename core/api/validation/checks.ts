/** Checks, health checks, and what executors report about them. */
import type { CheckInfo, CheckStatusInfo, CommandInfo, HealthCheck } from '../messages.js';
import { validateCommandInfo } from './commands.js';
import { type Reason, expected, within } from './reasons.js';

/** Why a health check is not valid, or undefined. */
export function validateHealthCheck(check: HealthCheck): Reason {
  return (
    healthTypeFault(check) ??
    negativeFault('health_check', {
      delay_seconds: check.delay_seconds,
      interval_seconds: check.interval_seconds,
      timeout_seconds: check.timeout_seconds,
      grace_period_seconds: check.grace_period_seconds,
    })
  );
}

function healthTypeFault(check: HealthCheck): Reason {
  switch (check.type) {
    case 'COMMAND':
      return check.command === undefined
        ? expected('health_check.command')
        : commandFault(check.command, 'health_check.command');
    case 'HTTP': {
      if (check.http === undefined) return expected('health_check.http');
      const scheme = check.http.scheme ?? 'http';
      if (scheme !== 'http' && scheme !== 'https') {
        return `'health_check.http.scheme' must be http or https, not '${scheme}'`;
      }
      return pathFault(check.http.path, 'health_check.http.path');
    }
    case 'TCP':
      return check.tcp === undefined ? expected('health_check.tcp') : undefined;
    case 'UNKNOWN':
      return "'health_check.type' must be COMMAND, HTTP or TCP";
    default:
      return expected('health_check.type');
  }
}

/**
 * The health check with its type filled in when it is unset and the payload tells it, as the master
 * does for tasks of LAUNCH.
 */
export function withHealthCheckType(check: HealthCheck): HealthCheck {
  if (check.type !== undefined) return check;
  if (check.command !== undefined && check.http === undefined) return { ...check, type: 'COMMAND' };
  if (check.http !== undefined && check.command === undefined) return { ...check, type: 'HTTP' };
  return check;
}

/** Why a check is not valid, or undefined. */
export function validateCheck(check: CheckInfo): Reason {
  return (
    checkTypeFault(check) ??
    negativeFault('check', {
      delay_seconds: check.delay_seconds,
      interval_seconds: check.interval_seconds,
      timeout_seconds: check.timeout_seconds,
    })
  );
}

function checkTypeFault(check: CheckInfo): Reason {
  switch (check.type) {
    case 'COMMAND':
      return check.command === undefined
        ? expected('check.command')
        : commandFault(check.command.command, 'check.command.command');
    case 'HTTP':
      return check.http === undefined
        ? expected('check.http')
        : pathFault(check.http.path, 'check.http.path');
    case 'TCP':
      return check.tcp === undefined ? expected('check.tcp') : undefined;
    case 'UNKNOWN':
      return "'check.type' must be COMMAND, HTTP or TCP";
    default:
      return expected('check.type');
  }
}

function commandFault(command: CommandInfo, field: string): Reason {
  if (command.value === undefined) return expected(`${field}.value`);
  return within(`'${field}' is not valid`, validateCommandInfo(command));
}

function pathFault(path: string | undefined, field: string): Reason {
  if (path === undefined || path.startsWith('/')) return undefined;
  return `'${field}' must start with a slash, and is '${path}'`;
}

function negativeFault(
  check: string,
  durations: Readonly<Record<string, number | undefined>>,
): Reason {
  for (const [field, seconds] of Object.entries(durations)) {
    if (seconds !== undefined && !(seconds >= 0)) return `'${check}.${field}' must not be negative`;
  }
  return undefined;
}

/** Why a reported check result is not valid, or undefined. An empty result is one not known yet. */
export function validateCheckStatus(status: CheckStatusInfo): Reason {
  switch (status.type) {
    case 'COMMAND':
      return status.command === undefined ? expected('check_status.command') : undefined;
    case 'HTTP': {
      if (status.http === undefined) return expected('check_status.http');
      const code = status.http.status_code;
      return code === undefined || (code >= 100 && code <= 599)
        ? undefined
        : `'check_status.http.status_code' must be from 100 to 599, and is ${code}`;
    }
    case 'TCP':
      return status.tcp === undefined ? expected('check_status.tcp') : undefined;
    case 'UNKNOWN':
      return "'check_status.type' must be COMMAND, HTTP or TCP";
    default:
      return expected('check_status.type');
  }
}
