/** Whether a FrameworkInfo may be subscribed with, given what the master knows and is set to. */
import { re2Compiler, validateOfferConstraints } from '../allocator/index.js';
import {
  type FrameworkInfo,
  type SchedulerCallSubscribe,
  frameworkRoles,
  validateFrameworkInfo,
  validateOfferConstraints as validateConstraintsForm,
  validateSuppressedRoles,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { MasterContext } from './context.js';
import { isRecordable } from './registry-records.js';

/** What SUBSCRIBE and UPDATE_FRAMEWORK have in common. */
export type Subscription = SchedulerCallSubscribe;

/** Why a subscription is refused, or undefined. The reason of a removed framework wins. */
export function subscriptionProblem(
  context: MasterContext,
  subscription: Subscription,
): string | undefined {
  const info = subscription.framework_info;
  return (
    validateFrameworkInfo(info) ??
    identityProblem(context, info) ??
    rolesProblem(context, info) ??
    (info.user === 'root' && !context.config.rootSubmissions
      ? 'User root is not allowed to run frameworks: the master runs without --root_submissions'
      : undefined) ??
    validateSuppressedRoles(subscription.suppressed_roles, info) ??
    constraintsProblem(context, subscription) ??
    (isRecordable(info) ? undefined : "'framework_info' is too large to be recorded")
  );
}

function identityProblem(context: MasterContext, info: FrameworkInfo): string | undefined {
  const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
  if (context.cluster.removedFrameworks.has(frameworkId)) {
    return `Framework ${frameworkId} has been removed: subscribe without an id`;
  }
  const known = context.cluster.frameworks.get(frameworkId);
  if (known === undefined || known.info.principal === info.principal) return undefined;
  return (
    `Changing the 'principal' of framework ${frameworkId} from ` +
    `'${known.info.principal ?? ''}' to '${info.principal ?? ''}' is not allowed`
  );
}

function rolesProblem({ config }: MasterContext, info: FrameworkInfo): string | undefined {
  const { roles: allowed } = config;
  if (allowed === undefined) return undefined;
  const foreign = frameworkRoles(info).filter((role) => role !== '*' && !allowed.includes(role));
  if (foreign.length === 0) return undefined;
  return `Roles ${foreign.join(', ')} are not in the master's --roles: ${allowed.join(', ')}`;
}

/** In form, and whether its regular expressions compile within the limits of this master. */
function constraintsProblem(
  { config }: MasterContext,
  { framework_info: info, offer_constraints: constraints }: Subscription,
): string | undefined {
  return (
    validateConstraintsForm(constraints, frameworkRoles(info)) ??
    validateOfferConstraints(constraints, re2Compiler(config.allocator.patternLimits))
  );
}

/** Why an UPDATE_FRAMEWORK is refused: a field that cannot change. */
export function immutableProblem(known: FrameworkInfo, next: FrameworkInfo): string | undefined {
  const changed = [
    known.user === next.user ? undefined : 'user',
    known.principal === next.principal ? undefined : 'principal',
    (known.checkpoint ?? false) === (next.checkpoint ?? false) ? undefined : 'checkpoint',
  ].find((field) => field !== undefined);
  if (changed === undefined) return undefined;
  return `Update of framework is not valid: 'FrameworkInfo.${changed}' cannot be changed`;
}
