/** An allocator without a master, as the benchmarks of Mesos drive theirs: what it gives out is only kept. */
import type { FrameworkInfo, FrameworkInfoCapabilityType, Resource } from '../../core/api/index.js';
import {
  type Allocation,
  type AllocatorConfig,
  DEFAULT_ALLOCATOR_CONFIG,
  HierarchicalAllocator,
} from '../../core/allocator/index.js';
import { type AgentId, type FrameworkId, VirtualWorld, id } from '../../core/base/index.js';
import { Resources } from '../../core/resources/index.js';
import { timed } from './bench.js';

const AGENT_CAPABILITIES = [
  { type: 'MULTI_ROLE' },
  { type: 'HIERARCHICAL_ROLE' },
  { type: 'RESERVATION_REFINEMENT' },
] as const;

export interface RigAgent {
  readonly total: Resources;
  /** What frameworks use of it already, by number of the framework; bound to their roles. */
  readonly used?: readonly (readonly [framework: number, resources: Resources])[];
}

export class Rig {
  readonly world = new VirtualWorld();
  readonly frameworks: FrameworkId[] = [];
  readonly agents: AgentId[] = [];
  /** What was given out and not recovered. */
  outstanding: Allocation[] = [];
  readonly allocator: HierarchicalAllocator;

  constructor(config: Partial<AllocatorConfig> = {}) {
    this.allocator = new HierarchicalAllocator({
      world: this.world,
      config: { ...DEFAULT_ALLOCATOR_CONFIG, ...config },
      onAllocations: (allocations) => {
        for (const allocation of allocations) this.outstanding.push(allocation);
      },
    });
  }

  addFramework(role: string, capabilities: readonly FrameworkInfoCapabilityType[] = []): void {
    const name = `framework-${this.frameworks.length}`;
    const info: FrameworkInfo = {
      user: 'nobody',
      name,
      roles: [role],
      capabilities: (['MULTI_ROLE', ...capabilities] as const).map((type) => ({ type })),
    };
    const frameworkId = id<'FrameworkId'>(name);
    this.frameworks.push(frameworkId);
    this.allocator.addFramework(
      frameworkId,
      { info, suppressedRoles: [], active: true },
      new Map(),
    );
  }

  addAgent({ total, used = [] }: RigAgent): void {
    const name = `agent-${this.agents.length}`;
    const agentId = id<'AgentId'>(name);
    this.agents.push(agentId);
    const state = { info: { hostname: name }, capabilities: AGENT_CAPABILITIES, total };
    const held = used.flatMap(([number, resources]) => {
      const frameworkId = this.frameworks[number];
      return frameworkId === undefined ? [] : [[frameworkId, resources] as const];
    });
    this.allocator.addAgent(agentId, state, new Map(held));
  }

  /** Milliseconds of a run over all agents. */
  run(): number {
    return timed(() => this.allocator.runNow());
  }

  /** Gives back the last `count` of what was given out, or all. */
  recover(count = this.outstanding.length, refuseSeconds?: number): void {
    const filters = refuseSeconds === undefined ? undefined : { refuse_seconds: refuseSeconds };
    for (const { frameworkId, agentId, resources } of this.outstanding.splice(-count, count)) {
      this.allocator.recoverResources(frameworkId, agentId, resources, filters, 'batch');
    }
  }

  /** Takes away every reason for not looking at an agent again. */
  unsettle(): void {
    this.allocator.updateWhitelist(undefined);
  }

  dispose(): void {
    this.allocator.dispose();
  }
}

/** Resources from amounts by name; each agent gets its own, as if read from its own message. */
export function amounts(scalars: Readonly<Record<string, number>>, ports?: string): Resources {
  const list: Resource[] = Object.entries(scalars).map(([name, value]) => ({
    name,
    type: 'SCALAR',
    scalar: { value },
  }));
  if (ports !== undefined) list.push(portsOf(ports));
  return Resources.fromWire(list);
}

/** Ports from a text such as `31000-31010,31020-31030`. */
export function portsOf(text: string): Resource {
  const range = text.split(',').map((part) => {
    const [begin = '0', end = begin] = part.split('-');
    return { begin: BigInt(begin), end: BigInt(end) };
  });
  return { name: 'ports', type: 'RANGES', ranges: { range } };
}

/** The ports from 31000 to 32000, a part of them cut into so many pieces with gaps between them. */
export function fragmentedPorts(pieces: number): string {
  const step = Math.floor(1000 / pieces);
  return Array.from({ length: pieces }, (_, piece) => {
    const begin = 31_000 + piece * step;
    return `${begin}-${begin + step - 2}`;
  }).join(',');
}
