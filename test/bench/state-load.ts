/**
 * A master with so many agents and tasks, half of them completed: real registrations, launches and
 * status updates, with connections in memory and time standing still.
 */
import type { Offer, Resource, SchedulerEvent, TaskInfo, TaskState } from '../../core/api/index.js';
import type { Master } from '../../core/master/index.js';
import { MasterRig, type RigConnection } from './master-rig.js';

export interface StateSize {
  readonly agents: number;
  readonly frameworks: number;
  /** On each agent; every second one ends. */
  readonly tasksPerAgent: number;
}

export class StateLoad {
  readonly #rig: MasterRig;
  readonly #size: StateSize;
  #next: (() => void)[] = [];
  #updates = 0;
  #launched = 0;

  private constructor(rig: MasterRig, size: StateSize) {
    this.#rig = rig;
    this.#size = size;
    rig.onAgentMessage((agent, { run_tasks }) => {
      const frameworkId = run_tasks?.framework_info.id?.value ?? '';
      for (const { task_id } of run_tasks?.tasks ?? []) {
        this.#next.push(() => this.#run(agent, frameworkId, task_id.value));
      }
    });
  }

  static async start(size: StateSize): Promise<StateLoad> {
    const rig = await MasterRig.start({ isTimeStill: true });
    const load = new StateLoad(rig, size);
    await rig.registerAgents(size.agents);
    await rig.subscribe(size.frameworks, (index, event) => load.#onEvent(index, event));
    while (load.#launched < size.agents * size.tasksPerAgent) {
      rig.allocator.runNow();
      load.#settle();
    }
    return load;
  }

  get master(): Master {
    return this.#rig.master;
  }

  /** Something that changes the state a little: a framework changes its mind about its roles. */
  change(): void {
    this.#rig.call(0, { type: 'SUPPRESS', suppress: {} });
  }

  stop(): void {
    this.#rig.stop();
  }

  #settle(): void {
    while (this.#next.length > 0) {
      const due = this.#next;
      this.#next = [];
      for (const run of due) run();
    }
  }

  #onEvent(index: number, event: SchedulerEvent): void {
    for (const offer of event.offers?.offers ?? []) {
      this.#next.push(() => this.#launch(index, offer));
    }
    const status = event.update?.status;
    if (status?.uuid === undefined || status.agent_id === undefined) return;
    const { agent_id, task_id, uuid } = status;
    const acknowledge = { agent_id, task_id, uuid };
    this.#next.push(() => this.#rig.call(index, { type: 'ACKNOWLEDGE', acknowledge }));
  }

  /** All tasks of an agent at once; what is left of it is not wanted. */
  #launch(index: number, offer: Offer): void {
    const offer_ids = [offer.id];
    if (this.#launched >= this.#size.agents * this.#size.tasksPerAgent) return;
    const task_infos = Array.from({ length: this.#size.tasksPerAgent }, () => this.#task(offer));
    const operations = [{ type: 'LAUNCH' as const, launch: { task_infos } }];
    const filters = { refuse_seconds: 1e6 };
    this.#rig.call(index, { type: 'ACCEPT', accept: { offer_ids, operations, filters } });
  }

  #task({ agent_id }: Offer): TaskInfo {
    const number = this.#launched++;
    return {
      name: `service-${number % 100}.instance`,
      task_id: { value: `service-${number % 100}.4f1d7c0e-9f2b-4c36-8a55-${number}` },
      agent_id,
      resources: SLOT,
      command: { value: 'exec ./run --port $PORT0' },
      labels: { labels: [{ key: 'tier', value: 'backend' }] },
    };
  }

  #run(agent: RigConnection, frameworkId: string, taskId: string): void {
    this.#update(agent, { frameworkId, taskId, state: 'TASK_STARTING' });
    this.#update(agent, { frameworkId, taskId, state: 'TASK_RUNNING' });
    if (Number(taskId.split('-').at(-1)) % 2 === 0) return;
    this.#update(agent, { frameworkId, taskId, state: 'TASK_FINISHED' });
  }

  #update(
    agent: RigConnection,
    given: { readonly frameworkId: string; readonly taskId: string; readonly state: TaskState },
  ): void {
    const uuid = Buffer.alloc(16);
    uuid.writeUInt32LE(this.#updates++);
    // Version 4, as validation demands of the acknowledgement.
    uuid[6] = 0x40;
    const status = {
      task_id: { value: given.taskId },
      agent_id: { value: agent.agentId },
      executor_id: { value: given.taskId },
      state: given.state,
      source: 'SOURCE_EXECUTOR' as const,
      uuid: uuid.toString('base64'),
      timestamp: 1_700_000_000 + this.#updates / 1000,
      container_status: {
        container_id: { value: `37cb7bce-4fda-4053-9262-${this.#updates}` },
        network_infos: [{ ip_addresses: [{ protocol: 'IPv4' as const, ip_address: '10.1.2.3' }] }],
      },
    };
    const status_update = { framework_id: { value: given.frameworkId }, status };
    this.#rig.master.agentMessage(agent, { type: 'STATUS_UPDATE', status_update });
  }
}

const SLOT: readonly Resource[] = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
  { name: 'mem', type: 'SCALAR', scalar: { value: 16 } },
];
