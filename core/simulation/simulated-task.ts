/**
 * A task as a simulated scheduler knows it: what it was told, in order. Refuses what may never be
 * told: states that go back, or anything else after a terminal state.
 */
import {
  type CheckInfo,
  type CheckStatusInfo,
  type HealthCheck,
  type TaskState,
  type TaskStatus,
  isTerminalState,
} from '../api/index.js';
import { assert } from '../base/index.js';

/** What a scheduler wants done: one command that has to come to an end of its own. */
export interface SimulatedJob {
  readonly name: string;
  /** See `programs.ts`. */
  readonly command: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly healthCheck?: HealthCheck;
  readonly check?: CheckInfo;
}

/** One update as the scheduler saw it. */
export interface SeenUpdate {
  readonly timeMs: number;
  readonly taskId: string;
  readonly state: TaskState;
  readonly reason: string | undefined;
  readonly uuid: string | undefined;
  readonly healthy: boolean | undefined;
  readonly checkStatus: CheckStatusInfo | undefined;
}

/** How far along a state is; states that say nothing about it are missing. */
const RANKS: Partial<Record<TaskState, number>> = {
  TASK_STAGING: 0,
  TASK_STARTING: 1,
  TASK_RUNNING: 2,
  TASK_KILLING: 3,
};

/** States in which the task has done what it was for, well or badly. */
const OWN_ENDS: ReadonlySet<TaskState> = new Set([
  'TASK_FINISHED',
  'TASK_FAILED',
  'TASK_KILLED',
  'TASK_ERROR',
]);

/** Updates of one task that are remembered; the older half is forgotten when there are more. */
const MAX_UPDATES = 1_000;

export class SimulatedTask {
  readonly id: string;
  readonly job: SimulatedJob;
  readonly agentId: string;
  readonly updates: SeenUpdate[] = [];
  /** Undefined until the first update. */
  state: TaskState | undefined;
  /** The scheduler kills it to run its job elsewhere: that is no end of its own. */
  isMoving = false;
  readonly #uuids = new Set<string>();
  /** An operator wanted its host empty. */
  #isDrained = false;
  #rank = -1;

  constructor(id: string, job: SimulatedJob, agentId: string) {
    this.id = id;
    this.job = job;
    this.agentId = agentId;
  }

  get isTerminal(): boolean {
    return this.state !== undefined && isTerminalState(this.state);
  }

  /** Whether it ended by itself, and not because something was lost. */
  get hasOwnEnd(): boolean {
    const isMoved = (this.isMoving || this.#isDrained) && this.state === 'TASK_KILLED';
    return this.state !== undefined && OWN_ENDS.has(this.state) && !isMoved;
  }

  /** The master knows nothing of it: another attempt is due, though it may turn up again. */
  get isGivenUp(): boolean {
    return (this.isTerminal && !this.hasOwnEnd) || this.state === 'TASK_UNKNOWN';
  }

  /** Takes an update. @throws PlateauError `ASSERTION` for one that may never come. */
  update(status: TaskStatus, timeMs: number): void {
    const { state, uuid, reason, healthy, check_status: checkStatus } = status;
    const taskId = this.id;
    this.updates.push({ timeMs, taskId, state, reason, uuid, healthy, checkStatus });
    if (this.updates.length > MAX_UPDATES) this.updates.splice(0, MAX_UPDATES / 2);
    // A retried update may arrive after later news: it is no news itself.
    if (uuid !== undefined && this.#uuids.has(uuid)) return;
    if (uuid !== undefined) this.#uuids.add(uuid);
    const history = this.updates.map((update) => `${update.state} ${update.reason ?? ''}`);
    if (this.isTerminal && isAbsence(status)) return;
    if (this.isTerminal) {
      assert(state === this.state, `task ${this.id} changed after its end: ${history.join(', ')}`);
    }
    const rank = RANKS[state];
    if (rank !== undefined) {
      assert(rank >= this.#rank, `task ${this.id} went back: ${history.join(', ')}`);
      this.#rank = rank;
    }
    this.state = state;
    if (reason === 'REASON_AGENT_DRAINING') this.#isDrained = true;
  }
}

/**
 * The answer to a question (a kill, a reconciliation) that crossed the end of the task: the master
 * does not know it any more. No news for who knows the end.
 */
function isAbsence({ state, reason, uuid }: TaskStatus): boolean {
  return uuid === undefined && reason === 'REASON_RECONCILIATION' && ABSENT.has(state);
}

const ABSENT: ReadonlySet<TaskState> = new Set([
  'TASK_UNKNOWN',
  'TASK_GONE',
  'TASK_UNREACHABLE',
  'TASK_GONE_BY_OPERATOR',
]);
