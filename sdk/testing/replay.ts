/**
 * Plays what a live framework was told to newer code of it, on virtual time, and compares what the two
 * decided: for each offer, and for each task that was asked to end.
 *
 * Ids of tasks differ between the runs: the first `web` that the new code launches stands for the first
 * `web` of the recording, and what is told about that one is told about it.
 */
import type { SchedulerCall, SchedulerEvent, TaskInfo } from '../../core/api/index.js';
import { VirtualWorld, errorMessage } from '../../core/base/index.js';
import { MemoryStore } from '../../core/store/index.js';
import { readFramework } from '../framework/index.js';
import {
  FrameworkRuntime,
  type RecordedTraffic,
  type Session,
  type SessionHandlers,
  type Transport,
  readRecording,
} from '../runtime/index.js';
import { type FrameworkUnderTest, makerOf } from './under-test.js';

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

export interface ReplayOptions {
  readonly seed?: string;
  readonly overrides?: Readonly<Record<string, unknown>>;
}

/** Time after the last event in which the new code may still decide. */
const AFTERMATH_MS = 5_000;

/**
 * Plays a recording to a framework.
 * @throws PlateauError `INVALID_STATE` when the text is no recording, `INVALID_FRAMEWORK`.
 */
export async function replay(
  recording: string,
  target: FrameworkUnderTest<object>,
  options: ReplayOptions = {},
): Promise<ReplayResult> {
  const traffic = readRecording(recording);
  const framework = makerOf(target)();
  const { overrides, seed = 'replay' } = options;
  const definition = readFramework(framework, {
    user: 'nobody',
    ...(overrides === undefined ? {} : { overrides }),
  });
  const world = new VirtualWorld({ seed });
  const player = new Player(world, traffic);
  const store = new MemoryStore();
  const runtime = new FrameworkRuntime({ world, framework, definition, transport: player, store });
  let failure: Error | undefined;
  const running = runtime.run().catch((error: unknown) => {
    failure = error instanceof Error ? error : new Error(errorMessage(error));
  });
  await world.advance((traffic.at(-1)?.atMs ?? 0) + AFTERMATH_MS);
  void runtime.close();
  await world.advance(AFTERMATH_MS);
  await running;
  const recorded = new DecisionSummary();
  for (const one of traffic) if (one.direction === 'out') recorded.add(one.call);
  return {
    differences: compare(recorded, player.replayed, player.names),
    offers: recorded.offers.size,
    failure,
  };
}

/** The master's side: tells what was recorded, at the recorded times, and takes every call. */
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
    if (!this.#isPlaying) {
      this.#isPlaying = true;
      for (const one of this.#traffic) {
        if (one.direction !== 'in') continue;
        this.#world.clock.setTimer(one.atMs, () => void handlers.onEvent(this.#told(one.event)));
      }
    }
    return {
      master: 'replay',
      call: (call) => {
        this.#noteLaunches(call);
        this.replayed.add(call, this.#recordedOf);
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
    };
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
