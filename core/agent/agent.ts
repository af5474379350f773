/**
 * The state machine of a host: takes messages of the master, calls of executors and ends of
 * containers, one at a time, and hands what follows to its ports. This file connects the parts; each
 * of them has a file of its own. Nothing is acted on before it is durable (see `checkpoint.ts`).
 */
import {
  AGENT_CAPABILITIES,
  type AgentInfo,
  type ExecutorCall,
  type LinkAgentMessage,
  type LinkMasterMessage,
  MESOS_VERSION,
  type CallAnswer,
} from '../api/index.js';
import {
  type AgentId,
  type ContainerId,
  type Disposable,
  PlateauError,
  errorMessage,
  id,
  Timers,
  type FrameworkId,
  type TaskId,
} from '../base/index.js';
import type { Resources } from '../resources/index.js';
import type { AgentOptions } from './agent-options.js';
import { CHECKPOINT_FORMAT, KEYS } from './checkpoint.js';
import { CommandTasks } from './command-tasks.js';
import type { AgentConfig } from './config.js';
import { assertDisksApart, configuredDisks } from './disks.js';
import type { TaskContext } from './task-context.js';
import { CustomExecutors } from './custom-executors.js';
import { Endings } from './endings.js';
import { ExecutorApi } from './executor-api.js';
import { resourceUsage } from './estimator.js';
import { introduction } from './introduction.js';
import { Launches } from './launches.js';
import { NestedContainers } from './nested-containers.js';
import { makeContext } from './make-context.js';
import { type OrderParts, takeOrder } from './master-orders.js';
import { metricsSnapshot } from './metrics.js';
import { Oversubscription } from './oversubscription.js';
import type { ContainerEnd, ExecutorStream, MasterConnection } from './ports.js';
import { QualityOfService } from './qos.js';
import { Recovery } from './recovery.js';
import { Registration } from './registration.js';
import { AgentState } from './state.js';

export class Agent {
  readonly #options: AgentOptions;
  readonly #context: TaskContext;
  readonly #registration: Registration;
  readonly #commandTasks: CommandTasks;
  readonly #customExecutors: CustomExecutors;
  readonly #endings: Endings;
  readonly #executorApi: ExecutorApi;
  /** Those who do what the master wants. */
  readonly #parts: OrderParts;
  readonly #containers: NestedContainers;
  readonly #oversubscription: Oversubscription;
  readonly #qualityOfService: QualityOfService;
  readonly #startedMs: number;
  /** Ends that were told during recovery, when it was not known yet whose they are. */
  readonly #earlyEnds: [ContainerId, ContainerEnd][] = [];
  #isRecovered = false;
  #masterHostname: string | undefined;
  #endListener: Disposable | undefined;
  #isClosed = false;
  /** The master has ended it and its tasks. */
  #isShutDown = false;
  #closing: Promise<void> | undefined;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#startedMs = options.world.clock.elapsed();
    const timers = new Timers(options.world.clock);
    const state = new AgentState(options.config);
    const { config, world } = options;
    this.#registration = new Registration({
      connector: options.connector,
      timers,
      random: world.random.fork('registration'),
      log: world.log,
      config,
      introduction: () => this.#introduction(),
      onLost: () => {
        this.#context.updates.pause();
        this.#context.operations.pause();
      },
    });
    this.#context = makeContext({
      ...options,
      timers,
      state,
      send: (message) => this.#registration.send(message),
      onFailure: (error) => this.#fatal(error, 'the checkpoint could not be written'),
    });
    this.#oversubscription = new Oversubscription({
      world,
      timers,
      config,
      state,
      estimator: options.estimator,
      total: () => this.totalResources,
      send: (resources) =>
        this.#registration.send({ type: 'OVERSUBSCRIBED', oversubscribed: { resources } }),
    });
    this.#containers = new NestedContainers(this.#context, options.sandboxes);
    this.#customExecutors = new CustomExecutors(this.#context);
    this.#commandTasks = new CommandTasks(this.#context, (batch, executor) => {
      if (executor.kind !== 'GROUP') return;
      batch.afterwards(() => this.#containers.executorEnded(executor.containerId));
      batch.afterwards(() => this.#customExecutors.tellExited(executor, 0));
    });
    const runners = { commandTasks: this.#commandTasks, customExecutors: this.#customExecutors };
    const launches = new Launches(this.#context, runners);
    this.#endings = new Endings(this.#context, runners);
    this.#qualityOfService = new QualityOfService({
      world,
      timers,
      config,
      endings: this.#endings,
      controller: options.qosController,
      usage: () => resourceUsage(state, this.totalResources),
    });
    this.#executorApi = new ExecutorApi({
      context: this.#context,
      executors: this.#customExecutors,
      agentInfo: () => this.agentInfo,
      isReady: () => this.#isRecovered && !this.#isClosed,
    });
    this.#parts = {
      context: this.#context,
      launches,
      endings: this.#endings,
      executorApi: this.#executorApi,
    };
  }

  /** What the agent knows, for pages: frameworks, executors, tasks, and their history. */
  get state(): AgentState {
    return this.#context.state;
  }

  /** Tasks of a framework of which updates wait to be acknowledged by it. */
  unacknowledged(frameworkId: FrameworkId): readonly TaskId[] {
    return this.#context.updates.waiting(frameworkId);
  }

  /** What the agent is to others: with its id once it has one, with its configured resources. */
  get agentInfo(): AgentInfo {
    const { config, address } = this.#options;
    const { agentId } = this.state;
    return {
      hostname: address.hostname,
      port: address.port,
      resources: config.resources,
      attributes: config.attributes,
      ...(agentId !== undefined && { id: { value: agentId } }),
      ...(config.domain !== undefined && { domain: config.domain }),
    };
  }

  /** All resources, with dynamic reservations and volumes. */
  get totalResources(): Resources {
    return this.#context.checkpointed.total;
  }

  /** What it can give to revocable tasks, those that run included, over and above its total. */
  get oversubscribedResources(): Resources {
    return this.#oversubscription.total;
  }

  /** Host name of the master that the agent was registered with last. */
  get masterHostname(): string | undefined {
    return this.#masterHostname;
  }

  get config(): AgentConfig {
    return this.#options.config;
  }

  get agentId(): AgentId | undefined {
    return this.state.agentId;
  }

  /** Whether executors and pages may be answered. */
  get isRecovered(): boolean {
    return this.#isRecovered;
  }

  get isRegistered(): boolean {
    return this.#registration.isRegistered;
  }

  /** Metrics by name, as `/metrics/snapshot` serves them. */
  metrics(): Readonly<Record<string, number>> {
    return metricsSnapshot({
      metrics: this.#context.metrics,
      state: this.state,
      totalResources: this.totalResources,
      oversubscribedResources: this.oversubscribedResources,
      isRegistered: this.isRegistered,
      uptimeMs: this.#options.world.clock.elapsed() - this.#startedMs,
      maxSandboxAgeMs: this.#context.collector.maxAgeMs,
    });
  }

  /**
   * Recovers from the checkpoint, then connects to the master. Resolves when recovery is done.
   * @throws PlateauError `WORK_DIR_FORMAT`, `INVALID_FLAG` (see `Recovery`), `STORE_FAILED`.
   */
  async start(): Promise<void> {
    const { config, containerizer, world, store, bootId } = this.#options;
    const startMs = world.clock.elapsed();
    assertDisksApart(configuredDisks(config), config.workDir);
    for (const words of containerizer.unenforced) world.log.warn('not enforced', { what: words });
    this.#endListener = containerizer.onEnd((containerId, end) => {
      if (this.#isRecovered) this.#containerEnded(containerId, end);
      else this.#earlyEnds.push([containerId, end]);
    });
    const { destroyedVolumes } = await new Recovery({
      context: this.#context,
      store,
      bootId,
      agentInfo: this.agentInfo,
      commandTasks: this.#commandTasks,
      customExecutors: this.#customExecutors,
      containers: this.#containers,
    }).run();
    this.#context.checkpointed.recover(destroyedVolumes);
    this.#context.metrics.recoveryTimeMs = world.clock.elapsed() - startMs;
    this.#isRecovered = true;
    for (const [containerId, end] of this.#earlyEnds.splice(0)) {
      this.#containerEnded(containerId, end);
    }
    this.#context.collector.start();
    this.#oversubscription.start();
    this.#qualityOfService.start();
    if (!this.#isClosed && config.recover === 'reconnect') this.#registration.start();
  }

  masterConnected(connection: MasterConnection): void {
    this.#registration.connected(connection);
  }

  masterDisconnected(connection: MasterConnection | undefined, reason: string): void {
    this.#registration.disconnected(connection, reason);
  }

  /** Takes one message of the master; those on an older connection are ignored. */
  masterMessage(connection: MasterConnection, message: LinkMasterMessage): void {
    if (this.#isClosed || !this.#registration.isCurrent(connection)) return;
    const { registered, reregistered, refused } = message;
    if (message.type === 'PING') this.#registration.ping();
    else if (registered !== undefined) this.#registered(registered.agent_id.value, message);
    else if (reregistered !== undefined) this.#registered(reregistered.agent_id.value, message);
    else if (refused !== undefined) this.#refused(refused.message, refused.shutdown === true);
    else if (this.#registration.isRegistered) takeOrder(this.#parts, message);
  }

  /** Containers that the operators' API launches; to be asked once the agent has recovered. */
  get containers(): NestedContainers {
    return this.#containers;
  }

  executorSubscribe(call: ExecutorCall, stream: ExecutorStream): CallAnswer {
    return this.#executorApi.subscribe(call, stream);
  }

  executorCall(call: ExecutorCall): CallAnswer {
    return this.#executorApi.call(call);
  }

  executorDisconnected(stream: ExecutorStream): void {
    this.#executorApi.disconnected(stream);
  }

  /**
   * Stops. `leave-running`: everything runs on, and a new agent over the same checkpoint takes it
   * over. `end-all`: tasks end within their grace periods, the master is told, and the agent leaves.
   */
  async close(mode: 'leave-running' | 'end-all'): Promise<void> {
    if (this.#isClosed) {
      // It has stopped by itself: what it holds of the host is let go all the same.
      this.#closing ??= this.#options.containerizer.close(this.#isShutDown ? 'end-all' : mode);
      await this.#closing;
      return;
    }
    if (mode === 'end-all') {
      await this.#endings.endAll();
      await this.#context.checkpoint.flush();
      this.#registration.send({ type: 'UNREGISTER', unregister: { reason: 'the agent ends' } });
    }
    await this.#context.checkpoint.flush();
    this.#stop();
    this.#closing = this.#options.containerizer.close(mode);
    await this.#closing;
  }

  #containerEnded(containerId: ContainerId, end: ContainerEnd): void {
    if (this.#isClosed) return;
    this.#containers.ended(containerId, end);
    this.#commandTasks.ended(containerId, end);
    this.#customExecutors.ended(containerId, end);
  }

  #introduction(): LinkAgentMessage {
    return introduction({
      agentInfo: this.agentInfo,
      state: this.state,
      updates: this.#context.updates,
      version: MESOS_VERSION,
      capabilities: AGENT_CAPABILITIES,
      oversubscribed: this.#oversubscription.introduce(),
    });
  }

  #registered(agentId: string, message: LinkMasterMessage): void {
    const { checkpoint, state, updates } = this.#context;
    const own = id<'AgentId'>(agentId);
    if (state.agentId !== undefined && state.agentId !== own) {
      const text = `the master knows agent ${state.agentId} as ${own}: remove the work directory`;
      this.#fatal(new PlateauError('CALL_REFUSED', text), text);
      return;
    }
    if (state.agentId === undefined) {
      state.agentId = own;
      const batch = checkpoint.batch();
      batch.put(KEYS.agent, 'CheckpointAgent', {
        agent_info: this.agentInfo,
        boot_id: this.#options.bootId,
        format: CHECKPOINT_FORMAT,
      });
      batch.commit();
    }
    const answer = message.registered ?? message.reregistered;
    this.#masterHostname = answer?.master_info.hostname;
    const wasRegistered = this.#registration.isRegistered;
    this.#registration.registered(answer?.ping_timeout_seconds ?? 0);
    // A repeated answer changes nothing; what is outstanding is on its way already.
    if (!wasRegistered) {
      updates.resume();
      this.#context.operations.resume();
    }
    this.#oversubscription.registered();
    // A drain that is under way follows.
    state.drain = undefined;
    this.#endings.dropUnknown(message.reregistered?.unknown_tasks ?? []);
  }

  #refused(message: string, isForGood: boolean): void {
    if (!isForGood) {
      this.#registration.refused(message);
      return;
    }
    const fatal = new PlateauError(
      'CALL_REFUSED',
      `the master has shut this agent down: ${message}`,
      { context: { agent: this.state.agentId, isShutDown: true } },
    );
    this.#options.world.log.error('the master shuts the agent down', { reason: message });
    this.#isShutDown = true;
    // Their frameworks were told that the tasks are gone: nothing else may follow, however they end.
    for (const frameworkId of this.state.frameworks.keys()) {
      this.#endings.shutdownFramework(frameworkId);
    }
    void this.#endings
      .endAll()
      .then(() => this.#context.checkpoint.flush())
      // What the last writes made obsolete goes too: after a restart nobody hears of these tasks.
      .then(() => this.#context.checkpoint.flush())
      .then(() => this.#fatal(fatal, fatal.message))
      .catch((error: unknown) => this.#fatal(error, 'the tasks could not be ended'));
  }

  #fatal(error: unknown, message: string): void {
    if (this.#isClosed) return;
    this.#stop();
    const fatal =
      error instanceof PlateauError
        ? error
        : new PlateauError('ASSERTION', `${message}: ${errorMessage(error)}`, { cause: error });
    this.#options.world.log.error(message, { error: errorMessage(error) });
    this.#options.onFatal?.(fatal);
  }

  #stop(): void {
    this.#isClosed = true;
    this.#endListener?.dispose();
    this.#customExecutors.closeStreams();
    this.#containers.close();
    this.#registration.stop();
    this.#context.timers.dispose();
  }
}
