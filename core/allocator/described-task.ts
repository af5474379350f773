/**
 * A task that somebody describes to learn why it would not start: amounts, and what agents have to be
 * like. Descriptions come from clients: each is checked and compiled before anything is done with it.
 */
import {
  type AgentInfo,
  type SchedulerAttributeConstraint,
  type SchedulerAttributeConstraintSelector,
  type SchedulerOfferConstraintsRoleConstraints,
  fromJson,
  parseJson,
} from '../api/index.js';
import { PlateauError, errorMessage, isRecord } from '../base/index.js';
import { toThousandths } from '../resources/index.js';
import type { Amounts } from './decisions.js';
import {
  type AttributeMiss,
  type RoleConstraints,
  compileRoleConstraints,
} from './offer-constraints.js';
import type { CompilePattern } from './pattern.js';
import { compileRe2 } from './re2-pattern.js';
import { Wanted } from './wanted.js';

/** Resources, and constraints, that a description may name. */
export const MAX_TASK_RESOURCES = 32;
export const MAX_TASK_CONSTRAINTS = 32;

/** A task in plain values, as `plateau why` and its page take it. */
export interface TaskDescription {
  /** Amounts by name; `ports` is how many of them. Whole cpus and MiB, not thousandths. */
  readonly resources: Amounts;
  /**
   * Conditions that all have to hold. Each is an expression such as `rack=r1`, `rack!=r2`, `os~=linux.*`,
   * `os!~=win.*`, `rack` (there is one) or `!rack`; or constraints of the v1 API as JSON: those of a
   * role (`groups`), or of several (`role_constraints`).
   */
  readonly constraints: readonly string[];
}

/** A description that was checked. */
export class DescribedTask {
  readonly description: TaskDescription;
  readonly wanted: Wanted;
  readonly #all: readonly RoleConstraints[];
  readonly #ofRoles: readonly ReadonlyMap<string, RoleConstraints>[];

  /**
   * Checks and compiles a description.
   * @throws PlateauError `INVALID_MESSAGE` naming the field.
   */
  constructor(description: TaskDescription, compilePattern: CompilePattern = compileRe2) {
    this.description = description;
    this.wanted = Wanted.forTask(readAmounts(description.resources));
    const { constraints } = description;
    if (constraints.length > MAX_TASK_CONSTRAINTS) {
      throw invalid('constraints', `are more than ${MAX_TASK_CONSTRAINTS}`);
    }
    const compiled = constraints.map((text) => compileText(text, compilePattern));
    this.#all = compiled.flatMap((one) => ('isMetBy' in one ? [one] : []));
    this.#ofRoles = compiled.flatMap((one) => ('isMetBy' in one ? [] : [one]));
  }

  /** Whether the agent meets the constraints of the task in a role. */
  takes(info: AgentInfo, role: string): boolean {
    return this.#constraints(role).every((one) => one.isMetBy(info));
  }

  /** The constraints that the agent does not meet. */
  misses(info: AgentInfo, role: string): readonly AttributeMiss[] {
    return this.#constraints(role).flatMap((one) => one.unmetBy(info));
  }

  #constraints(role: string): readonly RoleConstraints[] {
    if (this.#ofRoles.length === 0) return this.#all;
    return [...this.#all, ...this.#ofRoles.flatMap((one) => one.get(role) ?? [])];
  }
}

function readAmounts(amounts: Amounts): Map<string, number> {
  const entries = Object.entries(amounts);
  if (entries.length > MAX_TASK_RESOURCES) {
    throw invalid('resources', `are more than ${MAX_TASK_RESOURCES}`);
  }
  const read = new Map<string, number>();
  for (const [name, amount] of entries) {
    if (!/^[^\s:;()[\]{}]+$/.test(name)) {
      throw invalid(`resources['${name}']`, 'is no name of a resource');
    }
    const value = name === 'ports' ? readCount(amount) : readAmount(name, amount);
    if (value > 0) read.set(name, value);
  }
  return read;
}

function readCount(count: number): number {
  if (Number.isInteger(count) && count >= 0 && count <= 65_536) return count;
  throw invalid('ports', `is ${count}: it must be how many ports, a whole number from 0`);
}

function readAmount(name: string, amount: number): number {
  try {
    return toThousandths(amount);
  } catch (error) {
    throw invalid(name, errorMessage(error));
  }
}

type Compiled = RoleConstraints | ReadonlyMap<string, RoleConstraints>;

function compileText(text: string, compilePattern: CompilePattern): Compiled {
  if (text.trimStart().startsWith('{')) return compileJson(text, compilePattern);
  const group = { attribute_constraints: [readExpression(text)] };
  return compileRoleConstraints({ groups: [group] }, `constraints '${text}'`, compilePattern);
}

function compileJson(text: string, compilePattern: CompilePattern): Compiled {
  const json = readJson(text);
  if (!isRecord(json) || !('role_constraints' in json)) {
    const read = readGroups(json, 'constraints');
    return compileRoleConstraints(read, 'constraints', compilePattern);
  }
  const { role_constraints: roles } = json;
  if (!isRecord(roles)) throw invalid('constraints.role_constraints', 'is no object');
  return new Map(
    Object.entries(roles).map(([role, one]) => {
      const field = `constraints.role_constraints['${role}']`;
      return [role, compileRoleConstraints(readGroups(one, field), field, compilePattern)];
    }),
  );
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw invalid('constraints', `are no JSON: ${errorMessage(error)}`);
  }
}

function readGroups(json: unknown, field: string): SchedulerOfferConstraintsRoleConstraints {
  try {
    return fromJson('SchedulerOfferConstraintsRoleConstraints', json);
  } catch (error) {
    throw invalid(field, `are no offer constraints: ${errorMessage(error)}`);
  }
}

const EXPRESSION = /^(!?)\s*([^\s=!~]+)\s*(?:(!~=|!=|~=|=)\s*([^]*))?$/;

/** The v1 form of an expression. */
function readExpression(text: string): SchedulerAttributeConstraint {
  const [, not, name, operator, value = ''] = EXPRESSION.exec(text.trim()) ?? [];
  if (name === undefined || (not === '!' && operator !== undefined)) {
    const forms = 'rack=r1, rack!=r1, os~=linux.*, os!~=win.*, rack, !rack';
    throw invalid(`constraints '${text}'`, `is no expression: write one as ${forms}`);
  }
  return { selector: readSelector(name), predicate: predicateOf(not === '!', operator, value) };
}

function predicateOf(
  isNegated: boolean,
  operator: string | undefined,
  value: string,
): SchedulerAttributeConstraint['predicate'] {
  if (operator === '=') return { text_equals: { value } };
  if (operator === '!=') return { text_not_equals: { value } };
  if (operator === '~=') return { text_matches: { regex: value } };
  if (operator === '!~=') return { text_not_matches: { regex: value } };
  return isNegated ? { not_exists: {} } : { exists: {} };
}

function readSelector(name: string): SchedulerAttributeConstraintSelector {
  if (name === '@hostname') return { pseudoattribute_type: 'HOSTNAME' };
  if (name === '@region') return { pseudoattribute_type: 'REGION' };
  if (name === '@zone') return { pseudoattribute_type: 'ZONE' };
  if (!name.startsWith('@')) return { attribute_name: name };
  throw invalid('constraints', `name '${name}': there are @hostname, @region and @zone`);
}

function invalid(field: string, problem: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', `${field} ${problem}`);
}
