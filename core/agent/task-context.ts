/** What the parts of an agent share that change states of tasks. */
import type { AgentContext } from './context.js';
import type { TaskReports } from './reports.js';

/** The context of the parts that change states of tasks. */
export interface TaskContext extends AgentContext {
  readonly reports: TaskReports;
}
