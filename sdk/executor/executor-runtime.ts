/** Carries out what the core of an executor decides: sessions, timers, handlers. */
import type { ExecutorCall } from '../../core/api/index.js';
import {
  type Disposable,
  PlateauError,
  Timers,
  type World,
  errorMessage,
} from '../../core/base/index.js';
import { contextFor } from './contexts.js';
import type { ExecutorDefinition, ExecutorHandlerDefinition } from './definition.js';
import type { CoreReport, ExecutorEffect, ExecutorInput, Outcome } from './effects.js';
import type { ExecutorSettings } from './environment.js';
import { ExecutorCore } from './executor-core.js';
import type {
  ExecutorEventContext,
  ExecutorEventKind,
  ExecutorEvents,
  TaskGroup,
} from './handlers.js';
import type { AgentLink, AgentSession } from './link.js';
import { coreReport } from './reports.js';
import { TaskRuns } from './task-runs.js';

/** How an executor ended. */
export interface ExecutorEnd {
  /** The status with which its process is to end. */
  readonly code: number;
  readonly reason: string;
}

export interface ExecutorRuntimeOptions {
  readonly definition: ExecutorDefinition;
  /** Of the class. */
  readonly instance: object;
  readonly settings: ExecutorSettings;
  readonly world: World;
  readonly link: AgentLink;
}

export class ExecutorRuntime {
  readonly #options: ExecutorRuntimeOptions;
  readonly #core: ExecutorCore;
  readonly #timers: Timers;
  readonly #named = new Map<string, Disposable>();
  readonly #runs = new TaskRuns();
  /** By uuid of an update: who waits for it. */
  readonly #unsettled = new Map<string, () => void>();
  readonly #context: ExecutorEventContext;
  readonly #ended: Promise<ExecutorEnd>;
  #end: (end: ExecutorEnd) => void = () => undefined;
  #session: AgentSession | undefined;
  #agentId: string | undefined;

  constructor(options: ExecutorRuntimeOptions) {
    const { settings, world } = options;
    this.#options = options;
    this.#core = new ExecutorCore(options);
    this.#timers = new Timers(world.clock);
    this.#agentId = settings.agentId;
    this.#ended = new Promise((resolve) => (this.#end = resolve));
    this.#context = this.#contextOf([]);
  }

  /** Runs to the end. Never rejects; handlers that have not returned by then are left behind. */
  run(): Promise<ExecutorEnd> {
    this.#carryOut(this.#core.start());
    return this.#ended;
  }

  /** Ends it in order, as a SHUTDOWN of the agent does. */
  stop(reason: string): void {
    this.#input({ kind: 'stop', reason });
  }

  #input(input: ExecutorInput): void {
    this.#carryOut(this.#core.step(input));
  }

  #carryOut(effects: readonly ExecutorEffect[]): void {
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ExecutorEffect): void {
    const { log } = this.#options.world;
    if (effect.kind === 'send') void this.#send(effect.uuid, effect.call);
    else if (effect.kind === 'settled') this.#settled(effect.uuid);
    else if (effect.kind === 'launch') this.#launch(effect);
    else if (effect.kind === 'set-timer') this.#setTimer(effect.name, effect.delayMs);
    else if (effect.kind === 'cancel-timer') this.#cancelTimer(effect.name);
    else if (effect.kind === 'open') this.#open(effect.call);
    else if (effect.kind === 'log') log[effect.level](effect.message);
    else if (effect.kind === 'exit') this.#exit(effect);
    else if (effect.kind === 'abort') {
      for (const taskId of effect.taskIds) this.#runs.abort(taskId, effect.reason);
    } else this.#tellHandlers(effect);
  }

  #tellHandlers(effect: ExecutorEffect): void {
    if (effect.kind === 'kill') {
      const task = this.#runs.get(effect.taskId);
      if (task !== undefined) void this.#call('kill', { task, graceMs: effect.graceMs });
    } else if (effect.kind === 'deliver') {
      const data = Buffer.from(effect.data, 'base64');
      void this.#call('message', { data, text: data.toString('utf8') });
    } else if (effect.kind === 'connected') {
      const { first, executor, framework, agent } = effect;
      this.#agentId = agent.id?.value ?? this.#agentId;
      void this.#call('connected', { first, executor, framework, agent });
    } else if (effect.kind === 'disconnected') {
      const { reason, retryForMs } = effect;
      void this.#call('disconnected', { reason, retryForMs });
    } else if (effect.kind === 'shutdown') void this.#shutDown(effect);
  }

  #open(call: ExecutorCall): void {
    this.#session?.close();
    const session = this.#options.link.open(call, {
      onEvent: (event) => this.#input({ kind: 'event', event }),
      onEnd: (error) => {
        if (this.#session === session) this.#session = undefined;
        const isFinal =
          error instanceof PlateauError && error.code === 'CALL_REFUSED' && !error.retriable;
        this.#input({ kind: 'disconnected', reason: error.message, isFinal });
      },
    });
    this.#session = session;
  }

  async #send(uuid: string, call: ExecutorCall): Promise<void> {
    try {
      await this.#session?.call(call);
    } catch (error) {
      const reason = errorMessage(error);
      this.#options.world.log.debug('an update did not reach the agent', { reason });
      // 403: the agent was started anew, and the subscription is on its way.
      const isRefused = error instanceof PlateauError && error.context['status'] === 400;
      this.#input(isRefused ? { kind: 'update-refused', uuid, reason } : { kind: 'update-lost' });
    }
  }

  #settled(uuid: string): void {
    this.#unsettled.get(uuid)?.();
    this.#unsettled.delete(uuid);
  }

  #launch({ tasks, isGroup }: Extract<ExecutorEffect, { readonly kind: 'launch' }>): void {
    const handler = this.#options.definition.handlers.get(isGroup ? 'launch-group' : 'launch');
    const group = this.#runs.add(tasks);
    if (handler !== undefined) void this.#runTasks(handler, group, isGroup);
  }

  async #runTasks(
    handler: ExecutorHandlerDefinition,
    group: TaskGroup,
    isGroup: boolean,
  ): Promise<void> {
    const taskIds = group.tasks.map(({ id }) => id);
    const outcome = await this.#outcomeOf(handler, [
      isGroup ? group : group.tasks[0],
      this.#contextOf(taskIds),
    ]);
    this.#input({ kind: 'done', taskIds, outcome });
    this.#runs.remove(group);
  }

  async #outcomeOf(handler: ExecutorHandlerDefinition, args: readonly unknown[]): Promise<Outcome> {
    try {
      // After what the same event has caused besides: the update that it runs is on its way first.
      await Promise.resolve();
      const result = await handler.invoke(this.#options.instance, args);
      return { kind: 'returned', report: coreReport(result) };
    } catch (error) {
      this.#options.world.log.warn('a task failed', { handler: handler.method, error });
      return { kind: 'threw', message: errorMessage(error) };
    }
  }

  async #shutDown({ reason, graceMs }: ExecutorEvents['shutdown']): Promise<void> {
    await this.#call('shutdown', { reason, graceMs });
    this.#input({ kind: 'shutdown-handled' });
  }

  /** Calls the handler of an event, if there is one. Never rejects. */
  async #call<K extends ExecutorEventKind>(kind: K, event: ExecutorEvents[K]): Promise<void> {
    const handler = this.#options.definition.handlers.get(kind);
    if (handler === undefined) return;
    try {
      await Promise.resolve();
      await handler.invoke(this.#options.instance, [event, this.#context]);
    } catch (error) {
      const message = `${handler.method} failed: ${errorMessage(error)}`;
      this.#options.world.log.error(message, { error });
      if (handler.onError === 'crash') this.#input({ kind: 'crashed', message });
    }
  }

  #contextOf(taskIds: readonly string[]): ReturnType<typeof contextFor> {
    const { settings, world } = this.#options;
    return contextFor({
      settings,
      world,
      ownTaskIds: taskIds,
      agentId: () => this.#agentId,
      isConnected: () => this.#core.isConnected,
      tasks: () => this.#core.liveTasks.flatMap((taskId) => this.#runs.get(taskId) ?? []),
      update: (ids, report) => this.#update(ids, report),
      message: (data) => this.#message(data),
    });
  }

  async #update(taskIds: readonly string[], report: CoreReport): Promise<void> {
    const { effects, uuids } = this.#core.report(taskIds, report);
    const settled = uuids.map(
      (uuid) => new Promise<void>((resolve) => this.#unsettled.set(uuid, resolve)),
    );
    this.#carryOut(effects);
    await Promise.all(settled);
  }

  async #message(data: string): Promise<void> {
    const { frameworkId, executorId } = this.#options.settings;
    if (this.#session === undefined || !this.#core.isConnected) {
      throw new PlateauError('STREAM_ENDED', 'MESSAGE was not sent: there is no agent.', {
        retriable: true,
      });
    }
    await this.#session.call({
      type: 'MESSAGE',
      framework_id: { value: frameworkId },
      executor_id: { value: executorId },
      message: { data },
    });
  }

  #setTimer(name: string, delayMs: number): void {
    this.#cancelTimer(name);
    const timer = this.#timers.after(delayMs, () => {
      this.#named.delete(name);
      this.#input({ kind: 'timer', name });
    });
    this.#named.set(name, timer);
  }

  #cancelTimer(name: string): void {
    this.#named.get(name)?.dispose();
    this.#named.delete(name);
  }

  #exit({ code, reason }: ExecutorEnd): void {
    this.#timers.dispose();
    this.#session?.close();
    this.#end({ code, reason });
  }
}
