/**
 * What an agent offers when nothing, or not everything, is stated: most of the machine, with some
 * left for the system itself. The figures are those of Mesos.
 */
import type { Resource } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { reservedFor } from './parse-resources.js';
import { DEFAULT_ROLE } from './roles.js';
import { Resources } from './resources.js';

/** What the machine has; undefined where it cannot be found out. */
export interface HostFacts {
  /** Logical processors. */
  readonly cpus: number | undefined;
  readonly memoryBytes: number | undefined;
  /** Size of the file system that holds the work directory. */
  readonly diskBytes: number | undefined;
}

const MIB = 2 ** 20;
const GIB_IN_MIB = 1024;

/** Left to the system, when the machine has at least twice that. */
export const SYSTEM_MEMORY_MIB = GIB_IN_MIB;
export const SYSTEM_DISK_MIB = 5 * GIB_IN_MIB;

/** Assumed when the machine does not tell. */
export const ASSUMED_CPUS = 1;
export const ASSUMED_MEMORY_MIB = GIB_IN_MIB;
export const ASSUMED_DISK_MIB = 10 * GIB_IN_MIB;

/** The ports that tasks may be given. */
export const DEFAULT_PORTS = { begin: 31_000n, end: 32_000n } as const;

export interface DefaultResourcesOptions {
  /** Resources that were stated: their names, zero amounts included, are not filled in. */
  readonly stated?: readonly Resource[];
  /** The role that defaults are reserved for. Default `*`: for nobody. */
  readonly defaultRole?: string;
}

/**
 * What was stated, and cpus, mem, disk and ports as far as nothing was stated for these names.
 * @throws PlateauError `INVALID_RESOURCES` when what was stated is not well-formed, or when a name that
 *   has a meaning comes with a type that it cannot have.
 */
export function defaultResources(
  facts: HostFacts,
  { stated = [], defaultRole = DEFAULT_ROLE }: DefaultResourcesOptions = {},
): Resources {
  for (const resource of stated) assertTypeOfName(resource);
  const statedNames = new Set(stated.map(({ name }) => name));
  const defaults = hostResources(facts).filter(({ name }) => !statedNames.has(name));
  const reservation = reservedFor(defaultRole);
  return Resources.fromWire([
    ...stated,
    ...defaults.map((resource) => ({ ...resource, ...reservation })),
  ]);
}

/** Types of the names that have a meaning, and how a value of that type is written. */
const TYPES_OF_NAMES: ReadonlyMap<string, readonly [type: Resource['type'], example: string]> =
  new Map([
    ['cpus', ['SCALAR', 'a number, such as cpus:4']],
    ['mem', ['SCALAR', 'a number of MiB, such as mem:1024']],
    ['disk', ['SCALAR', 'a number of MiB, such as disk:1024']],
    ['gpus', ['SCALAR', 'a number, such as gpus:1']],
    ['ports', ['RANGES', 'ranges, such as ports:[31000-32000]']],
  ]);

/** A task could not ask for cpus that are a set, nor for a number of ports. */
function assertTypeOfName({ name, type }: Resource): void {
  const [wanted, example] = TYPES_OF_NAMES.get(name) ?? [];
  if (wanted === undefined || wanted === type) return;
  throw new PlateauError(
    'INVALID_RESOURCES',
    `resources: '${name}' is of type ${type}; it must be ${example}`,
  );
}

function hostResources({ cpus, memoryBytes, diskBytes }: HostFacts): Resource[] {
  return [
    scalar('cpus', cpus ?? ASSUMED_CPUS),
    scalar(
      'mem',
      memoryBytes === undefined
        ? ASSUMED_MEMORY_MIB
        : withoutSystem(memoryBytes, SYSTEM_MEMORY_MIB),
    ),
    scalar(
      'disk',
      diskBytes === undefined ? ASSUMED_DISK_MIB : withoutSystem(diskBytes, SYSTEM_DISK_MIB),
    ),
    { name: 'ports', type: 'RANGES', ranges: { range: [DEFAULT_PORTS] } },
  ];
}

/** Whole MiB: the total less what the system keeps, or half of a small machine. */
function withoutSystem(bytes: number, systemMiB: number): number {
  const totalMiB = Math.floor(bytes / MIB);
  return totalMiB >= 2 * systemMiB ? totalMiB - systemMiB : Math.floor(totalMiB / 2);
}

function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } };
}
