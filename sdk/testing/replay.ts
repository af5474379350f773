/**
 * Plays what a live framework was told to newer code of it, on virtual time, and compares what the two
 * decided: for each offer, and for each task that was asked to end.
 *
 * Ids of tasks differ between the runs: the first `web` that the new code launches stands for the first
 * `web` of the recording, and what is told about that one is told about it.
 */
import type { SchedulerCall, SchedulerEvent, TaskInfo } from '../../core/api/index.js';
import { PlateauError, VirtualWorld, errorMessage } from '../../core/base/index.js';
import { MemoryStore } from '../../core/store/index.js';
import type { FrameworkDefinition } from '../framework/index.js';
import {
  FrameworkRuntime,
  type RecordedTraffic,
  type Session,
  type SessionHandlers,
  type Transport,
  readRecording,
} from '../runtime/index.js';
import { type FrameworkUnderTest, type MakeOptions, makeFramework } from './under-test.js';

/** One thing that the two runs decided differently. */
export interface ReplayDifference {
  /** `offer ID` or `task NAME`. */
  readonly about: string;
  /** Such as `LAUNCH web (0.5 cpus, 64 MB)`, `DECLINE`, `KILL`, `nothing`. */
  readonly recorded: string;
  readonly replayed: string;
}

export interface ReplayResult {
  readonly differences: readonly ReplayDifference[];
  /** Offers that were compared. */
  readonly offers: number;
  /** What ended the new code by itself. */
  readonly failure: Error | undefined;
}

export interface ReplayOptions extends MakeOptions {
  readonly seed?: string;
}

/** Time after the last event in which the new code may still decide. */
const AFTERMATH_MS = 5_000;
/** Time for what was injected to close, or to be given up. */
const CLOSING_MS = 3_600_000;

/**
 * Plays a recording to a framework.
 * @throws PlateauError `INVALID_STATE` when the text is no recording, `INVALID_FRAMEWORK`.
 */
export async function replay(
  recording: string,
  target: FrameworkUnderTest<object>,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const { traffic, nowMs, state } = readRecording(recording);
  const { seed = 'replay' } = options;
  const world = new VirtualWorld({ seed, ...(nowMs !== undefined && { startMs: nowMs }) });
  const { instance: framework, definition, injector } = makeFramework(target, world, options);
  const player = new Player(world, traffic);
  const store = new MemoryStore();
  if (state.length > 0) await store.transact({ puts: state });
  const runtime = new FrameworkRuntime({
    world,
    framework,
    definition: withoutDaemons(definition),
    transport: player,
    store,
  });
  let failure: Error | undefined;
  const running = runtime.run().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(errorMessage(error));
  });
  await world.advance((traffic.at(-1)?.atMs ?? 0) + AFTERMATH_MS);
  void runtime.close();
  await world.advance(AFTERMATH_MS);
  await running;
  await Promise.all([injector.close(world), world.advance(CLOSING_MS)]);
  const recorded = new DecisionSummary();
  for (const one of traffic) if (one.direction === 'out') recorded.add(one.call);
  return {
    differences: compare(recorded, player.replayed, player.names),
    offers: recorded.offers.size,
    failure,
  };
}

/** What daemons took in is not in the recording, and to take it in again could do harm. */
function withoutDaemons(definition: FrameworkDefinition): FrameworkDefinition {
  const handlers = definition.handlers.filter(({ kind }) => kind !== 'daemon');
  return { ...definition, handlers };
}

/**
 * The master's side: tells what was recorded, at the recorded times, and takes every call. Where the recorded
 * framework subscribed again, the session ends; what was told after that waits for the next one.
 */
class Player implements Transport {
  readonly replayed = new DecisionSummary();
  /** Names of tasks by their recorded ids, for the comparison. */
  readonly names = new Map<string, string>();
  readonly #world: VirtualWorld;
  readonly #traffic: readonly RecordedTraffic[];
  /** Recorded ids of tasks in the order of their launches, by name. */
  readonly #recordedIds = new Map<string, string[]>();
  readonly #launches = new Map<string, number>();
  /** Recorded id → id in this run. */
  readonly #standIn = new Map<string, string>();
  readonly #recordedOf = new Map<string, string>();
  #isPlaying = false;
  /** Of the present session. */
  #handlers: SessionHandlers | undefined;
  readonly #waiting: SchedulerEvent[] = [];

  constructor(world: VirtualWorld, traffic: readonly RecordedTraffic[]) {
    this.#world = world;
    this.#traffic = traffic;
    for (const one of traffic) {
      if (one.direction !== 'out') continue;
      for (const task of launchesOf(one.call)) {
        const ids = this.#recordedIds.get(task.name) ?? [];
        this.#recordedIds.set(task.name, [...ids, task.task_id.value]);
        this.names.set(task.task_id.value, `${task.name} #${ids.length + 1}`);
      }
    }
  }

  open(_subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    this.#handlers = handlers;
    if (!this.#isPlaying) this.#play();
    // Not before the caller has the session.
    else this.#world.clock.setTimer(0, () => this.#deliver());
    return {
      master: 'replay',
      call: (call) => {
        this.#noteLaunches(call);
        this.replayed.add(call, this.#recordedOf);
        return Promise.resolve();
      },
      close: () => {
        if (this.#handlers === handlers) this.#handlers = undefined;
        return Promise.resolve();
      },
    };
  }

  /** Arms a timer for each step. Timers of one moment may run in any order, so each takes the next step. */
  #play(): void {
    this.#isPlaying = true;
    const steps = stepsOf(this.#traffic);
    let next = 0;
    for (const { atMs } of steps) {
      this.#world.clock.setTimer(atMs, () => {
        const step = steps[next++];
        if (step?.event === undefined) this.#endSession();
        else this.#waiting.push(step.event);
        this.#deliver();
      });
    }
  }

  #deliver(): void {
    while (this.#handlers !== undefined && this.#waiting.length > 0) {
      const event = this.#waiting.shift();
      if (event !== undefined) void this.#handlers.onEvent(this.#told(event));
    }
  }

  #endSession(): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    const message = 'The recorded framework subscribed again.';
    handlers?.onEnd(new PlateauError('STREAM_ENDED', message));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #noteLaunches(call: SchedulerCall): void {
    for (const task of launchesOf(call)) {
      const number = this.#launches.get(task.name) ?? 0;
      this.#launches.set(task.name, number + 1);
      const recorded = this.#recordedIds.get(task.name)?.[number];
      if (recorded === undefined) continue;
      this.#standIn.set(recorded, task.task_id.value);
      this.#recordedOf.set(task.task_id.value, recorded);
    }
  }

  #told(event: SchedulerEvent): SchedulerEvent {
    const { update } = event;
    const standIn = this.#standIn.get(update?.status.task_id.value ?? '');
    if (update === undefined || standIn === undefined) return event;
    const status = { ...update.status, task_id: { value: standIn } };
    return { ...event, update: { ...update, status } };
  }
}

/** An event that is told, or, without one, the end of the session. */
interface Step {
  readonly atMs: number;
  readonly event?: SchedulerEvent;
}

/**
 * The events of a recording, and the ends of its sessions: where the framework subscribed anew, the session
 * before has ended at some time after what passed last. The runtime waits before it subscribes, as it did then.
 */
function stepsOf(traffic: readonly RecordedTraffic[]): readonly Step[] {
  const steps: Step[] = [];
  let isSubscribed = false;
  let lastMs = 0;
  for (const one of traffic) {
    const { atMs } = one;
    if (one.direction === 'in') {
      isSubscribed ||= one.event.type === 'SUBSCRIBED';
      steps.push({ atMs, event: one.event });
    } else if (one.call.type === 'SUBSCRIBE' && isSubscribed) {
      isSubscribed = false;
      steps.push({ atMs: lastMs });
    }
    lastMs = atMs;
  }
  return steps;
}

/** What was decided about each offer and task. */
class DecisionSummary {
  readonly offers = new Map<string, string>();
  /** Recorded ids of tasks that were asked to end. */
  readonly kills = new Set<string>();

  add(call: SchedulerCall, recordedOf: ReadonlyMap<string, string> = new Map()): void {
    for (const { value } of call.accept?.offer_ids ?? []) {
      this.offers.set(value, describe(call));
    }
    for (const { value } of call.decline?.offer_ids ?? []) this.offers.set(value, 'DECLINE');
    const killed = call.kill?.task_id.value;
    if (killed !== undefined) this.kills.add(recordedOf.get(killed) ?? killed);
  }
}

function describe(call: SchedulerCall): string {
  const parts = (call.accept?.operations ?? []).map((operation) => {
    const tasks = operation.launch?.task_infos ?? operation.launch_group?.task_group.tasks;
    if (tasks === undefined) return operation.type ?? 'UNKNOWN';
    return `${operation.type ?? 'LAUNCH'} ${tasks.map(describeTask).join(', ')}`;
  });
  return parts.join('; ') || 'ACCEPT nothing';
}

function describeTask({ name, resources = [] }: TaskInfo): string {
  const amount = (wanted: string): number =>
    resources.reduce(
      (sum, { name: found, scalar }) => sum + (found === wanted ? (scalar?.value ?? 0) : 0),
      0,
    );
  return `${name} (${amount('cpus')} cpus, ${amount('mem')} MB)`;
}

function launchesOf(call: SchedulerCall): readonly TaskInfo[] {
  return (call.accept?.operations ?? []).flatMap((operation) => [
    ...(operation.launch?.task_infos ?? []),
    ...(operation.launch_group?.task_group.tasks ?? []),
  ]);
}

function compare(
  recorded: DecisionSummary,
  replayed: DecisionSummary,
  names: ReadonlyMap<string, string>,
): readonly ReplayDifference[] {
  const differences: ReplayDifference[] = [];
  for (const [offer, was] of recorded.offers) {
    const is = replayed.offers.get(offer) ?? 'nothing';
    if (is !== was) differences.push({ about: `offer ${offer}`, recorded: was, replayed: is });
  }
  for (const task of new Set([...recorded.kills, ...replayed.kills])) {
    const [was, is] = [recorded, replayed].map(({ kills }) =>
      kills.has(task) ? 'KILL' : 'nothing',
    );
    if (was === undefined || is === undefined || was === is) continue;
    differences.push({ about: `task ${names.get(task) ?? task}`, recorded: was, replayed: is });
  }
  return differences;
}
