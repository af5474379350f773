/** What the parts of the core share: settings, time, and the way to have something done. */
import type { LogFields, LogLevel, World } from '../../core/base/index.js';
import type { FrameworkSettings } from '../framework/index.js';
import type { Counters } from './counters.js';
import type { RuntimeEffect } from './effects.js';
import type { RuntimeLimits } from './limits.js';

export interface CoreContext {
  /** Its clock is only read; timers are effects. */
  readonly world: World;
  readonly settings: FrameworkSettings;
  readonly limits: RuntimeLimits;
  readonly counters: Counters;
  readonly emit: (effect: RuntimeEffect) => void;
}

/** Says something in the log of the framework. */
export function say(
  context: CoreContext,
  level: LogLevel,
  message: string,
  fields: LogFields = {},
): void {
  context.emit({ kind: 'log', level, message, fields });
}

/** Sets the timer of a name, or sets it anew. */
export function setTimer(context: CoreContext, name: string, delayMs: number): void {
  context.emit({ kind: 'set-timer', name, delayMs: Math.max(0, delayMs) });
}

export function clearTimer(context: CoreContext, name: string): void {
  context.emit({ kind: 'clear-timer', name });
}
