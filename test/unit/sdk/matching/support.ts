/** Offers, tasks and turns for tests of matching. */
import type { Attribute, Offer, Resource } from '../../../../core/api/index.js';
import { SeededIds, SeededRandom } from '../../../../core/base/index.js';
import {
  NO_TASKS,
  type TaskRecord,
  type TaskSpec,
  type TaskView,
  isEnded,
} from '../../../../sdk/decisions/index.js';
import { type Offers, Turn, offersOf } from '../../../../sdk/matching/index.js';

export const NOW_MS = Date.UTC(2030, 0, 1);
export const ROLE = 'web';

export interface OfferOptions {
  readonly id?: string;
  readonly agent?: string;
  readonly hostname?: string;
  readonly role?: string;
  readonly cpus?: number;
  readonly mem?: number;
  readonly ports?: readonly (readonly [number, number])[];
  /** Further resources; the allocation role is added. */
  readonly more?: readonly Resource[];
  readonly attributes?: Readonly<Record<string, string>>;
  readonly typed?: readonly Attribute[];
  readonly zone?: string;
  readonly executors?: readonly string[];
  readonly unavailable?: { readonly fromMs: number; readonly durationMs?: number };
}

export function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value } };
}

export function reserved(resource: Resource, ...roles: readonly string[]): Resource {
  const reservations = roles.map((role) => ({ type: 'DYNAMIC' as const, role }));
  return { ...resource, reservations };
}

export function portRange(...ranges: readonly (readonly [number, number])[]): Resource {
  const range = ranges.map(([begin, end]) => ({ begin: BigInt(begin), end: BigInt(end) }));
  return { name: 'ports', type: 'RANGES', ranges: { range } };
}

export function offer(name: string, options: OfferOptions = {}): Offer {
  const { role = ROLE, cpus = 4, mem = 1024, ports = [[31_000, 31_999]], more = [] } = options;
  const resources = [scalar('cpus', cpus), scalar('mem', mem), portRange(...ports), ...more];
  const texts = Object.entries(options.attributes ?? {}).map(([key, value]): Attribute => ({
    name: key,
    type: 'TEXT',
    text: { value },
  }));
  const { unavailable, zone } = options;
  return {
    id: { value: options.id ?? `offer-${name}` },
    framework_id: { value: 'framework' },
    agent_id: { value: options.agent ?? `agent-${name}` },
    hostname: options.hostname ?? `host-${name}`,
    allocation_info: { role },
    resources: resources
      .filter(({ scalar: amount }) => amount?.value !== 0)
      .map((one) => ({ ...one, allocation_info: { role } })),
    attributes: [...texts, ...(options.typed ?? [])],
    ...(zone === undefined
      ? {}
      : { domain: { fault_domain: { region: { name: 'eu' }, zone: { name: zone } } } }),
    ...(options.executors === undefined
      ? {}
      : { executor_ids: options.executors.map((value) => ({ value })) }),
    ...(unavailable === undefined
      ? {}
      : {
          unavailability: {
            start: { nanoseconds: BigInt(unavailable.fromMs) * 1_000_000n },
            ...(unavailable.durationMs === undefined
              ? {}
              : { duration: { nanoseconds: BigInt(unavailable.durationMs) * 1_000_000n } }),
          },
        }),
  };
}

let launched = 0;

export function record(fields: Partial<TaskRecord> & { readonly id: string }): TaskRecord {
  launched++;
  const hostname = fields.hostname ?? 'host-x';
  return {
    name: 'web',
    role: ROLE,
    agentId: 'agent-x',
    attributes: { '@hostname': hostname },
    cpus: 1,
    memMiB: 32,
    ports: [],
    state: 'RUNNING',
    launchedAt: NOW_MS - 1_000_000 + launched,
    updatedAt: NOW_MS - 500_000,
    ...fields,
    hostname,
  };
}

/** A view of records that do not change. */
export function viewOfTasks(records: readonly TaskRecord[]): TaskView {
  const named = (name: string | undefined): readonly TaskRecord[] =>
    name === undefined ? records : records.filter((one) => one.name === name);
  return {
    size: records.length,
    get: (id) => records.find((one) => one.id === id),
    all: named,
    live: (name) => named(name).filter(({ state }) => !isEnded(state)),
    attempts: (name, key) => named(name).filter((one) => one.key === key),
  };
}

export interface TurnFacts {
  readonly tasks?: readonly TaskRecord[];
  readonly seed?: string;
  readonly nowMs?: number;
}

function worldOf({ tasks, seed = 'seed', nowMs = NOW_MS }: TurnFacts) {
  const random = new SeededRandom(seed);
  return {
    tasks: tasks === undefined ? NO_TASKS : viewOfTasks(tasks),
    clock: { now: () => nowMs },
    random,
    ids: new SeededIds(random.fork('ids')),
  };
}

export function offersFor(offers: readonly Offer[], facts: TurnFacts = {}): Offers {
  return offersOf(offers, worldOf(facts));
}

export function turnFor(offers: readonly Offer[], facts: TurnFacts = {}): Turn {
  return new Turn(offers, worldOf(facts));
}

export const WEB: TaskSpec = { name: 'web', cpus: 1, memMiB: 128, command: 'sleep 1000' };
