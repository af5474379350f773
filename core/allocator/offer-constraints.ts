/**
 * Offer constraints: conditions on the attributes of agents that a framework states for its roles. A
 * role is offered an agent if all constraints of one of its groups hold. They come from clients: each
 * is checked and compiled when it arrives.
 */
import type {
  AgentInfo,
  Attribute,
  SchedulerAttributeConstraint,
  SchedulerAttributeConstraintPredicate,
  SchedulerAttributeConstraintSelector,
  SchedulerOfferConstraints,
  SchedulerOfferConstraintsRoleConstraints,
} from '../api/index.js';
import { PlateauError } from '../base/index.js';
import type { CompilePattern, Pattern } from './pattern.js';
import { compileRe2 } from './re2-pattern.js';

/** Whether an agent meets what a framework demands in one role. */
export interface RoleConstraints {
  isMetBy(info: AgentInfo): boolean;
  /** What the agent has that it should not: of the group of which it fails the fewest constraints. */
  unmetBy(info: AgentInfo): readonly AttributeMiss[];
}

/** A constraint that an agent does not meet. */
export interface AttributeMiss {
  /** The name of the attribute, or `@hostname`, `@region`, `@zone`. */
  readonly attribute: string;
  /** The condition, written as `plateau why --constraints` takes it: `= r1`, `!~= x.*`, `exists`. */
  readonly wanted: string;
  /** The text that the agent has; undefined: none. */
  readonly found: string | undefined;
}

/** Constraints by role; roles that are missing take every agent. */
export type OfferConstraints = ReadonlyMap<string, RoleConstraints>;

/** What an agent has under the name: a text, something that is no text, or nothing. */
type Found = { readonly text: string } | 'no text' | undefined;
interface Condition {
  readonly text: string;
  holds(found: Found): boolean;
}
interface Selector {
  readonly name: string;
  find(info: AgentInfo): Found;
}
interface Constraint {
  readonly select: Selector;
  readonly condition: Condition;
}

/**
 * Checks and compiles the constraints of a framework.
 * @throws PlateauError `INVALID_MESSAGE` naming the role and the field.
 */
export function compileOfferConstraints(
  constraints: SchedulerOfferConstraints | undefined,
  compilePattern: CompilePattern,
): OfferConstraints {
  const compiled = new Map<string, RoleConstraints>();
  for (const [role, one] of Object.entries(constraints?.role_constraints ?? {})) {
    const field = `offer_constraints.role_constraints['${role}']`;
    compiled.set(role, compileRoleConstraints(one, field, compilePattern));
  }
  return compiled;
}

/**
 * Checks and compiles the constraints of one role.
 * @param field what they are called in the message of the error.
 * @throws PlateauError `INVALID_MESSAGE` naming the field.
 */
export function compileRoleConstraints(
  { groups = [] }: SchedulerOfferConstraintsRoleConstraints,
  field: string,
  compilePattern: CompilePattern,
): RoleConstraints {
  const all = `${field}.groups`;
  if (groups.length === 0) throw invalid(all, 'is empty: name a group, or leave out the role');
  const alternatives = groups.map(({ attribute_constraints: members = [] }, group) => {
    const path = `${all}[${group}].attribute_constraints`;
    if (members.length === 0) throw invalid(path, 'is empty: a group needs a constraint');
    return members.map((one, index) => compileConstraint(one, `${path}[${index}]`, compilePattern));
  });
  return {
    isMetBy: (info) => alternatives.some((group) => group.every((one) => holds(one, info))),
    unmetBy: (info) => fewestMisses(alternatives, info),
  };
}

function holds({ select, condition }: Constraint, info: AgentInfo): boolean {
  return condition.holds(select.find(info));
}

function fewestMisses(
  alternatives: readonly (readonly Constraint[])[],
  info: AgentInfo,
): readonly AttributeMiss[] {
  let fewest: readonly Constraint[] | undefined;
  for (const group of alternatives) {
    const unmet = group.filter((one) => !holds(one, info));
    if (fewest === undefined || unmet.length < fewest.length) fewest = unmet;
  }
  return (fewest ?? []).map(({ select, condition }) => {
    const found = select.find(info);
    const text = typeof found === 'object' ? found.text : found;
    return { attribute: select.name, wanted: condition.text, found: text };
  });
}

/** Why the constraints of a framework are not valid, or undefined. */
export function validateOfferConstraints(
  constraints: SchedulerOfferConstraints | undefined,
  compilePattern: CompilePattern = compileRe2,
): string | undefined {
  try {
    compileOfferConstraints(constraints, compilePattern);
    return undefined;
  } catch (error) {
    if (error instanceof PlateauError && error.code === 'INVALID_MESSAGE') return error.message;
    throw error;
  }
}

function compileConstraint(
  { selector, predicate }: SchedulerAttributeConstraint,
  path: string,
  compilePattern: CompilePattern,
): Constraint {
  return {
    select: compileSelector(selector, `${path}.selector`),
    condition: compilePredicate(predicate, `${path}.predicate`, compilePattern),
  };
}

function compileSelector(selector: SchedulerAttributeConstraintSelector, path: string): Selector {
  const { attribute_name: name, pseudoattribute_type: pseudo } = selector;
  if (name !== undefined && pseudo !== undefined) {
    throw invalid(path, 'names both an attribute and a pseudo-attribute');
  }
  if (name !== undefined) {
    return { name, find: (info) => findAttribute(info.attributes ?? [], name) };
  }
  if (pseudo === 'HOSTNAME') {
    return { name: '@hostname', find: ({ hostname }) => ({ text: hostname }) };
  }
  if (pseudo === 'REGION') {
    return { name: '@region', find: ({ domain }) => asText(domain?.fault_domain?.region.name) };
  }
  if (pseudo === 'ZONE') {
    return { name: '@zone', find: ({ domain }) => asText(domain?.fault_domain?.zone.name) };
  }
  throw invalid(path, 'names no attribute: set attribute_name or pseudoattribute_type');
}

/** Of several attributes of one name the first counts. */
function findAttribute(attributes: readonly Attribute[], name: string): Found {
  const attribute = attributes.find((candidate) => candidate.name === name);
  if (attribute === undefined) return undefined;
  return attribute.type === 'TEXT' ? { text: attribute.text?.value ?? '' } : 'no text';
}

function asText(text: string | undefined): Found {
  return text === undefined ? undefined : { text };
}

/** Predicates on text hold for all that is no text: they do not tell agents of that kind apart. */
function compilePredicate(
  predicate: SchedulerAttributeConstraintPredicate,
  path: string,
  compilePattern: CompilePattern,
): Condition {
  const stated = Object.values(predicate).filter((value) => value !== undefined);
  if (stated.length !== 1) throw invalid(path, 'has to state exactly one condition');
  const { text_equals, text_not_equals, text_matches, text_not_matches } = predicate;
  if (predicate.exists !== undefined) {
    return { text: 'exists', holds: (found) => found !== undefined };
  }
  if (predicate.not_exists !== undefined) {
    return { text: 'does not exist', holds: (found) => found === undefined };
  }
  if (text_equals !== undefined) {
    return onText(`= ${text_equals.value}`, false, (text) => text === text_equals.value);
  }
  if (text_not_equals !== undefined) {
    return onText(`!= ${text_not_equals.value}`, true, (text) => text !== text_not_equals.value);
  }
  const { regex } = text_matches ?? text_not_matches ?? { regex: '' };
  const pattern = remembering(compile(regex, `${path}.regex`, compilePattern));
  if (text_matches !== undefined) return onText(`~= ${regex}`, false, (text) => pattern(text));
  return onText(`!~= ${regex}`, true, (text) => !pattern(text));
}

function onText(text: string, whenMissing: boolean, isMet: (found: string) => boolean): Condition {
  return {
    text,
    holds: (found) => {
      if (found === undefined) return whenMissing;
      return found === 'no text' || isMet(found.text);
    },
  };
}

function compile(regex: string, path: string, compilePattern: CompilePattern): Pattern {
  const compiled = compilePattern(regex);
  if ('problem' in compiled) throw invalid(path, compiled.problem);
  return compiled;
}

/** Texts of which each pattern remembers whether it matches them; with more, all are forgotten. */
const MAX_REMEMBERED_TEXTS = 1000;

/** Attributes are few and looked at in every run: each is matched once. */
function remembering(pattern: Pattern): (text: string) => boolean {
  const known = new Map<string, boolean>();
  return (text) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    if (known.size >= MAX_REMEMBERED_TEXTS) known.clear();
    const isMatch = pattern.matches(text);
    known.set(text, isMatch);
    return isMatch;
  };
}

function invalid(path: string, problem: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', `${path} ${problem}`);
}
