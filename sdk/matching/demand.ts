/** What a task takes of an offer, read once from its description. Amounts are integer thousandths. */
import type { ExecutorInfo } from '../../core/api/index.js';
import {
  RangesItem,
  type ResourceItem,
  Resources,
  ScalarItem,
} from '../../core/resources/index.js';
import type { PortSpec, TaskSpec } from '../decisions/index.js';

/** Some of one scalar. */
export interface ScalarDemand {
  readonly name: string;
  readonly amount: number;
  /** Whether an executor that comes along has some of it, and so tells the kind: the kernel mixes no kinds. */
  readonly kindOfExecutor: 'firm' | 'revocable' | undefined;
}

/** An executor of the framework's own, with what it holds itself. */
export interface ExecutorDemand {
  readonly id: string;
  readonly items: readonly ResourceItem[];
}

export interface Demand {
  /** Cpus first, then memory, then the others that are wanted. */
  readonly scalars: readonly ScalarDemand[];
  readonly cpus: number;
  readonly memory: number;
  /** Ports by number, and how many of any number. */
  readonly fixedPorts: readonly number[];
  readonly anyPorts: number;
  readonly portsOfExecutor: 'firm' | 'revocable' | undefined;
  readonly portSpecs: readonly PortSpec[];
  readonly revocable: boolean;
  readonly executor: ExecutorDemand | undefined;
  /** Nothing but firm cpus and memory. */
  readonly isPlain: boolean;
  /** No cpus, or no memory. */
  readonly isPartial: boolean;
}

/** Reads the demand of a description that is valid. */
export function demandOf(spec: TaskSpec): Demand {
  const executor = spec.executor === undefined ? undefined : executorDemand(spec.executor);
  const portSpecs = portSpecsOf(spec);
  const fixedPorts = portSpecs.flatMap(({ port }) => (port === undefined ? [] : [port]));
  const kindOf = (name: string): 'firm' | 'revocable' | undefined => {
    const item = executor?.items.find((one) => one.name === name);
    if (item === undefined) return undefined;
    return item.revocable ? 'revocable' : 'firm';
  };
  const scalars = amountsOf(spec).map(([name, amount]) => ({
    name,
    amount: Math.round(amount * 1000),
    kindOfExecutor: kindOf(name),
  }));
  const revocable = spec.revocable === true;
  return {
    scalars,
    cpus: Math.round(spec.cpus * 1000),
    memory: Math.round(spec.memMiB * 1000),
    fixedPorts,
    anyPorts: portSpecs.length - fixedPorts.length,
    portsOfExecutor: kindOf('ports'),
    portSpecs,
    revocable,
    executor,
    isPartial: spec.cpus === 0 || spec.memMiB === 0,
    isPlain: !revocable && executor === undefined && scalars.length === 2 && portSpecs.length === 0,
  };
}

/** Cpus and memory always, others only when some is wanted. */
function amountsOf(spec: TaskSpec): readonly (readonly [string, number])[] {
  const { diskMiB = 0, gpus = 0, scalars = {} } = spec;
  const others = [['disk', diskMiB] as const, ['gpus', gpus] as const, ...Object.entries(scalars)];
  return [['cpus', spec.cpus], ['mem', spec.memMiB], ...others.filter(([, amount]) => amount > 0)];
}

/** The ports of a description, one entry each. */
export function portSpecsOf({ ports = 0 }: TaskSpec): readonly PortSpec[] {
  if (typeof ports === 'number') return Array.from({ length: ports }, () => ({}));
  return ports.map((port) => (typeof port === 'number' ? { port } : port));
}

function executorDemand(executor: ExecutorInfo): ExecutorDemand {
  const { items } = Resources.fromWire(executor.resources ?? []);
  const isKnown = (item: ResourceItem): boolean =>
    item instanceof ScalarItem || item instanceof RangesItem;
  return { id: executor.executor_id.value, items: items.filter(isKnown) };
}
