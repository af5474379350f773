/** What the engine needs of a framework, without one: a clock, tasks, offers, and decisions carried out at once. */
import type { Offer } from '../../../core/api/index.js';
import { SILENT_LOGGER, SeededRandom, VirtualWorld } from '../../../core/base/index.js';
import {
  JobDocument,
  TemplateDocument,
  type EngineContext,
} from '../../../frameworks/batch/index.js';
import { type Action, actionsOf } from '../../../sdk/decisions/index.js';
import {
  type Decision,
  type Offers,
  type TaskRecord,
  type TaskUpdate,
  type TaskView,
  isEnded,
  offersOf,
} from '../../../sdk/index.js';

export type Fields = Partial<Omit<JobDocument, 'template'>> & {
  readonly template?: Partial<TemplateDocument>;
};

export function documentOf({ template, ...fields }: Fields = {}): JobDocument {
  const inner = Object.assign(new TemplateDocument(), { command: 'true', ...template });
  const whole = fields.steps === undefined ? { template: inner } : {};
  return Object.assign(new JobDocument(), { name: 'job', ...whole, ...fields });
}

export class FakeCluster {
  readonly context: EngineContext;
  readonly tasks = new Map<string, TaskRecord>();
  readonly killed: string[] = [];
  readonly #world: VirtualWorld;
  #nowMs = 1_900_000_000_000;
  readonly #random: SeededRandom;
  #offers = 0;

  constructor(seed: number | string = 1) {
    this.#world = new VirtualWorld({ seed: String(seed) });
    this.#random = new SeededRandom(String(seed));
    const { tasks } = this;
    const live = (name?: string): readonly TaskRecord[] =>
      [...tasks.values()].filter(
        (task) => !isEnded(task.state) && (name === undefined || task.name === name),
      );
    const view: TaskView = {
      get size() {
        return tasks.size;
      },
      get: (id) => tasks.get(id),
      all: (name) => [...tasks.values()].filter((each) => name === undefined || each.name === name),
      live,
      attempts: (name, key) => view.all(name).filter((each) => each.key === key),
    };
    this.context = {
      clock: { now: () => this.#nowMs, elapsed: () => this.#nowMs },
      random: this.#random,
      tasks: view,
      log: SILENT_LOGGER,
    };
  }

  get live(): readonly TaskRecord[] {
    return this.context.tasks.live();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
  }

  /** A task that has not ended, drawn from the seed. */
  anyLive(): TaskRecord | undefined {
    const { live } = this;
    return live.length === 0 ? undefined : live[this.#random.below(live.length)];
  }

  /** One offer of each of two agents. */
  offers(agents: readonly string[] = ['agent-1', 'agent-2'], cpus = 4): Offers {
    const offers = agents.map((agent): Offer => {
      this.#offers++;
      return {
        id: { value: `offer-${this.#offers}` },
        framework_id: { value: 'F' },
        agent_id: { value: agent },
        hostname: agent,
        allocation_info: { role: 'batch' },
        resources: [scalar('cpus', cpus), scalar('mem', 65_536)],
      };
    });
    const { ids } = this.#world;
    const { clock } = this.context;
    return offersOf(offers, { tasks: this.context.tasks, clock, ids, random: this.#random });
  }

  /** Does what a decision asks for, as the runtime would. */
  carryOut(decision: Decision): readonly Action[] {
    const actions = actionsOf(decision);
    for (const action of actions) {
      if (action.kind === 'accept') {
        for (const task of action.tasks) {
          const at = this.nowMs;
          this.tasks.set(task.id, { ...task, state: 'LAUNCHING', launchedAt: at, updatedAt: at });
        }
      } else if (action.kind === 'kill') {
        this.killed.push(action.taskId);
        const task = this.tasks.get(action.taskId);
        if (task !== undefined) this.tasks.set(task.id, { ...task, killedAt: this.nowMs });
      } else if (action.kind === 'forget') {
        for (const id of action.taskIds) this.tasks.delete(id);
      }
    }
    return actions;
  }

  /** The task in another state, and what handlers are told of it. */
  updated(
    task: TaskRecord,
    change: Pick<TaskRecord, 'state'> & Partial<Pick<TaskRecord, 'reason' | 'message'>>,
  ): TaskUpdate {
    const before = this.tasks.get(task.id) ?? task;
    const after: TaskRecord = { ...before, ...change, updatedAt: this.nowMs };
    this.tasks.set(task.id, after);
    return {
      task: after,
      state: after.state,
      previous: before.state,
      status: { task_id: { value: task.id }, state: `TASK_${after.state}` as never },
    };
  }
}

function scalar(name: string, value: number): NonNullable<Offer['resources']>[number] {
  return {
    name,
    type: 'SCALAR',
    scalar: { value },
    allocation_info: { role: 'batch' },
  };
}
