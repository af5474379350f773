/**
 * What operators write as `--resources`: either text such as
 * `cpus:4;mem:1024;ports:[31000-32000];cpus(prod):2`, with static reservations in parentheses, or a
 * JSON list of `Resource` objects, which can also describe disks.
 */
import { type Resource, fromJson, parseJson } from '../api/index.js';
import { PlateauError, errorMessage } from '../base/index.js';
import { parseValue } from './parse-value.js';
import { Resources } from './resources.js';
import { DEFAULT_ROLE } from './roles.js';
import { validateResource } from './validate.js';

/** `name`, `name(role)`, then a colon and the value. */
const PART = /^([^:()[\]{}]+)(?:\(([^()]*)\))?\s*:(.*)$/s;

/**
 * Reads either form of `--resources`. What names no role is reserved for `defaultRole`.
 * @throws PlateauError `INVALID_RESOURCES` naming the part that is wrong.
 */
export function parseResources(text: string, defaultRole = DEFAULT_ROLE): Resources {
  return Resources.fromWire(parseResourceList(text, defaultRole));
}

/** The same as a list in which zero amounts stay, for `defaultResources`. */
export function parseResourceList(text: string, defaultRole = DEFAULT_ROLE): Resource[] {
  const list = text.trim().startsWith('[')
    ? parseList(text, defaultRole)
    : text
        .split(/[;\n]/)
        .map((part) => part.trim())
        .filter((part) => part !== '')
        .map((part) => parsePart(part, defaultRole));
  assertOneTypePerName(list);
  return list;
}

function parseList(text: string, defaultRole: string): Resource[] {
  let list: unknown;
  try {
    list = parseJson(text);
  } catch (error) {
    throw new PlateauError('INVALID_RESOURCES', `resources: ${errorMessage(error)}`, {
      cause: error,
    });
  }
  if (!Array.isArray(list))
    throw new PlateauError('INVALID_RESOURCES', 'resources: expected a list');
  return list.map((element: unknown, index) => parseElement(element, index, defaultRole));
}

function parseElement(element: unknown, index: number, defaultRole: string): Resource {
  const part = `[${index}]`;
  let resource: Resource;
  try {
    resource = fromJson('Resource', element);
  } catch (error) {
    throw invalid(part, errorMessage(error));
  }
  const reason = validateResource(resource) ?? staticProblem(resource);
  if (reason !== undefined) throw invalid(part, reason);
  const { role, reservations = [] } = resource;
  const isReserved = reservations.length > 0 || (role !== undefined && role !== DEFAULT_ROLE);
  if (isReserved || defaultRole === DEFAULT_ROLE) return resource;
  const { role: _role, ...unreserved } = resource;
  return { ...unreserved, ...reservedFor(defaultRole) };
}

/** What the cluster makes while it runs cannot be stated at the start of an agent. */
function staticProblem(resource: Resource): string | undefined {
  const refusal = (what: string): string => `resource '${resource.name}': ${what} cannot be stated`;
  if (resource.disk?.persistence !== undefined) return refusal('a persistent volume');
  if (resource.revocable !== undefined) return refusal("'revocable'");
  if (resource.allocation_info !== undefined) return refusal("'allocation_info'");
  const isDynamic =
    resource.reservation !== undefined ||
    resource.reservations?.some(({ type }) => type === 'DYNAMIC') === true;
  return isDynamic ? refusal('a dynamic reservation') : undefined;
}

function assertOneTypePerName(list: readonly Resource[]): void {
  const types = new Map<string, string>();
  for (const { name, type } of list) {
    const known = types.get(name);
    if (known !== undefined && known !== type) {
      throw invalid(name, `the same name cannot be ${known} and ${type}`);
    }
    types.set(name, type);
  }
}

function parsePart(part: string, defaultRole: string): Resource {
  const [, name = '', role, text = ''] = PART.exec(part) ?? [];
  if (name.trim() === '') throw invalid(part, 'expected name:value or name(role):value');
  const parsed = parseValue(text);
  if ('problem' in parsed) throw invalid(part, parsed.problem);
  const { type, scalar, ranges, set } = parsed.value;
  if (type === 'TEXT') {
    throw invalid(part, 'expected a number, [ranges] or {set}; text is for attributes only');
  }
  const resource: Resource = {
    name: name.trim(),
    type,
    ...(scalar === undefined ? undefined : { scalar }),
    ...(ranges === undefined ? undefined : { ranges }),
    ...(set === undefined ? undefined : { set }),
    ...reservedFor(role?.trim() ?? defaultRole),
  };
  const reason = validateResource(resource);
  if (reason !== undefined) throw invalid(part, reason);
  return resource;
}

/** The static reservation for a role, if it is not the default one. */
export function reservedFor(role: string): Pick<Resource, 'reservations'> {
  return role === DEFAULT_ROLE ? {} : { reservations: [{ type: 'STATIC', role }] };
}

function invalid(part: string, problem: string): PlateauError {
  return new PlateauError('INVALID_RESOURCES', `resources: '${part}': ${problem}`);
}
