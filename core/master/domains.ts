/** Which agents may register with this master, as far as regions and zones go. */
import type { AgentInfo } from '../api/index.js';
import type { MasterConfig } from './config.js';

/**
 * Why an agent is refused for its domain, or undefined. It may change its settings and try again:
 * its tasks go on meanwhile.
 */
export function domainProblem(
  { domain, requireAgentDomain }: Pick<MasterConfig, 'domain' | 'requireAgentDomain'>,
  info: AgentInfo,
): string | undefined {
  if (info.domain === undefined) {
    return requireAgentDomain
      ? `agent ${info.hostname} has no domain, and the master runs with --require_agent_domain: start it with --domain`
      : undefined;
  }
  if (domain !== undefined) return undefined;
  return (
    `agent ${info.hostname} has a domain and the master has none, so it cannot be told whether ` +
    `the agent is remote: start the master with --domain`
  );
}
