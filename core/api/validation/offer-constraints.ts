/** Offer constraints as far as their form goes; regular expressions are judged where they run. */
import type {
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintSelector,
  SchedulerOfferConstraints,
} from '../messages.js';
import { type Reason, firstReason } from './reasons.js';

/** Why offer constraints are not valid for a framework with these roles, or undefined. */
export function validateOfferConstraints(
  constraints: SchedulerOfferConstraints | undefined,
  roles: readonly string[],
): Reason {
  for (const [role, { groups }] of Object.entries(constraints?.role_constraints ?? {})) {
    const what = `'offer_constraints' of role '${role}' are not valid`;
    if (!roles.includes(role)) return `${what}: it is not among the roles of the framework`;
    if ((groups ?? []).length === 0) return `${what}: 'groups' must not be empty`;
    const reason = firstReason(groups, (group) =>
      (group.attribute_constraints ?? []).length === 0
        ? "'attribute_constraints' must not be empty"
        : firstReason(group.attribute_constraints, constraintFault),
    );
    if (reason !== undefined) return `${what}: ${reason}`;
  }
  return undefined;
}

function constraintFault({ selector, predicate }: SchedulerAttributeConstraint): Reason {
  const predicates = Object.values(predicate).filter((value) => value !== undefined);
  if (predicates.length !== 1) return "exactly one kind of 'predicate' must be set";
  return selectorFault(selector);
}

function selectorFault(selector: SchedulerAttributeConstraintSelector): Reason {
  const { attribute_name, pseudoattribute_type } = selector;
  if ((attribute_name === undefined) === (pseudoattribute_type === undefined)) {
    return "exactly one of 'selector.attribute_name' and 'selector.pseudoattribute_type' must be set";
  }
  return pseudoattribute_type === 'UNKNOWN'
    ? "'selector.pseudoattribute_type' must be HOSTNAME, REGION or ZONE"
    : undefined;
}
