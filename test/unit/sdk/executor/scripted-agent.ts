/**
 * An agent in memory, on the virtual time of the test: it takes subscriptions while it is up, acknowledges
 * updates unless told otherwise, and remembers what it heard.
 */
import type {
  ExecutorCall,
  ExecutorEvent,
  FrameworkInfoCapabilityType,
  TaskInfo,
  TaskState,
  TaskStatus,
} from '../../../../core/api/index.js';
import { PlateauError, VirtualWorld } from '../../../../core/base/index.js';
import {
  type AgentLink,
  type AgentSession,
  type AgentSessionHandlers,
  type Environment,
  type ExecutorEnd,
  runExecutor,
} from '../../../../sdk/executor/index.js';

export const ENVIRONMENT: Environment = {
  MESOS_AGENT_ENDPOINT: '127.0.0.1:5051',
  MESOS_FRAMEWORK_ID: 'f-1',
  MESOS_EXECUTOR_ID: 'e-1',
  MESOS_SLAVE_ID: 'a-1',
  MESOS_SANDBOX: '/sandbox',
  MESOS_CHECKPOINT: '1',
  MESOS_RECOVERY_TIMEOUT: '15mins',
  MESOS_SUBSCRIPTION_BACKOFF_MAX: '2secs',
  MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD: '5secs',
};

export class ScriptedAgent implements AgentLink {
  readonly calls: ExecutorCall[] = [];
  isUp = true;
  acknowledges = true;
  capabilities: readonly FrameworkInfoCapabilityType[] = [];
  /** How the next UPDATE is refused. */
  refusal: PlateauError | undefined;
  /** How subscriptions are refused. */
  subscribeRefusal: PlateauError | undefined;
  readonly #world: VirtualWorld;
  #handlers: AgentSessionHandlers | undefined;

  constructor(world: VirtualWorld) {
    this.#world = world;
  }

  open(subscribe: ExecutorCall, handlers: AgentSessionHandlers): AgentSession {
    this.calls.push(subscribe);
    let isOpen = true;
    this.#soon(() => {
      if (!isOpen) return;
      const refusal = this.isUp ? this.subscribeRefusal : unreachable();
      if (refusal === undefined) this.#accept(subscribe, handlers);
      else handlers.onEnd(refusal);
    });
    return {
      call: (call) => this.#take(call),
      close: () => {
        isOpen = false;
        if (this.#handlers === handlers) this.#handlers = undefined;
      },
    };
  }

  /** Dies: the stream ends, nobody answers. */
  crash(): void {
    this.isUp = false;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onEnd(new PlateauError('STREAM_ENDED', 'the agent was killed', { retriable: true }));
  }

  send(event: ExecutorEvent): void {
    if (this.#handlers === undefined) throw new Error('no executor is subscribed');
    this.#handlers.onEvent(event);
  }

  launch(id: string, more: Partial<TaskInfo> = {}): void {
    this.send({ type: 'LAUNCH', launch: { task: taskInfo(id, more) } });
  }

  launchGroup(...ids: readonly string[]): void {
    const tasks = ids.map((id) => taskInfo(id));
    this.send({ type: 'LAUNCH_GROUP', launch_group: { task_group: { tasks } } });
  }

  kill(id: string, graceMs?: number): void {
    const kill_policy =
      graceMs === undefined
        ? undefined
        : { grace_period: { nanoseconds: BigInt(graceMs) * 1_000_000n } };
    this.send({ type: 'KILL', kill: { task_id: { value: id }, kill_policy } });
  }

  acknowledge({ task_id, uuid = '' }: TaskStatus): void {
    this.send({ type: 'ACKNOWLEDGED', acknowledged: { task_id, uuid } });
  }

  /** All UPDATEs, in order, those that were told again included. */
  get updates(): readonly TaskStatus[] {
    return this.calls.flatMap(({ update }) => update?.status ?? []);
  }

  /** What was told of a task, each update once. */
  told(id: string): readonly TaskStatus[] {
    const seen = new Map(
      this.calls
        .flatMap(({ update, subscribe }) => [
          ...(update === undefined ? [] : [update]),
          ...(subscribe?.unacknowledged_updates ?? []),
        ])
        .map(({ status }) => [status.uuid, status]),
    );
    return [...seen.values()].filter(({ task_id }) => task_id.value === id);
  }

  states(id: string): readonly TaskState[] {
    return this.told(id).map(({ state }) => state);
  }

  get subscriptions(): readonly ExecutorCall[] {
    return this.calls.filter(({ type }) => type === 'SUBSCRIBE');
  }

  #accept(call: ExecutorCall, handlers: AgentSessionHandlers): void {
    this.#handlers = handlers;
    handlers.onEvent({
      type: 'SUBSCRIBED',
      subscribed: {
        executor_info: { executor_id: call.executor_id },
        framework_info: {
          user: 'nobody',
          name: 'test',
          capabilities: this.capabilities.map((type) => ({ type })),
        },
        agent_info: { hostname: 'localhost', id: { value: 'a-1' } },
      },
    });
    for (const { status } of call.subscribe?.unacknowledged_updates ?? []) this.#confirm(status);
  }

  async #take(call: ExecutorCall): Promise<void> {
    if (!this.isUp) throw unreachable();
    this.calls.push(call);
    const { refusal } = this;
    this.refusal = undefined;
    if (refusal !== undefined) throw refusal;
    if (call.update !== undefined) this.#confirm(call.update.status);
  }

  #confirm(status: TaskStatus): void {
    if (!this.acknowledges) return;
    this.#soon(() => {
      if (this.#handlers !== undefined && this.acknowledges) this.acknowledge(status);
    });
  }

  #soon(run: () => void): void {
    this.#world.clock.setTimer(1, run);
  }
}

export function taskInfo(id: string, more: Partial<TaskInfo> = {}): TaskInfo {
  return { name: id, task_id: { value: id }, agent_id: { value: 'a-1' }, ...more };
}

export function unreachable(): PlateauError {
  return new PlateauError('AGENT_UNREACHABLE', 'nobody listens', { retriable: true });
}

export function refused(status: number): PlateauError {
  return new PlateauError('CALL_REFUSED', `status ${status}`, {
    retriable: status >= 500,
    context: { status },
  });
}

/** An executor that runs against the scripted agent. */
export class Rig {
  readonly world = new VirtualWorld({ seed: 'executor' });
  readonly agent = new ScriptedAgent(this.world);
  end: ExecutorEnd | undefined;
  readonly exits: number[] = [];

  /** Starts the executor and lets it subscribe. */
  async start(executor: object, env: Environment = ENVIRONMENT): Promise<void> {
    const { world, agent: link } = this;
    const exit = (code: number): void => void this.exits.push(code);
    void runExecutor(executor, { env, world, link, exit }).then((end) => (this.end = end));
    await this.pass(10);
  }

  /** Lets time pass. */
  async pass(durationMs: number): Promise<void> {
    await this.world.advance(durationMs);
  }
}
