/**
 * The simulated cluster as a host of experiments: the real master, allocator and agents, with
 * frameworks that speak the scheduler API over the simulated network. Nothing is made to fail.
 */
import {
  type Offer,
  type SchedulerCall,
  type SchedulerEvent,
  type TaskInfo,
  type TaskStatus,
  isTerminalState,
} from '../../../core/api/index.js';
import { assert } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { MASTER_NODE, SchedulerLink, SimulatedCluster } from '../../../core/simulation/index.js';
import { type Amounts, amountsOf, toWire } from './amounts.js';
import {
  type Framework,
  type FrameworkPort,
  type Host,
  type OfferView,
  type TaskRequest,
  UsageBook,
} from './framework.js';

export interface SimulatedHostOptions {
  readonly seed: string;
  readonly agents: number;
  /** What each agent has. */
  readonly offered: Amounts;
}

/** Time for all agents to register before a framework subscribes. */
const WARM_UP_MS = 10_000;

export class SimulatedHost implements Host {
  readonly description = 'whole simulator';
  readonly book = new UsageBook();
  readonly #cluster: SimulatedCluster;

  private constructor(options: SimulatedHostOptions) {
    const resources = Object.entries(options.offered).map(([name, value]) => `${name}:${value}`);
    const agents = Array.from({ length: options.agents }, () => resources.join(';'));
    this.#cluster = new SimulatedCluster({ seed: options.seed, agents });
  }

  /** A cluster all of whose agents have registered. */
  static async start(options: SimulatedHostOptions): Promise<SimulatedHost> {
    const host = new SimulatedHost(options);
    host.#cluster.start();
    await host.#cluster.advance(WARM_UP_MS);
    const registered = host.#cluster.master?.cluster.agents.size ?? 0;
    assert(registered === options.agents, `${registered} of ${options.agents} agents registered`);
    return host;
  }

  nowMs(): number {
    return this.#cluster.world.clock.elapsed() - WARM_UP_MS;
  }

  add(framework: Framework): void {
    new SimulatedFramework(framework, this.#cluster, this).subscribe();
  }

  async advance(durationMs: number): Promise<void> {
    await this.#cluster.advance(durationMs);
  }

  /** Stands for the whole run so far. */
  traceHash(): string {
    return this.#cluster.traceHash();
  }
}

/** One framework over its connections to the master. */
class SimulatedFramework implements FrameworkPort {
  readonly #framework: Framework;
  readonly #cluster: SimulatedCluster;
  readonly #host: SimulatedHost;
  readonly #link: SchedulerLink;
  readonly #tasks = new Map<string, TaskRequest>();
  #frameworkId: string | undefined;

  constructor(framework: Framework, cluster: SimulatedCluster, host: SimulatedHost) {
    this.#framework = framework;
    this.#cluster = cluster;
    this.#host = host;
    this.#link = new SchedulerLink({
      network: cluster.network,
      from: framework.name,
      to: MASTER_NODE,
      handlers: {
        onEvent: (event) => this.#event(event),
        onEnd: (reason) => assert(false, `${framework.name} lost its stream: ${reason}`),
        onAnswer: (call, answer) =>
          assert(answer.status < 300, `${call.type} was answered ${answer.status}`),
      },
    });
  }

  subscribe(): void {
    const { name } = this.#framework;
    const capabilities = [{ type: 'MULTI_ROLE' as const }];
    const info = { user: 'nobody', name, roles: [name], capabilities };
    this.#link.subscribe({ type: 'SUBSCRIBE', subscribe: { framework_info: info } });
  }

  nowMs(): number {
    return this.#host.nowMs();
  }

  setTimer(delayMs: number, callback: () => void): void {
    this.#cluster.world.clock.setTimer(delayMs, callback);
  }

  accept(offer: OfferView, tasks: readonly TaskRequest[]): void {
    const offerIds = [{ value: offer.id }];
    // A filter for the rest would hide the agent when a task of ours ends there.
    const filters = { refuse_seconds: 0 };
    const infos = tasks.map((task) => this.#taskInfo(task, offer));
    this.#call({
      type: 'ACCEPT',
      accept: {
        offer_ids: offerIds,
        filters,
        operations: [{ type: 'LAUNCH', launch: { task_infos: infos } }],
      },
    });
  }

  decline(offer: OfferView, refuseSeconds: number): void {
    const filters = { refuse_seconds: refuseSeconds };
    this.#call({ type: 'DECLINE', decline: { offer_ids: [{ value: offer.id }], filters } });
  }

  suppress(): void {
    this.#call({ type: 'SUPPRESS' });
  }

  revive(): void {
    this.#call({ type: 'REVIVE' });
  }

  #taskInfo(task: TaskRequest, offer: OfferView): TaskInfo {
    this.#tasks.set(task.id, task);
    return {
      name: task.id,
      task_id: { value: task.id },
      agent_id: { value: offer.agentId },
      resources: toWire(task.demand, this.#framework.name),
      command: { shell: true, value: `run ${Math.round(task.durationMs)}ms then exit 0` },
    };
  }

  #call(call: SchedulerCall): void {
    assert(this.#frameworkId !== undefined, `${this.#framework.name} is not subscribed`);
    this.#link.call({ framework_id: { value: this.#frameworkId }, ...call });
  }

  #event(event: SchedulerEvent): void {
    if (event.subscribed !== undefined) {
      this.#frameworkId = event.subscribed.framework_id.value;
      this.#framework.start(this);
    }
    const offers = (event.offers?.offers ?? []).map(viewOf);
    if (offers.length > 0) this.#framework.offered(offers);
    if (event.update !== undefined) this.#update(event.update.status);
    assert(event.error === undefined, `${this.#framework.name}: ${String(event.error?.message)}`);
  }

  #update(status: TaskStatus): void {
    const { uuid, agent_id: agentId, task_id: taskId, state } = status;
    if (uuid !== undefined && agentId !== undefined) {
      this.#call({
        type: 'ACKNOWLEDGE',
        acknowledge: { agent_id: agentId, task_id: taskId, uuid },
      });
    }
    const task = this.#tasks.get(taskId.value);
    if (task === undefined) return;
    const { name } = this.#framework;
    if (state === 'TASK_RUNNING') this.#host.book.started(name, task.usage);
    if (!isTerminalState(state)) return;
    assert(state === 'TASK_FINISHED', `${task.id} ended as ${state}: ${status.message ?? ''}`);
    this.#tasks.delete(task.id);
    this.#host.book.ended(name, task.usage);
    this.#framework.taskEnded(task.id);
  }
}

function viewOf(offer: Offer): OfferView {
  const free = amountsOf(Resources.fromWire(offer.resources ?? []));
  return { id: offer.id.value, agentId: offer.agent_id.value, free };
}
