/** Whom processes run as. */
import type { CommandInfo } from '../api/index.js';
import type { AgentFramework } from './state.js';

/** The user that a command runs as; undefined: the agent's own. */
export function userOf(
  framework: AgentFramework,
  command: CommandInfo,
  switchUser: boolean,
): string | undefined {
  if (!switchUser) return undefined;
  return command.user ?? (framework.info.user === '' ? undefined : framework.info.user);
}
