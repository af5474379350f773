/**
 * Revocation: when a role's guarantee cannot be met because others hold more than theirs, they have to
 * give back. Off unless an operator asks for it: Mesos takes offers back when a quota is set, and
 * never anything from a running task.
 *
 * Offers are rescinded at once: no work is lost. Tasks are asked to end only when the next look finds
 * that this did not suffice, and then in their own time: with the grace period of their kill policy.
 */
import { isTerminalState } from '../api/index.js';
import type { RevocableTasks } from './config.js';
import type { MasterContext } from './context.js';
import type { TaskRecord } from './framework.js';
import { revokeTask } from './kill.js';
import { rescindForGuarantees } from './quota-rescind.js';
import { type RevocationPlan, planRevocation } from './revocation-plan.js';

/** Time between two looks: at the default interval of allocation two batches fit between them. */
export const REVOCATION_INTERVAL_MS = 2_500;

/** Looks, each time it is told to, whether anybody has to give back anything. */
export class Revocation {
  readonly #context: MasterContext;
  readonly #tasks: RevocableTasks;
  /** Tasks that were asked to end and have not. */
  readonly #ending = new Set<TaskRecord>();
  /** Whether something was missing when it last looked. */
  #wasMissing = false;

  constructor(context: MasterContext, tasks: RevocableTasks) {
    this.#context = context;
    this.#tasks = tasks;
  }

  look(): void {
    const { cluster } = this.#context;
    this.#forgetEnded();
    const plan = planRevocation({ cluster, tasks: this.#tasks, ending: this.#ending });
    if (plan !== undefined) rescindForGuarantees(this.#context);
    if (plan !== undefined && this.#wasMissing) this.#end(plan);
    this.#wasMissing = plan !== undefined;
  }

  #forgetEnded(): void {
    const { frameworks } = this.#context.cluster;
    for (const task of this.#ending) {
      const isKnown = frameworks.get(task.frameworkId)?.tasks.get(task.taskId) === task;
      if (!isKnown || task.isReleased || isTerminalState(task.message.state)) {
        this.#ending.delete(task);
      }
    }
  }

  #end({ roles, missing, tasks }: RevocationPlan): void {
    const { log } = this.#context;
    const shown = Object.fromEntries([...missing].map(([name, amount]) => [name, amount / 1000]));
    log.warn('guarantees are not met', { roles, missing: shown, tasksAskedToEnd: tasks.length });
    for (const task of tasks) {
      this.#ending.add(task);
      log.info('asking a task to end', { framework: task.frameworkId, task: task.taskId, roles });
      revokeTask(this.#context, task, roles);
    }
  }
}
