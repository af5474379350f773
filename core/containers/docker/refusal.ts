/** What a container of type DOCKER cannot be given. */
import { LaunchError } from '../launch-error.js';

/** A failure of the task's own making, at a field of its `container`. */
export function refusal(field: string, problem: string): LaunchError {
  return new LaunchError('command', `'${field}' ${problem}`);
}
