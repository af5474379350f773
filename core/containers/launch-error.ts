/** Why a container could not be started: an expected outcome, thrown inside this area only. */
import type { LaunchOutcome } from '../agent/index.js';

/** What could not be done; see `LaunchOutcome`. */
export type LaunchStage = Extract<LaunchOutcome, { kind: 'failed' }>['stage'];

export class LaunchError extends Error {
  readonly stage: LaunchStage;

  constructor(stage: LaunchStage, message: string) {
    super(message);
    this.name = 'LaunchError';
    this.stage = stage;
  }
}
