/**
 * What must hold in every run, whatever fails: checked while it goes on (`MasterChecks`,
 * `HostChecks`) and when all is healed and quiet (`checkConvergence`). Each names what it found.
 */
import { isTerminalState } from '../api/index.js';
import { PlateauError, assert, id } from '../base/index.js';
import type { Master } from '../master/index.js';
import { Resources } from '../resources/index.js';
import type { SimulatedAgent } from './simulated-agent.js';
import type { SimulatedScheduler } from './simulated-scheduler.js';
import type { SimulatedTask } from './simulated-task.js';

/** The agent counts this for the executor that stands for a command task, beside the task. */
const EXECUTOR_CPUS = 0.1;

/**
 * Checks the books of a master. Each agent is looked at when what is offered or used on it has
 * changed since the last time: all that is compared there is immutable and replaced on a change.
 */
export class MasterChecks {
  readonly #seen = new WeakMap<MasterAgent, readonly unknown[]>();

  /**
   * No double allocation, and the books are right: on each agent the sums of offers and of what
   * tasks and executors hold are those that the master keeps, together no more than the agent has;
   * nothing is offered of an agent that is disconnected or deactivated.
   * @throws PlateauError `ASSERTION`.
   */
  check(master: Master, which: 'changed' | 'all'): void {
    for (const agent of master.cluster.agents.values()) {
      const now = [agent.offered, agent.usedTotal, agent.total, agent.offers.size, agent.isActive];
      const before = which === 'all' ? undefined : this.#seen.get(agent);
      if (before !== undefined && now.every((value, index) => value === before[index])) continue;
      this.#seen.set(agent, now);
      checkAgent(master, agent);
    }
  }
}

function checkAgent(master: Master, agent: MasterAgent): void {
  let offered = Resources.EMPTY;
  for (const offer of agent.offers.values()) {
    offered = offered.plus(offer.resources.unallocated());
    must(master.cluster.offers.get(offer.id) === offer, () => `offer ${offer.id} is half gone`);
  }
  must(
    agent.isActive || agent.offers.size === 0,
    () => `${agent.id} is offered, and is disconnected or deactivated`,
  );
  const used = usedOn(agent);
  must(
    offered.equals(agent.offered),
    () => `${agent.id}: its offers are ${offered.toString()}, not ${agent.offered.toString()}`,
  );
  must(
    used.equals(agent.usedTotal),
    () => `${agent.id}: its tasks hold ${used.toString()}, not ${agent.usedTotal.toString()}`,
  );
  const promised = offered.plus(used);
  must(
    agent.isOvercommitted || agent.total.contains(promised),
    () => `${agent.id}: ${promised.toString()} is promised of ${agent.total.toString()}`,
  );
}

/** Like `assert`, for checks that run before every event: the text is made when it is needed. */
function must(condition: boolean, describe: () => string): void {
  if (!condition) throw new PlateauError('ASSERTION', describe());
}

type MasterAgent =
  Master['cluster']['agents'] extends ReadonlyMap<unknown, infer Each> ? Each : never;

function usedOn(agent: MasterAgent): Resources {
  let used = Resources.EMPTY;
  for (const tasks of agent.tasks.values()) {
    for (const task of tasks.values()) {
      const isOver = isTerminalState(task.message.state);
      must(
        isOver === task.isReleased,
        () => `task ${task.taskId} is ${task.message.state}: its resources are in the wrong books`,
      );
      if (!isOver) used = used.plus(task.resources.unallocated());
    }
  }
  for (const executors of agent.executors.values()) {
    for (const executor of executors.values()) used = used.plus(executor.resources.unallocated());
  }
  return used;
}

/** Checks the truth on the hosts. Each host is looked at when something started or ended on it. */
export class HostChecks {
  readonly #changes = new Map<SimulatedAgent, number>();
  /** The host on which each task was started. */
  readonly #startedOn = new Map<string, SimulatedAgent>();

  /**
   * No task was ever started twice, on one host or on several, and what runs on a host is no more
   * than the host has. What a removed framework left behind is not counted: its resources are free
   * from the moment of its removal, and its tasks end a little later (so does Mesos).
   * @throws PlateauError `ASSERTION`.
   */
  check(agents: readonly SimulatedAgent[], removedFrameworks: ReadonlySet<string>): void {
    for (const agent of agents) {
      if (this.#changes.get(agent) === agent.host.changes) continue;
      this.#changes.set(agent, agent.host.changes);
      this.#checkStarts(agent);
      checkRunning(agent, removedFrameworks);
    }
  }

  #checkStarts(agent: SimulatedAgent): void {
    for (const [task, count] of agent.host.starts) {
      must(count === 1, () => `task ${task} was started ${count} times on ${agent.name}`);
      const other = this.#startedOn.get(task) ?? agent;
      must(other === agent, () => `task ${task} was started on ${other.name} and ${agent.name}`);
      this.#startedOn.set(task, agent);
    }
  }
}

function checkRunning(agent: SimulatedAgent, removedFrameworks: ReadonlySet<string>): void {
  let cpus = 0;
  for (const container of agent.host.containers.values()) {
    const isLeftBehind = removedFrameworks.has(container.task.split('/')[0] ?? '');
    if (container.end === undefined && !isLeftBehind) cpus += container.cpus - EXECUTOR_CPUS;
  }
  must(
    cpus <= agent.totalCpus + 1e-6,
    () => `${agent.name} runs ${cpus} cpus of ${agent.totalCpus}`,
  );
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
  for (const { host, agent } of agents) {
    const registered = agent?.agentId && master.cluster.agents.get(agent.agentId);
    must(
      agent !== undefined && registered?.total.equals(agent.totalResources) === true,
      () =>
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
    const end = agents.map(({ host }) => host.ends.get(name)).find((each) => each !== undefined);
    const isSuccess = end?.kind === 'exited' && end.code === 0;
    const text = `task ${task.id} is ${String(task.state)}, its end was ${JSON.stringify(end)}`;
    if (task.state === 'TASK_FINISHED') assert(isSuccess, text);
    if (end !== undefined) assert(task.isTerminal, text);
  }
}
