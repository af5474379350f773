/**
 * A scripted scheduler: subscribes, launches its jobs on what it is offered (first fit), declines
 * the rest, acknowledges, reconciles, and comes back when its stream ends or falls silent. A job whose
 * task was lost is tried again under a new task id, until a task of it has come to an end of its own.
 */
import {
  type FrameworkInfo,
  type InverseOffer,
  type Offer,
  type OfferOperation,
  type SchedulerCall,
  type SchedulerEvent,
  type TaskInfo,
  type TaskStatus,
} from '../api/index.js';
import { type Disposable, assert } from '../base/index.js';
import { Resources } from '../resources/index.js';
import { Backlog } from './backlog.js';
import { BoundedMap } from './bounded-map.js';
import type { NodeContext } from './node-context.js';
import { type ProcessWorld, processWorld } from './process-world.js';
import { SchedulerLink } from './scheduler-link.js';
import { type SeenUpdate, type SimulatedJob, SimulatedTask } from './simulated-task.js';

export interface SimulatedSchedulerOptions {
  readonly name: string;
  readonly jobs?: readonly SimulatedJob[];
  /** Overrides of the default FrameworkInfo (partition-aware, one role, failover after 1 h). */
  readonly framework?: Partial<FrameworkInfo>;
  /** How long declined resources are not wanted. Default 5 s. */
  readonly refuseSeconds?: number;
  /** Asks for no offers while no job waits for one. Default: it declines what it is offered. */
  readonly suppressesWhenIdle?: boolean;
  /** Another policy than first fit: what to do with each offer; undefined: decline. */
  readonly onOffer?: (offer: Offer) => readonly OfferOperation[] | undefined;
  /**
   * What it does when it is asked to leave an agent: `drain` accepts, kills its tasks there, and runs
   * their jobs where no maintenance is planned. Default: it does not answer.
   */
  readonly onInverseOffer?: 'drain' | 'decline';
  /** The node to subscribe at. */
  readonly master: string;
}

/** Events that a scheduler remembers, the oldest forgotten first. */
export const MAX_RECORDED_EVENTS = 10_000;

/** Offers that a scheduler remembers, and its tasks that have ended; the oldest are forgotten. */
export const MAX_REMEMBERED_OFFERS = 10_000;
export const MAX_ENDED_TASKS = 10_000;

/** How often everything that has not ended is reconciled. */
const RECONCILE_MS = 30_000;
/** Silences of the master, in heartbeats, after which the stream is given up. */
const MISSED_HEARTBEATS = 3;
/** Amounts of resources are counted in these. */
const THOUSANDTHS = 1000;
/** Longest wait before another attempt to subscribe. */
const RETRY_MS = 2_000;

interface JobRecord {
  readonly number: number;
  readonly attempts: SimulatedTask[];
}

export class SimulatedScheduler {
  readonly name: string;
  /** The tasks that it launched, by id; of those that have ended the oldest are forgotten. */
  readonly tasks = new Map<string, SimulatedTask>();
  /** What arrived, with its time. */
  readonly events: { readonly timeMs: number; readonly event: SchedulerEvent }[] = [];
  readonly #options: SimulatedSchedulerOptions;
  readonly #context: NodeContext;
  /** Jobs of which no task has come to an end of its own, with their number and attempts. */
  readonly #unfinished = new Map<SimulatedJob, JobRecord>();
  /** Those of them of which no task may still do so. */
  readonly #wanting = new Set<SimulatedJob>();
  readonly #offersSeen = new BoundedMap<string, true>(MAX_REMEMBERED_OFFERS);
  /** Tasks that have not ended. */
  readonly #open = new Set<SimulatedTask>();
  /** Tasks that have, in that order. */
  readonly #ended = new Backlog<SimulatedTask>();
  #jobCount = 0;
  #frameworkId: string | undefined;
  #error: string | undefined;
  #world: ProcessWorld | undefined;
  #link: SchedulerLink | undefined;
  #isSubscribed = false;
  #watchdog: Disposable | undefined;
  #isSuppressed = false;
  #silenceMs = 60_000;
  #incarnation = 0;

  constructor(options: SimulatedSchedulerOptions, context: NodeContext) {
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    this.#want(options.jobs ?? []);
  }

  /** Undefined until it subscribed for the first time. */
  get frameworkId(): string | undefined {
    return this.#frameworkId;
  }

  /** The text of an ERROR event; the scheduler has stopped then. */
  get error(): string | undefined {
    return this.#error;
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed;
  }

  /** Whether each job has a task that came to an end of its own. */
  get isDone(): boolean {
    return this.#unfinished.size === 0;
  }

  /** How many jobs have no task yet that came to an end of its own. */
  get unfinishedJobs(): number {
    return this.#unfinished.size;
  }

  /** All updates in the order of their arrival. */
  get updates(): readonly SeenUpdate[] {
    return [...this.tasks.values()]
      .flatMap((task) => task.updates)
      .toSorted((one, other) => one.timeMs - other.timeMs);
  }

  /** Starts its process, which subscribes, with its old framework id if it has one. */
  start(): void {
    if (this.#world !== undefined) return;
    this.#incarnation += 1;
    const name = `${this.name}/${this.#incarnation}`;
    const world = processWorld({ ...this.#context, name });
    this.#world = world;
    this.#context.trace.add(this.name, 'start', name);
    const reconcile = (): void => {
      world.clock.setTimer(RECONCILE_MS, reconcile);
      if (this.#isSubscribed) this.#reconcile();
    };
    world.clock.setTimer(RECONCILE_MS, reconcile);
    this.#subscribe();
  }

  /** Its process dies. What it knows is kept for the next one. */
  crash(): void {
    if (this.#world === undefined) return;
    this.#context.trace.add(this.name, 'crash', '');
    this.#world.clock.kill();
    this.#world = undefined;
    this.#isSubscribed = false;
    // Its link is gone with the process: what still arrives for it finds nobody.
    this.#link?.close();
    this.#context.network.crash(this.name);
  }

  /** Wants further work done; offers are revived for it. */
  addJobs(jobs: readonly SimulatedJob[]): void {
    this.#want(jobs);
    if (this.#isSubscribed) this.#revive();
  }

  /** Asks for the end of a task. */
  kill(taskId: string): void {
    this.call({ type: 'KILL', kill: { task_id: { value: taskId } } });
  }

  /** Ends the framework and its process. */
  teardown(): void {
    this.call({ type: 'TEARDOWN' });
    this.#world?.clock.kill();
    this.#world = undefined;
    this.#isSubscribed = false;
    this.#link?.close();
  }

  /** Sends a call under its framework id. Dropped while it is not subscribed. */
  call(call: SchedulerCall): void {
    if (this.#frameworkId === undefined) return;
    this.#link?.call({ framework_id: { value: this.#frameworkId }, ...call });
  }

  #want(jobs: readonly SimulatedJob[]): void {
    for (const given of jobs) {
      // The same job given twice is two jobs.
      const job = { ...given };
      this.#unfinished.set(job, { number: this.#jobCount, attempts: [] });
      this.#wanting.add(job);
      this.#jobCount += 1;
    }
  }

  #subscribe(): void {
    const { network, wire } = this.#context;
    const { name, master } = this.#options;
    this.#isSubscribed = false;
    const framework: FrameworkInfo = {
      user: 'root',
      name,
      roles: [name],
      checkpoint: true,
      failover_timeout: 3600,
      capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
      ...this.#options.framework,
      ...(this.#frameworkId !== undefined && { id: { value: this.#frameworkId } }),
    };
    this.#link = new SchedulerLink({
      network,
      wire,
      from: name,
      to: master,
      handlers: {
        onEvent: (event) => this.#event(event),
        onEnd: () => this.#retry(),
      },
    });
    this.#link.subscribe({
      type: 'SUBSCRIBE',
      ...(this.#frameworkId !== undefined && { framework_id: { value: this.#frameworkId } }),
      subscribe: { framework_info: framework },
    });
    this.#watch();
  }

  #retry(): void {
    this.#isSubscribed = false;
    this.#watchdog?.dispose();
    const world = this.#world;
    if (world === undefined || this.#error !== undefined) return;
    world.clock.setTimer(world.random.next() * RETRY_MS, () => this.#subscribe());
  }

  #watch(): void {
    this.#watchdog?.dispose();
    this.#watchdog = this.#world?.clock.setTimer(this.#silenceMs, () => {
      this.#link?.close();
      this.#retry();
    });
  }

  #event(event: SchedulerEvent): void {
    const timeMs = this.#context.world.clock.elapsed();
    this.events.push({ timeMs, event });
    if (this.events.length > MAX_RECORDED_EVENTS) this.events.splice(0, MAX_RECORDED_EVENTS / 2);
    this.#watch();
    if (event.subscribed !== undefined) {
      this.#frameworkId = event.subscribed.framework_id.value;
      const heartbeat = event.subscribed.heartbeat_interval_seconds ?? 15;
      this.#silenceMs = MISSED_HEARTBEATS * heartbeat * 1000;
      this.#isSubscribed = true;
      this.#isSuppressed = false;
      this.#reconcile();
    }
    for (const offer of event.offers?.offers ?? []) this.#offer(offer);
    for (const inverse of event.inverse_offers?.inverse_offers ?? []) this.#askedBack(inverse);
    if (event.update !== undefined) this.#update(event.update.status, timeMs);
    if (event.error !== undefined) {
      this.#error = event.error.message;
      this.#isSubscribed = false;
      this.#watchdog?.dispose();
      this.#link?.close();
    }
  }

  #update(status: TaskStatus, timeMs: number): void {
    const { uuid, agent_id: agentId, task_id: taskId } = status;
    const task = this.tasks.get(taskId.value);
    if (task === undefined) this.#assertForgotten(taskId.value);
    else this.#note(task, status, timeMs);
    if (uuid === undefined || agentId === undefined) return;
    this.call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id: agentId, task_id: taskId, uuid } });
  }

  #note(task: SimulatedTask, status: TaskStatus, timeMs: number): void {
    const wasGivenUp = task.isGivenUp;
    task.update(status, timeMs);
    if (task.hasOwnEnd) this.#unfinished.delete(task.job);
    if (task.isGivenUp && !wasGivenUp) this.#tryAgain(task.job);
    if (!task.isTerminal || !this.#open.delete(task)) return;
    this.#ended.push(task);
    if (this.#ended.size <= MAX_ENDED_TASKS) return;
    this.tasks.delete(this.#ended.shift()?.id ?? '');
  }

  #assertForgotten(taskId: string): void {
    const isOwn = taskId.startsWith(`${this.name}.`) && this.#ended.size === MAX_ENDED_TASKS;
    assert(isOwn, `${this.name} was told of a task that it never launched: ${taskId}`);
  }

  /** Unless another attempt has ended by itself or may still do so. */
  #tryAgain(job: SimulatedJob): void {
    const record = this.#unfinished.get(job);
    if (record === undefined || !record.attempts.every((task) => task.isGivenUp)) return;
    this.#wanting.add(job);
    // Offers may have been declined for long: there is work again.
    this.#revive();
  }

  #offer(offer: Offer): void {
    const wasSeen = this.#offersSeen.get(offer.id.value) === true;
    assert(!wasSeen, `offer ${offer.id.value} was made twice`);
    this.#offersSeen.set(offer.id.value, true);
    const filters = { refuse_seconds: this.#options.refuseSeconds ?? 5 };
    const policy = this.#options.onOffer ?? ((each) => this.#firstFit(each));
    const operations = policy(offer);
    if (operations === undefined || operations.length === 0) {
      this.call({ type: 'DECLINE', decline: { offer_ids: [offer.id], filters } });
    } else {
      this.call({ type: 'ACCEPT', accept: { offer_ids: [offer.id], operations, filters } });
    }
    if (this.#options.suppressesWhenIdle === true && this.#wanting.size === 0) this.#suppress();
  }

  #suppress(): void {
    if (this.#isSuppressed) return;
    this.#isSuppressed = true;
    this.call({ type: 'SUPPRESS' });
  }

  #revive(): void {
    this.#isSuppressed = false;
    this.call({ type: 'REVIVE' });
  }

  #askedBack(inverse: InverseOffer): void {
    const answer = { inverse_offer_ids: [inverse.id] };
    if (this.#options.onInverseOffer === 'decline') {
      this.call({ type: 'DECLINE_INVERSE_OFFERS', decline_inverse_offers: answer });
    }
    if (this.#options.onInverseOffer !== 'drain') return;
    this.call({ type: 'ACCEPT_INVERSE_OFFERS', accept_inverse_offers: answer });
    for (const task of this.tasks.values()) {
      if (task.agentId !== inverse.agent_id?.value || task.isTerminal) continue;
      task.isMoving = true;
      this.kill(task.id);
    }
  }

  #firstFit(offer: Offer): readonly OfferOperation[] {
    if (this.#wanting.size === 0) return [];
    const isDraining = this.#options.onInverseOffer === 'drain';
    if (isDraining && offer.unavailability !== undefined) return [];
    const offered = Resources.fromWire(offer.resources ?? []);
    let cpus = offered.scalar('cpus');
    let memory = offered.scalar('mem');
    const infos: TaskInfo[] = [];
    for (const job of this.#wanting) {
      if (cpus <= 0 || memory <= 0) break;
      if (job.cpus * THOUSANDTHS > cpus || job.memoryMiB * THOUSANDTHS > memory) continue;
      cpus -= job.cpus * THOUSANDTHS;
      memory -= job.memoryMiB * THOUSANDTHS;
      infos.push(this.#launch(job, offer));
    }
    return infos.length === 0 ? [] : [{ type: 'LAUNCH', launch: { task_infos: infos } }];
  }

  #launch(job: SimulatedJob, offer: Offer): TaskInfo {
    const { number, attempts } = this.#unfinished.get(job) ?? { number: 0, attempts: [] };
    const taskId = `${this.name}.${number}.${attempts.length + 1}`;
    const task = new SimulatedTask(taskId, job, offer.agent_id.value);
    this.tasks.set(taskId, task);
    this.#open.add(task);
    attempts.push(task);
    this.#wanting.delete(job);
    return {
      name: job.name,
      task_id: { value: taskId },
      agent_id: offer.agent_id,
      resources: resourcesOf(job, offer),
      command: { shell: true, value: job.command },
      ...(job.healthCheck !== undefined && { health_check: job.healthCheck }),
      ...(job.check !== undefined && { check: job.check }),
    };
  }

  #reconcile(): void {
    const open = [...this.#open];
    if (open.length === 0) return;
    const tasks = open.map((task) => ({
      task_id: { value: task.id },
      agent_id: { value: task.agentId },
    }));
    this.call({ type: 'RECONCILE', reconcile: { tasks } });
  }
}

function resourcesOf(job: SimulatedJob, offer: Offer): NonNullable<TaskInfo['resources']> {
  const allocation = offer.allocation_info;
  const bound = allocation === undefined ? {} : { allocation_info: allocation };
  return [
    { name: 'cpus', type: 'SCALAR', scalar: { value: job.cpus }, ...bound },
    { name: 'mem', type: 'SCALAR', scalar: { value: job.memoryMiB }, ...bound },
  ];
}
