/** Quotas and weights as operators state them, as far as they can be judged without a cluster. */
import { PlateauError } from '../../base/index.js';
import type { QuotaConfig, ValueScalar, WeightInfo } from '../messages.js';
import type { Reason } from './reasons.js';
import { validateRole } from './roles.js';

/** Largest amount of memory or disk in a quota, in MiB: 2 to the power of 40. */
export const MAX_QUOTA_MIB = 1_099_511_627_776;
/** Largest amount of anything else in a quota. */
export const MAX_QUOTA_AMOUNT = 1_000_000_000_000;
/** Most names of resources in the guarantees of one quota, and in its limits. */
export const MAX_QUOTA_RESOURCES = 100;
/** Longest name of a resource in a quota, in characters. */
export const MAX_QUOTA_RESOURCE_LENGTH = 255;

/** Amounts are kept in these: quota is as exact as resources are. */
const THOUSANDTHS = 1000;

/** Why a quota is not valid, or undefined. The reason names role, field and resource. */
export function validateQuotaConfig({ role, guarantees = {}, limits = {} }: QuotaConfig): Reason {
  const problem = validateRole(role);
  if (problem !== undefined) return problem;
  if (role.includes('/')) {
    return `Role '${role}' is nested: quota on nested roles is not supported, set it on the top level`;
  }
  return (
    amountsFault(guarantees, `'guarantees' of role '${role}'`) ??
    amountsFault(limits, `'limits' of role '${role}'`) ??
    orderFault(role, guarantees, limits)
  );
}

type Amounts = Readonly<Record<string, ValueScalar>>;

function amountsFault(amounts: Amounts, field: string): Reason {
  const entries = Object.entries(amounts);
  if (entries.length > MAX_QUOTA_RESOURCES) {
    return `${field} name ${entries.length} resources; at most ${MAX_QUOTA_RESOURCES} are allowed`;
  }
  for (const [name, { value }] of entries) {
    const problem = nameFault(name) ?? amountFault(name, value);
    if (problem !== undefined) return `${field}: resource ${JSON.stringify(name)} ${problem}`;
  }
  return undefined;
}

function nameFault(name: string): Reason {
  if (name === '') return 'has an empty name';
  if (name === 'ports') return 'is no amount: ports cannot be guaranteed or limited';
  if (name.length > MAX_QUOTA_RESOURCE_LENGTH) {
    return `has a name of more than ${MAX_QUOTA_RESOURCE_LENGTH} characters`;
  }
  // oxlint-disable-next-line no-control-regex -- what could not be written to the registry
  return /[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(name)
    ? 'has a name with control characters or halves of characters'
    : undefined;
}

function amountFault(name: string, value: number): Reason {
  if (!Number.isFinite(value)) return `is ${value}; it must be a finite number`;
  if (value < 0) return `is ${value}; it must not be negative`;
  if (name === 'gpus' && !Number.isInteger(value)) {
    return `is ${value}; gpus come as whole numbers only`;
  }
  const largest = name === 'mem' || name === 'disk' ? MAX_QUOTA_MIB : MAX_QUOTA_AMOUNT;
  if (value > largest) return `is ${value}; it must not be above ${largest}`;
  if (value === 0 || Math.round(value * THOUSANDTHS) > 0) return undefined;
  return `is ${value}, which rounds to 0; the smallest amount is 0.001`;
}

function orderFault(role: string, guarantees: Amounts, limits: Amounts): Reason {
  for (const [name, { value }] of Object.entries(guarantees)) {
    if (!Object.hasOwn(limits, name)) continue;
    const limit = limits[name]?.value ?? 0;
    if (Math.round(value * THOUSANDTHS) <= Math.round(limit * THOUSANDTHS)) continue;
    return (
      `'guarantees' of role '${role}': resource '${name}' is ${value}, ` +
      `which is more than its limit ${limit}: guarantees must be within limits`
    );
  }
  return undefined;
}

/** Why a weight is not valid, or undefined. The reason names the role. */
export function validateWeight({ role, weight }: WeightInfo): Reason {
  if (role === undefined) return "'role' of a weight is not set";
  const problem = validateRole(role);
  if (problem !== undefined) return problem;
  if (weight > 0 && Number.isFinite(weight)) return undefined;
  return `'weight' of role '${role}' must be a positive number, and is ${weight}`;
}

/**
 * Reads weights as a command line states them: `prod=2,dev=0.5`. Empty text: none.
 * @throws PlateauError `INVALID_FLAG` naming the part that is wrong.
 */
export function parseWeights(text: string): WeightInfo[] {
  const infos = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(parseWeight);
  const roles = new Set<string | undefined>();
  for (const { role } of infos) {
    if (roles.has(role)) throw invalid(`role '${role}' has two weights`);
    roles.add(role);
  }
  return infos;
}

function parseWeight(part: string): WeightInfo {
  const mark = part.lastIndexOf('=');
  const number = part.slice(mark + 1).trim();
  const weight = number === '' ? Number.NaN : Number(number);
  if (mark < 0 || Number.isNaN(weight)) throw invalid(`'${part}' is not of the form role=number`);
  const info = { role: part.slice(0, mark).trim(), weight };
  const problem = validateWeight(info);
  if (problem !== undefined) throw invalid(`'${part}': ${problem}`);
  return info;
}

function invalid(problem: string): PlateauError {
  return new PlateauError('INVALID_FLAG', `weights: ${problem}`);
}
