/**
 * What an agent offers when nothing, or not everything, is stated: most of the machine, with some
 * left for the system itself. The figures are those of Mesos.
 */
import type { Resource } from '../api/index.js';
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
 * @throws PlateauError `INVALID_RESOURCES` when what was stated is not well-formed.
 */
export function defaultResources(
  facts: HostFacts,
  { stated = [], defaultRole = DEFAULT_ROLE }: DefaultResourcesOptions = {},
): Resources {
  const statedNames = new Set(stated.map(({ name }) => name));
  const defaults = hostResources(facts).filter(({ name }) => !statedNames.has(name));
  const reservation = reservedFor(defaultRole);
  return Resources.fromWire([
    ...stated,
    ...defaults.map((resource) => ({ ...resource, ...reservation })),
  ]);
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
