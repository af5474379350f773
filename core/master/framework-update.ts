/** UPDATE_FRAMEWORK, SUPPRESS and REVIVE: what a subscribed framework changes about itself. */
import { type CallAnswer, type SchedulerCallUpdateFramework, messagesEqual } from '../api/index.js';
import type { MasterContext } from './context.js';
import { immutableProblem, subscriptionProblem } from './framework-validation.js';
import type { Framework } from './framework.js';
import { recordFramework, tellAgents, tellAllocator } from './frameworks.js';
import { rescindOffer } from './offers.js';

/** At once, or when what the call changed is durable: never, if the master ends first. */
export type SchedulerAnswer = CallAnswer | Promise<CallAnswer>;

/**
 * UPDATE_FRAMEWORK: all of it or nothing; a FrameworkInfo that has changed is answered when it is
 * durable. Offers of roles that were dropped are rescinded. Those of agents that do not meet changed
 * offer constraints stay, as in Mesos: the scheduler may have answered them already.
 */
export function updateFramework(
  context: MasterContext,
  framework: Framework,
  call: SchedulerCallUpdateFramework,
): SchedulerAnswer {
  const given = call.framework_info;
  const info = { ...given, principal: given.principal ?? framework.info.principal };
  const changed = immutableProblem(framework.info, info);
  if (changed !== undefined) return { status: 400, message: changed };
  const problem = subscriptionProblem(context, { ...call, framework_info: info });
  if (problem !== undefined) {
    return { status: 400, message: `Supplied FrameworkInfo is not valid: ${problem}` };
  }
  const next = { ...info, id: { value: framework.id } };
  const isSame = messagesEqual('FrameworkInfo', framework.info, next);
  framework.info = next;
  framework.suppressedRoles = new Set(call.suppressed_roles);
  framework.offerConstraints = call.offer_constraints;
  tellAllocator(context, framework);
  const roles = new Set(framework.roles);
  for (const offer of framework.offers.values()) {
    if (!roles.has(offer.role)) rescindOffer(context, offer);
  }
  if (isSame) return { status: 200 };
  tellAgents(context, framework);
  context.notify({ kind: 'framework-updated', frameworkId: framework.id });
  return new Promise((answer) => {
    recordFramework(context, next, () => answer({ status: 200 }));
  });
}

/** SUPPRESS: no offers for the roles, or for all; a foreign role drops the call. */
export function suppress(
  context: MasterContext,
  framework: Framework,
  given: readonly string[],
): void {
  context.metrics.count('messages_suppress_offers');
  const roles = ownRoles(context, framework, given);
  if (roles === undefined) return;
  for (const role of roles) framework.suppressedRoles.add(role);
  context.allocator.suppress(framework.id, given);
}

/** REVIVE: offers again for the roles, or for all, and no filters. */
export function revive(
  context: MasterContext,
  framework: Framework,
  given: readonly string[],
): void {
  context.metrics.count('messages_revive_offers');
  const roles = ownRoles(context, framework, given);
  if (roles === undefined) return;
  for (const role of roles) framework.suppressedRoles.delete(role);
  context.allocator.revive(framework.id, given);
}

function ownRoles(
  context: MasterContext,
  framework: Framework,
  given: readonly string[],
): readonly string[] | undefined {
  const own = framework.roles;
  const foreign = given.find((role) => !own.includes(role));
  if (foreign === undefined) return given.length === 0 ? own : given;
  const fields = { framework: framework.id, role: foreign };
  context.log.warn('ignoring a call for a role that the framework does not have', fields);
  return undefined;
}
