/**
 * The load of the scalability experiment in the paper on Mesos (NSDI 2011): emulated agents with room
 * for two tasks, and frameworks that launch one task on each offer. Agents and schedulers live in the
 * master's own process and thread, and never call it from within its own calls.
 */
import type {
  LinkAgentMessageStatusUpdate,
  Offer,
  SchedulerEvent,
  TaskState,
} from '../../core/api/index.js';
import { SeededRandom } from '../../core/base/index.js';
import { MasterRig, type RigConnection } from './master-rig.js';

const MEAN_MS = 30_000;
const DEVIATION_MS = 10_000;
const SHORTEST_MS = 1_000;
const TICK_MS = 5;
/** Ends of tasks are kept by tick; longer tasks than this do not happen. */
const WHEEL_TICKS = 20_000;
export const SLOTS_PER_AGENT = 2;

interface RunningTask {
  readonly agent: RigConnection;
  readonly frameworkId: string;
  readonly taskId: string;
}

export class PaperLoad {
  readonly rig: MasterRig;
  launched = 0;
  finished = 0;
  /** Tasks that are not over. */
  running = 0;
  readonly #random = new SeededRandom('paper');
  readonly #wheel: RunningTask[][] = Array.from({ length: WHEEL_TICKS }, () => []);
  /** What agents and schedulers do next, outside of the master's calls. */
  #next: (() => void)[] = [];
  #isScheduled = false;
  #tick = 0;
  #startMs = 0;
  #ticker: NodeJS.Timeout | undefined;
  #nextTask = 0;
  #nextUpdate = 0;

  private constructor(rig: MasterRig) {
    this.rig = rig;
    rig.onAgentMessage((agent, message) => {
      if (message.type === 'PING') {
        this.#soon(() => rig.master.agentMessage(agent, { type: 'PONG' }));
      }
      if (message.run_tasks === undefined) return;
      const frameworkId = message.run_tasks.framework_info.id?.value ?? '';
      for (const { task_id, name } of message.run_tasks.tasks ?? []) {
        const task = { agent, frameworkId, taskId: task_id.value };
        this.#soon(() => this.#start(task, name));
      }
    });
  }

  /** Registers agents and frameworks; the frameworks begin at once. */
  static async start(agents: number, frameworks: number): Promise<PaperLoad> {
    const rig = await MasterRig.start({
      isTimeStill: false,
      roles: 1,
      agent: { cpus: SLOTS_PER_AGENT, memoryMiB: SLOTS_PER_AGENT * 1024 },
    });
    const load = new PaperLoad(rig);
    await rig.registerAgents(agents);
    load.#startMs = performance.now();
    load.#ticker = setInterval(() => load.#onTick(), TICK_MS);
    await rig.subscribe(frameworks, (index, event) => load.#onEvent(index, event, 'short'));
    return load;
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#next = [];
    this.rig.stop();
  }

  /** A framework registers, runs one task of the given time and leaves; returns what it took. */
  async runSingle(taskMs: number): Promise<number> {
    const startMs = performance.now();
    let isLaunched = false;
    let index = 0;
    const elapsedMs = await new Promise<number>((resolve, reject) => {
      const onEvent = (own: number, event: SchedulerEvent): void => {
        for (const offer of event.offers?.offers ?? []) {
          if (isLaunched) this.#soon(() => this.#decline(own, offer));
          else {
            isLaunched = true;
            this.#soon(() => this.#launch(own, offer, `single ${taskMs}`));
            this.#soon(() => this.rig.call(own, { type: 'SUPPRESS', suppress: {} }));
          }
        }
        if (event.update !== undefined) this.#onEvent(own, event, '');
        if (event.update?.status.state === 'TASK_FINISHED') resolve(performance.now() - startMs);
      };
      this.rig.subscribeOne(onEvent).then((own) => (index = own), reject);
    });
    await new Promise<void>((resolve) => {
      this.#soon(resolve);
    });
    this.rig.call(index, { type: 'TEARDOWN' });
    return elapsedMs;
  }

  #onEvent(index: number, event: SchedulerEvent, name: string): void {
    for (const offer of event.offers?.offers ?? [])
      this.#soon(() => this.#launch(index, offer, name));
    const status = event.update?.status;
    if (status?.uuid === undefined || status.agent_id === undefined) return;
    const { agent_id, task_id, uuid } = status;
    this.#soon(() =>
      this.rig.call(index, { type: 'ACKNOWLEDGE', acknowledge: { agent_id, task_id, uuid } }),
    );
  }

  #launch(index: number, offer: Offer, name: string): void {
    const taskInfo = {
      name,
      task_id: { value: `task-${this.#nextTask++}` },
      agent_id: offer.agent_id,
      resources: SLOT,
      command: { value: 'sleep 30' },
    };
    this.rig.call(index, {
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [{ type: 'LAUNCH', launch: { task_infos: [taskInfo] } }],
      },
    });
    this.launched++;
  }

  #decline(index: number, offer: Offer): void {
    this.rig.call(index, { type: 'DECLINE', decline: { offer_ids: [offer.id] } });
  }

  #start(task: RunningTask, name: string): void {
    this.running++;
    this.#update(task, 'TASK_RUNNING');
    const [kind, ms] = name.split(' ');
    if (kind === 'single') setTimeout(() => this.#finish(task), Number(ms));
    else this.#at(this.#taskMs(), task);
  }

  #finish(task: RunningTask): void {
    this.running--;
    this.finished++;
    this.#update(task, 'TASK_FINISHED');
  }

  #update({ agent, frameworkId, taskId }: RunningTask, state: TaskState): void {
    const uuid = Buffer.alloc(16);
    uuid.writeUInt32LE(this.#nextUpdate++);
    const status_update: LinkAgentMessageStatusUpdate = {
      framework_id: { value: frameworkId },
      status: {
        task_id: { value: taskId },
        agent_id: { value: agent.agentId },
        state,
        source: 'SOURCE_EXECUTOR',
        uuid: uuid.toString('base64'),
        timestamp: Date.now() / 1000,
      },
    };
    this.rig.master.agentMessage(agent, { type: 'STATUS_UPDATE', status_update });
  }

  /** Normally distributed. */
  #taskMs(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.#random.next()));
    const normal = radius * Math.cos(2 * Math.PI * this.#random.next());
    return Math.max(SHORTEST_MS, MEAN_MS + DEVIATION_MS * normal);
  }

  #at(afterMs: number, task: RunningTask): void {
    const ticks = Math.ceil((performance.now() - this.#startMs + afterMs) / TICK_MS) - this.#tick;
    const place = this.#tick + Math.min(Math.max(1, ticks), WHEEL_TICKS - 1);
    this.#wheel[place % WHEEL_TICKS]?.push(task);
  }

  #onTick(): void {
    const until = Math.floor((performance.now() - this.#startMs) / TICK_MS);
    while (this.#tick < until) {
      this.#tick++;
      const due = this.#wheel[this.#tick % WHEEL_TICKS];
      for (const task of due?.splice(0) ?? []) this.#soon(() => this.#finish(task));
    }
  }

  #soon(run: () => void): void {
    this.#next.push(run);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#runNext());
  }

  #runNext(): void {
    this.#isScheduled = false;
    const due = this.#next;
    this.#next = [];
    for (const run of due) run();
  }
}

const SLOT = [
  { name: 'cpus', type: 'SCALAR', scalar: { value: 1 } },
  { name: 'mem', type: 'SCALAR', scalar: { value: 1024 } },
] as const;
