/**
 * Tasks whose end was asked for. A KILL may be lost with a connection, an agent or a master: it is
 * repeated, with growing waits, until an update says that the task has ended. The wish is in the
 * record of the task, so a restart does not forget it.
 */
import type { SchedulerCall } from '../../core/api/index.js';
import { isEnded } from '../decisions/index.js';
import { type CoreContext, clearTimer, setTimer } from './core-context.js';
import { KILL_BASE_MS, KILL_MAX_MS } from './limits.js';
import type { StoredTask, TaskLedger } from './task-ledger.js';

export const KILLS_TIMER = 'kills';

const NANOSECONDS_PER_MS = 1_000_000;

interface OpenKill {
  sentMs: number;
  dueMs: number;
  waitMs: number;
}

export class Kills {
  readonly #context: CoreContext;
  readonly #ledger: TaskLedger;
  readonly #send: (message: SchedulerCall) => void;
  readonly #open = new Map<string, OpenKill>();
  #isConnected = false;
  /** When the timer ends; undefined: it is not armed. */
  #armedForMs: number | undefined;

  constructor(context: CoreContext, ledger: TaskLedger, send: (message: SchedulerCall) => void) {
    this.#context = context;
    this.#ledger = ledger;
    this.#send = send;
    for (const task of ledger.live()) if (task.killedAt !== undefined) this.add(task.id);
  }

  /** How many tasks have still to end. */
  get size(): number {
    return this.#open.size;
  }

  /** The first KILL is about to be sent. */
  add(taskId: string): void {
    const sentMs = this.#context.world.clock.elapsed();
    this.#open.set(taskId, { sentMs, dueMs: sentMs + KILL_BASE_MS, waitMs: KILL_BASE_MS });
    this.#arm(sentMs + KILL_BASE_MS);
  }

  /** The task has ended, or nobody knows it any more. */
  ended(taskId: string): void {
    this.#open.delete(taskId);
  }

  /**
   * An update says that the task is still there: it may be so because its agent was away when the KILL came.
   * It is repeated, however long it has come to wait; if it was said a moment ago, as soon as it should have
   * been heeded.
   */
  stillThere(taskId: string): void {
    const kill = this.#open.get(taskId);
    const task = this.#ledger.stored(taskId);
    if (kill === undefined || task === undefined || !this.#isConnected) return;
    const nowMs = this.#context.world.clock.elapsed();
    kill.dueMs = Math.min(kill.dueMs, kill.sentMs + KILL_BASE_MS);
    if (kill.dueMs <= nowMs) this.#repeat(task, kill, nowMs);
    else this.#arm(kill.dueMs);
  }

  /** All of them are asked for again: the master may be a new one. */
  subscribed(): void {
    this.#isConnected = true;
    const nowMs = this.#context.world.clock.elapsed();
    for (const kill of this.#open.values()) kill.dueMs = nowMs;
    this.onTimer();
  }

  disconnected(): void {
    this.#isConnected = false;
    this.#armedForMs = undefined;
    clearTimer(this.#context, KILLS_TIMER);
  }

  onTimer(): void {
    this.#armedForMs = undefined;
    const nowMs = this.#context.world.clock.elapsed();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [taskId, kill] of this.#open) {
      const task = this.#ledger.stored(taskId);
      if (task === undefined || isEnded(task.state)) {
        this.#open.delete(taskId);
        continue;
      }
      if (kill.dueMs <= nowMs) this.#repeat(task, kill, nowMs);
      nextMs = Math.min(nextMs, kill.dueMs);
    }
    if (this.#open.size > 0) this.#arm(nextMs);
  }

  #repeat(task: StoredTask, kill: OpenKill, nowMs: number): void {
    kill.sentMs = nowMs;
    kill.dueMs = nowMs + kill.waitMs;
    kill.waitMs = Math.min(KILL_MAX_MS, kill.waitMs * 2);
    this.#context.counters.count('kills_repeated');
    this.#send(killCall(task));
  }

  #arm(atMs: number): void {
    const isSoonEnough = this.#armedForMs !== undefined && this.#armedForMs <= atMs;
    if (isSoonEnough || !this.#isConnected) return;
    this.#armedForMs = atMs;
    setTimer(this.#context, KILLS_TIMER, atMs - this.#context.world.clock.elapsed());
  }
}

/** The KILL call for a task, with the grace period that was asked for. */
export function killCall(task: StoredTask): SchedulerCall {
  const { id, agentId, killGraceMs } = task;
  const nanoseconds = BigInt(Math.round(killGraceMs ?? 0)) * BigInt(NANOSECONDS_PER_MS);
  return {
    type: 'KILL',
    kill: {
      task_id: { value: id },
      ...(agentId !== '' && { agent_id: { value: agentId } }),
      ...(killGraceMs !== undefined && { kill_policy: { grace_period: { nanoseconds } } }),
    },
  };
}
