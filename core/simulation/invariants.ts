/**
 * What must hold in every run, whatever fails: checked while it goes on (`MasterChecks`,
 * `HostChecks`) and when all is healed and quiet (`checkConvergence`). Each names what it found.
 */
import { isTerminalState } from '../api/index.js';
import { PlateauError, assert, id } from '../base/index.js';
import type { Master } from '../master/index.js';
import { BoundedMap } from './bounded-map.js';
import { Resources } from '../resources/index.js';
import type { HostOwner } from './fake-host.js';
import type { SimulatedAgent } from './simulated-agent.js';
import type { SimulatedScheduler } from './simulated-scheduler.js';
import type { SimulatedTask } from './simulated-task.js';

/** The agent counts this for the executor that stands for a command task, beside the task. */
const EXECUTOR_CPUS = 0.1;

/** Agents of a master that are looked at in turn at one time, so that each time costs the same. */
const AGENTS_AT_A_TIME = 8;

/**
 * Checks the books of a master: no double allocation, and the books are right. On each agent the sums
 * of offers and of what tasks and executors hold are those that the master keeps, together no more
 * than the agent has; nothing is offered of an agent that is disconnected or deactivated.
 *
 * An agent is looked at when what is offered or used on it has changed since the last time: all that is
 * compared is immutable and replaced on a change. All methods throw PlateauError `ASSERTION`.
 */
export class MasterChecks {
  readonly #seen = new WeakMap<MasterAgent, SeenAgent>();
  readonly #beforeEvent = new AgentsInTurn();
  readonly #afterStep = new AgentsInTurn();
  #version = -1;
  /** Agents that may have changed since they were looked at. */
  #left = 0;

  /**
   * Before an event: looks at the next agents in turn, if anything has changed at all. In a small
   * cluster these are all of them.
   */
  checkSome(master: Master): void {
    const { agents, version } = master.cluster;
    if (this.#version !== version) {
      this.#version = version;
      this.#left = agents.size;
    }
    for (let count = 0; count < AGENTS_AT_A_TIME && this.#left > 0; count++) {
      this.#left -= 1;
      const agent = this.#beforeEvent.next(master);
      if (agent !== undefined) this.#checkIfChanged(master, agent);
    }
  }

  /** After a step of time: looks at all agents, and at some whether they have changed or not. */
  checkStep(master: Master): void {
    for (const agent of master.cluster.agents.values()) this.#checkIfChanged(master, agent);
    for (let count = 0; count < AGENTS_AT_A_TIME; count++) {
      const agent = this.#afterStep.next(master);
      if (agent !== undefined) checkAgent(master, agent);
    }
  }

  /** Looks at all agents, whether they have changed or not. */
  checkAll(master: Master): void {
    for (const agent of master.cluster.agents.values()) checkAgent(master, agent);
  }

  #checkIfChanged(master: Master, agent: MasterAgent): void {
    const seen = this.#seen.get(agent);
    if (seen === undefined) {
      this.#seen.set(agent, checkAgent(master, agent));
    } else if (!isAsSeen(agent, seen)) {
      checkChanged(master, agent, seen);
    }
  }
}

/** The agents of a master one after the other, after the last one the first again. */
class AgentsInTurn {
  #master: Master | undefined;
  #agents: Iterator<MasterAgent> | undefined;

  next(master: Master): MasterAgent | undefined {
    const next = this.#master === master ? this.#agents?.next() : undefined;
    if (next !== undefined && next.done !== true) return next.value;
    this.#master = master;
    this.#agents = master.cluster.agents.values();
    return this.#agents.next().value;
  }
}

/** What an agent was when it was looked at. */
interface SeenAgent {
  offered: Resources;
  usedTotal: Resources;
  total: Resources;
  offers: MasterAgent['offers'];
  isActive: boolean;
  /** What could be offered beside what was used then. */
  fitting: Resources;
}

function isAsSeen(agent: MasterAgent, seen: SeenAgent): boolean {
  return (
    agent.offered === seen.offered &&
    agent.usedTotal === seen.usedTotal &&
    agent.total === seen.total &&
    agent.offers === seen.offers &&
    agent.isActive === seen.isActive
  );
}

/** Looks at all of an agent. */
function checkAgent(master: Master, agent: MasterAgent): SeenAgent {
  const { offered, usedTotal, total, offers, isActive } = agent;
  const promised = checkOffered(master, agent);
  checkUsed(agent);
  checkFits(agent, promised);
  return { offered, usedTotal, total, offers, isActive, fitting: promised };
}

/** Looks at what has changed since an agent was looked at. Most often it is what is offered, and as much as before. */
function checkChanged(master: Master, agent: MasterAgent, seen: SeenAgent): void {
  const { offered, usedTotal, total, offers, isActive } = agent;
  const promised = checkOffered(master, agent);
  const isUsedAsBefore = usedTotal === seen.usedTotal;
  if (!isUsedAsBefore) checkUsed(agent);
  const isRoomAsBefore = isUsedAsBefore && total === seen.total;
  if (!isRoomAsBefore || !(promised.isEmpty || promised.equals(seen.fitting))) {
    checkFits(agent, promised);
    seen.fitting = promised;
  }
  seen.offered = offered;
  seen.usedTotal = usedTotal;
  seen.total = total;
  seen.offers = offers;
  seen.isActive = isActive;
}

/** Returns what the offers of an agent come to. */
function checkOffered(master: Master, agent: MasterAgent): Resources {
  let offered = Resources.EMPTY;
  for (const offer of agent.offers) {
    offered = offered.plus(offer.resources.unallocated());
    const framework = master.cluster.frameworks.get(offer.frameworkId);
    if (framework?.offers.get(offer.id) !== offer) violated(`offer ${offer.id} is half gone`);
  }
  if (!agent.isActive && agent.offers.length > 0) {
    violated(`${agent.id} is offered, and is disconnected or deactivated`);
  }
  if (!offered.equals(agent.offered)) {
    violated(`${agent.id}: its offers are ${offered.toString()}, not ${agent.offered.toString()}`);
  }
  return offered;
}

function checkUsed(agent: MasterAgent): void {
  const used = usedOn(agent);
  if (used.equals(agent.usedTotal)) return;
  violated(`${agent.id}: its tasks hold ${used.toString()}, not ${agent.usedTotal.toString()}`);
}

function checkFits(agent: MasterAgent, offered: Resources): void {
  if (agent.isOvercommitted) return;
  const promised = offered.plus(agent.usedTotal);
  if (agent.total.contains(promised)) return;
  violated(`${agent.id}: ${promised.toString()} is promised of ${agent.total.toString()}`);
}

/** For checks that run before every event: the text is made when it is needed. */
function violated(text: string): never {
  throw new PlateauError('ASSERTION', text);
}

type MasterAgent =
  Master['cluster']['agents'] extends ReadonlyMap<unknown, infer Each> ? Each : never;

function usedOn(agent: MasterAgent): Resources {
  let used = Resources.EMPTY;
  for (const tasks of agent.tasks.values()) {
    for (const task of tasks.values()) {
      const isOver = isTerminalState(task.message.state);
      if (isOver !== task.isReleased) {
        violated(
          `task ${task.taskId} is ${task.message.state}: its resources are in the wrong books`,
        );
      }
      if (!isOver) used = used.plus(task.resources.unallocated());
    }
  }
  for (const executors of agent.executors.values()) {
    for (const executor of executors.values()) used = used.plus(executor.resources.unallocated());
  }
  return used;
}

/** Tasks of which it is remembered where they were started; the oldest are forgotten. */
export const MAX_REMEMBERED_STARTS = 200_000;

/** Checks the truth on the hosts. All methods throw PlateauError `ASSERTION`. */
export class HostChecks {
  readonly #changed = new Set<HostOwner>();
  /** The host on which each task was started. */
  readonly #startedOn = new BoundedMap<string, HostOwner>(MAX_REMEMBERED_STARTS);

  /** A task was started on a host: none ever is twice, on one host or on several. */
  noteStart(agent: HostOwner, task: string): void {
    const other = this.#startedOn.get(task);
    if (other === agent) violated(`task ${task} was started 2 times on ${agent.name}`);
    if (other !== undefined) {
      violated(`task ${task} was started on ${other.name} and ${agent.name}`);
    }
    this.#startedOn.set(task, agent);
    this.noteChange(agent);
  }

  /** Something started or ended on a host, which is to be looked at. */
  noteChange(agent: HostOwner): void {
    this.#changed.add(agent);
  }

  /**
   * What runs on a host is no more than the host has. What a removed framework left behind is not
   * counted: its resources are free from the moment of its removal, and its tasks end a little later
   * (so does Mesos).
   */
  check(isRemoved: (frameworkId: string) => boolean): void {
    if (this.#changed.size === 0) return;
    for (const agent of this.#changed) checkRunning(agent, isRemoved);
    this.#changed.clear();
  }
}

function checkRunning(agent: HostOwner, isRemoved: (frameworkId: string) => boolean): void {
  let cpus = 0;
  for (const container of agent.host.containers.values()) {
    if (container.end !== undefined) continue;
    if (!isRemoved(container.task.split('/')[0] ?? '')) cpus += container.cpus - EXECUTOR_CPUS;
  }
  if (cpus <= agent.totalCpus + 1e-6) return;
  violated(`${agent.name} runs ${cpus} cpus of ${agent.totalCpus}`);
}

/**
 * When all is healed and quiet: the hosts, the master and the schedulers agree on what runs; every
 * end that happened was told, and told truly.
 * @throws PlateauError `ASSERTION`.
 */
export function checkConvergence(
  master: Master,
  agents: readonly SimulatedAgent[],
  schedulers: readonly SimulatedScheduler[],
): void {
  const running = new Set<string>();
  for (const { host, agent, isLost } of agents) {
    if (isLost) continue;
    const registered = agent?.agentId && master.cluster.agents.get(agent.agentId);
    assert(
      agent !== undefined && registered?.total.equals(agent.totalResources) === true,
      `${host.bootId} has ${String(agent?.totalResources)}, for the master it has ` +
        String(registered?.total),
    );
    for (const container of host.containers.values()) {
      if (container.end === undefined) running.add(container.task);
    }
  }
  for (const task of running) checkOwned(master, task);
  for (const scheduler of schedulers) {
    const frameworkId = scheduler.frameworkId;
    if (frameworkId === undefined || !scheduler.isSubscribed) continue;
    checkViews(scheduler, { master, frameworkId, running });
    checkEnds(scheduler, frameworkId, agents);
  }
}

/** Nothing runs that nobody answers for, as what a removed framework left behind. */
function checkOwned(master: Master, task: string): void {
  const [frameworkId = '', taskId = ''] = task.split('/');
  const framework = master.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  assert(framework?.tasks.has(id<'TaskId'>(taskId)), `task ${task} runs, unknown to the master`);
}

function checkViews(
  scheduler: SimulatedScheduler,
  truth: {
    readonly master: Master;
    readonly frameworkId: string;
    readonly running: ReadonlySet<string>;
  },
): void {
  const { master, frameworkId, running } = truth;
  const framework = master.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  assert(framework, `the master does not know framework ${frameworkId}`);
  for (const task of scheduler.tasks.values()) {
    const state = framework.tasks.get(id<'TaskId'>(task.id))?.message.state;
    const views = `scheduler ${task.state ?? 'nothing'}, master ${state ?? 'nothing'}`;
    const runs = running.has(`${frameworkId}/${task.id}`);
    const isOpen = !task.isTerminal && !isLost(master, task);
    const isOpenAtMaster = state !== undefined && !isTerminalState(state);
    assert(isOpen === isOpenAtMaster, `task ${task.id}: the views differ: ${views}`);
    assert(isOpen === runs, `task ${task.id} ${runs ? 'runs' : 'does not run'}: ${views}`);
    if (isOpen) assert(task.state === state, `task ${task.id}: the states differ: ${views}`);
  }
}

/**
 * Whether the task was given to an agent that will never come back under its id: it had not learned
 * of its registration when the master gave it up, and has registered anew since.
 */
function isLost(master: Master, task: SimulatedTask): boolean {
  const { unreachableAgents } = master.cluster;
  return task.state === 'TASK_UNREACHABLE' && unreachableAgents.has(id<'AgentId'>(task.agentId));
}

/** A task that ended well has exited with 0, and one that has exited with 0 ended well. */
function checkEnds(
  scheduler: SimulatedScheduler,
  frameworkId: string,
  agents: readonly SimulatedAgent[],
): void {
  for (const task of scheduler.tasks.values()) {
    const name = `${frameworkId}/${task.id}`;
    const host = agents.find((agent) => agent.host.ends.has(name));
    const end = host?.host.ends.get(name);
    const isSuccess = end?.kind === 'exited' && end.code === 0;
    const text = `task ${task.id} is ${String(task.state)}, its end was ${JSON.stringify(end)}`;
    if (task.state === 'TASK_FINISHED') assert(isSuccess, text);
    // Of what ended on a lost host nobody may have been told.
    if (end !== undefined && host?.isLost === false) assert(task.isTerminal, text);
  }
}
