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
} from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { type CompilePattern, MAX_PATTERN_CHARS, type Pattern } from './pattern.js';
import { compileRe2 } from './re2-pattern.js';

/** Whether an agent meets what a framework demands in one role. */
export interface RoleConstraints {
  isMetBy(info: AgentInfo): boolean;
}

/** Constraints by role; roles that are missing take every agent. */
export type OfferConstraints = ReadonlyMap<string, RoleConstraints>;

/** What an agent has under the name: a text, something that is no text, or nothing. */
type Found = { readonly text: string } | 'no text' | undefined;
type Condition = (found: Found) => boolean;
type Constraint = (info: AgentInfo) => boolean;

/**
 * Checks and compiles the constraints of a framework.
 * @throws PlateauError `INVALID_MESSAGE` naming the role and the field.
 */
export function compileOfferConstraints(
  constraints: SchedulerOfferConstraints | undefined,
  compilePattern: CompilePattern,
): OfferConstraints {
  const compiled = new Map<string, RoleConstraints>();
  for (const [role, { groups = [] }] of Object.entries(constraints?.role_constraints ?? {})) {
    const field = `offer_constraints.role_constraints['${role}'].groups`;
    if (groups.length === 0) throw invalid(field, 'is empty: name a group, or leave out the role');
    const alternatives = groups.map(({ attribute_constraints: all = [] }, group) => {
      const path = `${field}[${group}].attribute_constraints`;
      if (all.length === 0) throw invalid(path, 'is empty: a group needs a constraint');
      return all.map((one, index) => compileConstraint(one, `${path}[${index}]`, compilePattern));
    });
    compiled.set(role, {
      isMetBy: (info) => alternatives.some((group) => group.every((holds) => holds(info))),
    });
  }
  return compiled;
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
  const select = compileSelector(selector, `${path}.selector`);
  const condition = compilePredicate(predicate, `${path}.predicate`, compilePattern);
  return (info) => condition(select(info));
}

function compileSelector(
  selector: SchedulerAttributeConstraintSelector,
  path: string,
): (info: AgentInfo) => Found {
  const { attribute_name: name, pseudoattribute_type: pseudo } = selector;
  if (name !== undefined && pseudo !== undefined) {
    throw invalid(path, 'names both an attribute and a pseudo-attribute');
  }
  if (name !== undefined) return (info) => findAttribute(info.attributes ?? [], name);
  if (pseudo === 'HOSTNAME') return ({ hostname }) => ({ text: hostname });
  if (pseudo === 'REGION') {
    return ({ domain }) => asText(domain?.fault_domain?.region.name);
  }
  if (pseudo === 'ZONE') return ({ domain }) => asText(domain?.fault_domain?.zone.name);
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
  if (predicate.exists !== undefined) return (found) => found !== undefined;
  if (predicate.not_exists !== undefined) return (found) => found === undefined;
  if (text_equals !== undefined) return onText((text) => text === text_equals.value, false);
  if (text_not_equals !== undefined) {
    return onText((text) => text !== text_not_equals.value, true);
  }
  const { regex } = text_matches ?? text_not_matches ?? { regex: '' };
  const pattern = remembering(compile(regex, `${path}.regex`, compilePattern));
  if (text_matches !== undefined) return onText((text) => pattern(text), false);
  return onText((text) => !pattern(text), true);
}

function onText(holds: (text: string) => boolean, whenMissing: boolean): Condition {
  return (found) => {
    if (found === undefined) return whenMissing;
    return found === 'no text' || holds(found.text);
  };
}

function compile(regex: string, path: string, compilePattern: CompilePattern): Pattern {
  if (regex.length > MAX_PATTERN_CHARS) {
    throw invalid(path, `is longer than ${MAX_PATTERN_CHARS} characters`);
  }
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
