/**
 * Offers and tasks made by hand: what a handler is given in a unit test, without any cluster. Equal
 * arguments give equal offers, and equal placements.
 */
import type { Offer } from '../../core/api/index.js';
import { SeededIds, SeededRandom } from '../../core/base/index.js';
import { parseAttributes, parseResourceList } from '../../core/resources/index.js';
import { type TaskRecord, type TaskView, isEnded } from '../decisions/index.js';
import { type Offers, offersOf } from '../matching/index.js';

/** What one agent offers. */
export interface OfferedAgent {
  /** As in the flag of an agent, such as `cpus:4;mem:1024;ports:[31000-31009]`. */
  readonly resources: string;
  /** As in the flag of an agent, such as `rack:r1;disk:ssd`. */
  readonly attributes?: string;
  /** Default `agent-0`, `agent-1`, … */
  readonly hostname?: string;
  /** Role for which it is offered. Default `*`. */
  readonly role?: string;
}

/** A task that the framework has; what is left out has values that do not matter. */
export type GivenTask = Partial<TaskRecord> & Pick<TaskRecord, 'name'>;

export interface OffersForOptions {
  /** The tasks of the framework so far, running ones unless they say otherwise. Default none. */
  readonly tasks?: readonly GivenTask[];
  /** Wall time in milliseconds since 1970. Default 0. */
  readonly nowMs?: number;
  readonly seed?: string;
}

/**
 * Offers of these agents, one each.
 * @throws PlateauError `INVALID_RESOURCES` when a text cannot be read.
 */
export function offersFor(
  agents: readonly (string | OfferedAgent)[],
  { tasks = [], nowMs = 0, seed = 'offers' }: OffersForOptions = {},
): Offers {
  const random = new SeededRandom(seed);
  return offersOf(
    agents.map((agent, index) => offerOf(agent, index)),
    { tasks: taskView(tasks), clock: { now: () => nowMs }, random, ids: new SeededIds(random) },
  );
}

/** The view of some tasks, as `context.tasks` has it. */
export function taskView(given: readonly GivenTask[]): TaskView {
  const tasks = given.map((task, index) => recordOf(task, index));
  const named = (name: string | undefined): readonly TaskRecord[] =>
    tasks.filter((task) => name === undefined || task.name === name);
  return {
    size: tasks.length,
    get: (id) => tasks.find((task) => task.id === id),
    all: named,
    live: (name) => named(name).filter(({ state }) => !isEnded(state)),
    attempts: (name, key) => named(name).filter((task) => task.key === key),
  };
}

function recordOf(task: GivenTask, index: number): TaskRecord {
  return {
    id: `${task.name}-${index}`,
    role: '*',
    agentId: `A${index}`,
    hostname: `agent-${index}`,
    attributes: {},
    cpus: 0,
    memMiB: 0,
    ports: [],
    state: 'RUNNING',
    launchedAt: 0,
    updatedAt: 0,
    ...task,
  };
}

function offerOf(agent: string | OfferedAgent, index: number): Offer {
  const given = typeof agent === 'string' ? { resources: agent } : agent;
  const { resources, attributes, hostname = `agent-${index}`, role = '*' } = given;
  return {
    id: { value: `O${index}` },
    framework_id: { value: 'F' },
    agent_id: { value: `A${index}` },
    hostname,
    allocation_info: { role },
    resources: parseResourceList(resources).map((one) => ({ ...one, allocation_info: { role } })),
    ...(attributes === undefined ? {} : { attributes: parseAttributes(attributes) }),
  };
}
