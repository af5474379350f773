/**
 * Checks descriptions of tasks where they are made, so that no master ever refuses one: all problems
 * at once, each naming the field and the remedy. Written by hand, not with class-validator, because
 * it runs for each task in each turn: about a microsecond each, and nothing for one that was checked.
 */
import {
  type ContainerInfo,
  type ExecutorInfo,
  validateCheck,
  validateContainerInfo,
  validateExecutorInfo,
  validateHealthCheck,
  validateRole,
} from '../../core/api/index.js';
import { PlateauError, isRecord } from '../../core/base/index.js';
import { MAX_SCALAR, validateTaskResources } from '../../core/resources/index.js';
import { constraintProblem } from './check-constraint.js';
import { type Duration, durationMs } from './duration.js';
import { changedByJson } from './json.js';
import type { TaskSpec } from './task-spec.js';

/** Longest name of a task, in bytes: ids begin with it. */
export const MAX_TASK_NAME_BYTES = 100;
/** Longest key, in bytes: ids contain it. */
export const MAX_TASK_KEY_BYTES = 128;
/** Ports of one task. */
export const MAX_TASK_PORTS = 100;
/** Constraints of one task, and preferences of one. */
export const MAX_TASK_CONSTRAINTS = 50;
/** Smallest share of a cpu, beside none. */
export const MIN_TASK_CPUS = 0.01;
/** Range of the weight of a preference. */
export const MAX_PREFERENCE_WEIGHT = 1_000;
const MIN_PREFERENCE_WEIGHT = 0.001;

const checked = new WeakSet<TaskSpec>();

/**
 * Checks the description of a task, and gives it back.
 * @throws PlateauError `INVALID_TASK` naming every field that is wrong, and what to do.
 */
export function task(spec: TaskSpec): TaskSpec {
  if (checked.has(spec)) return spec;
  const problems = taskProblems(spec);
  if (problems.length > 0) throw invalid(spec, problems);
  checked.add(spec);
  return spec;
}

function invalid(spec: unknown, problems: readonly string[]): PlateauError {
  const name = isRecord(spec) && typeof spec['name'] === 'string' ? spec['name'].slice(0, 200) : '';
  const what = name === '' ? 'The task' : `Task '${name}'`;
  return new PlateauError('INVALID_TASK', `${what} is not valid: ${problems.join('; ')}.`, {
    context: { name, problems: problems.length },
  });
}

/** Everything that is wrong with a description; empty when it is valid. */
export function taskProblems(spec: unknown): readonly string[] {
  if (!isRecord(spec)) return ["a task is an object such as { name: 'web', cpus: 1, memMiB: 128 }"];
  const problems: string[] = [];
  for (const field of REQUIRED) {
    if (spec[field] === undefined) problems.push(`'${field}' is missing: set it`);
  }
  // oxlint-disable-next-line guard-for-in -- what is inherited must be right as well
  for (const field in spec) {
    const value = spec[field];
    const check = CHECKS.get(field);
    if (check === undefined) problems.push(`'${field}' is no field of a task: remove it`);
    else if (value !== undefined) addProblem(problems, field, check(value));
  }
  addTogetherProblems(problems, spec);
  return problems;
}

function addProblem(problems: string[], field: string, problem: string | undefined): void {
  if (problem !== undefined) problems.push(`'${field}' ${problem}`);
}

type Check = (value: unknown) => string | undefined;

const REQUIRED = ['name', 'cpus', 'memMiB'] as const;

const CHECKS: ReadonlyMap<string, Check> = new Map<keyof TaskSpec, Check>([
  ['name', (value) => partProblem(value, MAX_TASK_NAME_BYTES)],
  ['key', (value) => partProblem(value, MAX_TASK_KEY_BYTES)],
  ['cpus', cpusProblem],
  ['memMiB', amountProblem],
  ['diskMiB', amountProblem],
  ['gpus', (value) => amountProblem(value) ?? wholeProblem(value)],
  ['scalars', scalarsProblem],
  ['ports', portsProblem],
  ['command', commandProblem],
  ['env', (value) => textsProblem(value, envNameProblem)],
  ['uris', urisProblem],
  ['user', textProblem],
  ['container', containerProblem],
  ['executor', executorProblem],
  ['payload', (value) => (typeof value === 'string' ? undefined : 'must be a text')],
  ['data', dataProblem],
  ['labels', (value) => textsProblem(value, () => undefined)],
  ['killGrace', durationProblem],
  ['maxRunTime', durationProblem],
  ['healthCheck', (value) => messageProblem(value, validateHealthCheck)],
  ['check', (value) => messageProblem(value, validateCheck)],
  ['constraints', constraintsProblem],
  ['preferences', preferencesProblem],
  ['role', roleProblem],
  ['revocable', (value) => (typeof value === 'boolean' ? undefined : 'must be true or false')],
  ['adapt', (value) => (typeof value === 'function' ? undefined : 'must be a function')],
]);

/** What contains itself is found by the depth of the search. */
function dataProblem(value: unknown): string | undefined {
  try {
    const changed = changedByJson(value);
    return changed === undefined ? undefined : `must be JSON, not ${changed}`;
  } catch {
    return 'must be JSON: it contains itself';
  }
}

/** Blanks, slashes, control characters, halves of surrogate pairs. */
const UNFIT_FOR_IDS = /[\s/\\\p{Cc}\p{Cs}]/u;

function partProblem(value: unknown, maxBytes: number): string | undefined {
  if (typeof value !== 'string' || value === '') return 'must be a text that is not empty';
  if (UNFIT_FOR_IDS.test(value)) {
    return `is ${JSON.stringify(value)}: it becomes part of ids, so no blank, slash or control character`;
  }
  if (value.length * 3 <= maxBytes || Buffer.byteLength(value) <= maxBytes) return undefined;
  return `is longer than ${maxBytes} bytes: shorten it`;
}

function amountProblem(value: unknown): string | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    return `is ${String(value)}: it must be a finite number`;
  }
  if (value < 0) return `is ${value}: it must not be negative`;
  if (value > MAX_SCALAR) return `is ${value}: it must not be above ${MAX_SCALAR}`;
  return value > 0 && Math.round(value * 1000) === 0
    ? `is ${value}: the smallest amount is 0.001`
    : undefined;
}

function cpusProblem(value: unknown): string | undefined {
  const problem = amountProblem(value);
  if (problem !== undefined) return problem;
  return Number(value) > 0 && Number(value) < MIN_TASK_CPUS
    ? `is ${Number(value)}: at least ${MIN_TASK_CPUS}, or 0`
    : undefined;
}

function wholeProblem(value: unknown): string | undefined {
  return Number.isInteger(value) ? undefined : `is ${Number(value)}: it must be a whole number`;
}

const OWN_FIELDS: Readonly<Record<string, string>> = {
  cpus: 'cpus',
  mem: 'memMiB',
  disk: 'diskMiB',
  gpus: 'gpus',
  ports: 'ports',
};

function scalarsProblem(value: unknown): string | undefined {
  if (!isRecord(value)) return 'must be an object of amounts by name';
  for (const [name, amount] of Object.entries(value)) {
    if (name === '' || name.includes('\0')) return 'has an empty name or one with NUL: rename it';
    const field = OWN_FIELDS[name];
    if (field !== undefined) return `has '${name}': use the field '${field}' of the task`;
    const problem = amountProblem(amount);
    if (problem !== undefined) return `has '${name}', which ${problem}`;
  }
  return undefined;
}

function portsProblem(value: unknown): string | undefined {
  if (typeof value === 'number') {
    return Number.isInteger(value) && value >= 0 && value <= MAX_TASK_PORTS
      ? undefined
      : `is ${value}: write how many, a whole number up to ${MAX_TASK_PORTS}, or a list of ports`;
  }
  if (!Array.isArray(value)) return 'must be a number of ports, or a list';
  if (value.length > MAX_TASK_PORTS) return `has ${value.length} ports: ${MAX_TASK_PORTS} at most`;
  const seen = new Set<number | string>();
  for (const port of value as readonly unknown[]) {
    const problem = portProblem(port, seen);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function portProblem(value: unknown, seen: Set<number | string>): string | undefined {
  const { port, name, protocol } = isRecord(value) ? value : { port: value };
  if (!isRecord(value) && typeof value !== 'number') return 'must list numbers or objects';
  if (port !== undefined) {
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      return `has the port ${JSON.stringify(port)}: write a whole number from 1 to 65535`;
    }
    if (seen.has(port)) return `has the port ${port} twice: remove one`;
    seen.add(port);
  }
  if (name !== undefined) {
    if (typeof name !== 'string' || !/^[A-Za-z][\w.-]{0,62}$/.test(name)) {
      return `has the name ${JSON.stringify(name)}: begin with a letter, then letters, digits, - . _`;
    }
    const variable = portVariable(name);
    if (seen.has(variable)) return `has two ports that share the variable ${variable}: rename one`;
    seen.add(variable);
  }
  return protocol === undefined || protocol === 'tcp' || protocol === 'udp'
    ? undefined
    : `has the protocol ${JSON.stringify(protocol)}: use tcp or udp`;
}

/** The variable that holds a named port: of `admin-http`, `PORT_ADMIN_HTTP`. */
export function portVariable(name: string): string {
  return `PORT_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

function commandProblem(value: unknown): string | undefined {
  const isList = Array.isArray(value);
  const words: readonly unknown[] = isList ? value : [value];
  if (words.length === 0) return 'is an empty list: name the program first';
  if (!words.every((word) => typeof word === 'string')) return 'must be a text, or a list of texts';
  if (words.some((word) => word.includes('\0'))) return 'must not hold a NUL character';
  return words[0]?.trim() === '' ? 'is empty: name a program' : undefined;
}

function textProblem(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? undefined : 'must be a text that is not empty';
}

function textsProblem(
  value: unknown,
  nameProblem: (name: string) => string | undefined,
): string | undefined {
  if (!isRecord(value)) return 'must be an object of texts by name';
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') return `has '${name}', which is no text: write it in quotes`;
    const problem = nameProblem(name) ?? (text.includes('\0') ? 'holds NUL' : undefined);
    if (problem !== undefined) return `has '${name}', which ${problem}`;
  }
  return undefined;
}

function envNameProblem(name: string): string | undefined {
  return name === '' || /[=\0]/.test(name)
    ? 'is no name of a variable: not empty, without = and NUL'
    : undefined;
}

function urisProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'must be a list of addresses';
  const isBad = value.some(
    (uri: unknown) => textProblem(isRecord(uri) ? uri['value'] : uri) !== undefined,
  );
  return isBad ? "must list addresses, or objects with a 'value'" : undefined;
}

function containerProblem(value: unknown): string | undefined {
  const problem = messageProblem(value, (container: ContainerInfo) =>
    validateContainerInfo(container),
  );
  if (problem !== undefined || !isRecord(value)) return problem;
  const linux = value['linux_info'];
  return isRecord(linux) && linux['share_cgroups'] === false
    ? "has 'linux_info.share_cgroups' false, which only tasks of groups may have"
    : undefined;
}

function executorProblem(value: unknown): string | undefined {
  return messageProblem(value, (executor: ExecutorInfo) => {
    if (!isRecord(executor.executor_id)) return "'executor_id' is missing";
    if (executor.type === 'DEFAULT') return "'type' must be CUSTOM";
    const resources = executor.resources ?? [];
    const special = resources.find(
      (one) => one.disk !== undefined || one.shared !== undefined || one.type === 'SET',
    );
    if (special !== undefined) return `'resources' may not have a special '${special.name}'`;
    const allocated = resources.find((one) => one.allocation_info !== undefined);
    if (allocated !== undefined) return "leave 'allocation_info' out: the offer tells the role";
    return validateExecutorInfo(executor) ?? validateTaskResources(resources);
  });
}

/** Judges a message by a validator of the API, whose reasons name fields of their own. */
function messageProblem(
  value: unknown,
  validate: (message: never) => string | undefined,
): string | undefined {
  if (!isRecord(value)) return 'must be a message of the API';
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is declared so; validated here
  const problem = validate(value as never);
  return problem === undefined ? undefined : `is not valid: ${problem}`;
}

function durationProblem(value: unknown): string | undefined {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it judges any text
    durationMs(value as Duration);
    return undefined;
  } catch {
    return `is '${String(value)}': write a number and one of ms, s, m, h, d, w ('90s')`;
  }
}

function constraintsProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "must be a list such as [['@hostname', 'UNIQUE']]";
  if (value.length > MAX_TASK_CONSTRAINTS) {
    return `has ${value.length} entries: ${MAX_TASK_CONSTRAINTS} at most`;
  }
  for (const constraint of value as readonly unknown[]) {
    const problem = constraintProblem(constraint);
    if (problem !== undefined) return `has ${JSON.stringify(constraint)}, which ${problem}`;
  }
  return undefined;
}

function preferencesProblem(value: unknown): string | undefined {
  if (!Array.isArray(value)) return "must be a list such as [{ constraint: ['ssd', 'IS', 'yes'] }]";
  if (value.length > MAX_TASK_CONSTRAINTS) {
    return `has ${value.length} entries: ${MAX_TASK_CONSTRAINTS} at most`;
  }
  for (const preference of value as readonly unknown[]) {
    if (!isRecord(preference)) return "must list objects with a 'constraint'";
    const { constraint, weight = 1 } = preference;
    const problem = constraintProblem(constraint);
    if (problem !== undefined) return `has ${JSON.stringify(constraint)}, which ${problem}`;
    if (typeof weight !== 'number' || !isWeight(weight)) {
      return `has the weight ${String(weight)}: from ${MIN_PREFERENCE_WEIGHT} to ${MAX_PREFERENCE_WEIGHT}`;
    }
  }
  return undefined;
}

function isWeight(weight: number): boolean {
  return weight >= MIN_PREFERENCE_WEIGHT && weight <= MAX_PREFERENCE_WEIGHT;
}

function roleProblem(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be a text';
  const reason = validateRole(value);
  return reason === undefined ? undefined : `is not valid: ${reason}`;
}

/** What the fields may not be together. */
function addTogetherProblems(problems: string[], spec: Readonly<Record<string, unknown>>): void {
  const { command, executor, container } = spec;
  if (executor !== undefined) {
    if (command !== undefined) {
      problems.push("'command' and 'executor' exclude each other: leave one out");
    }
    for (const field of ['env', 'uris', 'user'] as const) {
      if (spec[field] === undefined) continue;
      problems.push(`'${field}' belongs to a command: move it into 'executor.command'`);
    }
  } else if (command === undefined && container === undefined) {
    problems.push("neither 'command' nor 'executor' is set: say what is to be run");
  }
  if (spec['cpus'] === 0 && spec['memMiB'] === 0) {
    problems.push("'cpus' and 'memMiB' are both 0: a task needs some of one");
  }
}
