/** A framework on a scripted master: the test is the master, on virtual time. */
import type {
  Offer,
  SchedulerCall,
  SchedulerCallType,
  SchedulerEvent,
  TaskState,
  TaskStatus,
} from '../../../../core/api/index.js';
import { PlateauError, type Store, VirtualWorld } from '../../../../core/base/index.js';
import { MemoryStore } from '../../../../core/store/index.js';
import type {
  FrameworkDefinition,
  FrameworkSettings,
  HandlerDefinition,
  HandlerKind,
  StoredDefinition,
} from '../../../../sdk/framework/index.js';
import {
  FrameworkRuntime,
  type FrameworkRuntimeOptions,
  type Session,
  type SessionHandlers,
  type Transport,
} from '../../../../sdk/runtime/index.js';

export const SETTINGS: FrameworkSettings = {
  name: 'test',
  roles: ['web'],
  user: 'nobody',
  labels: {},
  failoverTimeoutMs: 604_800_000,
  revocable: false,
  gpus: false,
  regionAware: false,
  onRemoved: 'exit',
  reconcileEveryMs: 600_000,
  unmatchedForMs: 120_000,
  notReadyForMs: 5_000,
};

/** A handler, by hand. */
export function handler(
  kind: HandlerKind,
  run: (...args: never[]) => unknown,
  options: Partial<HandlerDefinition> = {},
): HandlerDefinition {
  return {
    kind,
    method: kind,
    invoke: (_instance, args) => (run as (...args: readonly unknown[]) => unknown)(...args),
    onError: 'crash',
    retries: 10,
    backoffMs: 1_000,
    timeoutMs: 60_000,
    ...options,
  };
}

export interface Opened {
  readonly subscribe: SchedulerCall;
  readonly handlers: SessionHandlers;
  readonly calls: SchedulerCall[];
  isClosed: boolean;
}

/** A transport whose other end is the test. */
export class ScriptedTransport implements Transport {
  readonly sessions: Opened[] = [];
  /** Decides the outcome of calls. */
  answer: (call: SchedulerCall) => Promise<void> = () => Promise.resolve();

  open(subscribe: SchedulerCall, handlers: SessionHandlers): Session {
    const opened: Opened = { subscribe, handlers, calls: [], isClosed: false };
    this.sessions.push(opened);
    return {
      master: 'master:5050',
      call: (call) => {
        opened.calls.push(call);
        return this.answer(call);
      },
      close: () => {
        opened.isClosed = true;
        return Promise.resolve();
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get last(): Opened {
    const last = this.sessions.at(-1);
    if (last === undefined) throw new Error('no session was opened');
    return last;
  }
}

export interface RigOptions extends Partial<
  Pick<FrameworkRuntimeOptions, 'interceptors' | 'limits' | 'epoch'>
> {
  readonly handlers?: readonly HandlerDefinition[];
  readonly stored?: readonly StoredDefinition[];
  readonly settings?: Partial<FrameworkSettings>;
  readonly store?: Store;
  readonly framework?: object;
  readonly world?: VirtualWorld;
}

export class Rig {
  readonly world: VirtualWorld;
  readonly store: Store;
  readonly transport = new ScriptedTransport();
  readonly runtime: FrameworkRuntime;
  readonly definition: FrameworkDefinition;
  /** What `run` came to: undefined while it runs. */
  outcome: 'closed' | Error | undefined;
  #offers = 0;

  constructor(options: RigOptions = {}) {
    const { handlers = [], stored = [], settings, store, framework = {}, world, ...rest } = options;
    this.world = world ?? new VirtualWorld();
    this.store = store ?? new MemoryStore();
    this.definition = { settings: { ...SETTINGS, ...settings }, handlers, stored };
    this.runtime = new FrameworkRuntime({
      world: this.world,
      framework,
      definition: this.definition,
      transport: this.transport,
      store: this.store,
      ...rest,
    });
  }

  /** Starts, and subscribes. */
  async start(frameworkId = 'F1'): Promise<this> {
    this.run();
    await this.world.settle();
    await this.subscribe(frameworkId);
    return this;
  }

  run(): void {
    this.runtime.run().then(
      () => (this.outcome = 'closed'),
      (error: Error) => (this.outcome = error),
    );
  }

  async subscribe(frameworkId = 'F1'): Promise<void> {
    await this.event({
      type: 'SUBSCRIBED',
      subscribed: { framework_id: { value: frameworkId }, heartbeat_interval_seconds: 15 },
    });
  }

  async event(event: SchedulerEvent): Promise<void> {
    await this.give(event);
    await this.world.settle();
  }

  /** Gives an event without waiting for anything. */
  give(event: SchedulerEvent): void | Promise<void> {
    return this.transport.last.handlers.onEvent(event);
  }

  async offer(...offers: readonly Offer[]): Promise<void> {
    await this.event({ type: 'OFFERS', offers: { offers } });
  }

  /** An offer that was not made yet. */
  newOffer(
    options: { readonly role?: string; readonly agent?: string; readonly cpus?: number } = {},
  ): Offer {
    this.#offers++;
    const { role = 'web', agent = 'A1', cpus = 4 } = options;
    const allocation_info = { role };
    const scalar = (name: string, value: number): NonNullable<Offer['resources']>[number] => ({
      name,
      type: 'SCALAR',
      scalar: { value },
      allocation_info,
    });
    return {
      id: { value: `O${this.#offers}` },
      framework_id: { value: 'F1' },
      agent_id: { value: agent },
      hostname: `host-${agent}`,
      resources: [scalar('cpus', cpus), scalar('mem', 4096)],
      allocation_info,
    };
  }

  async update(taskId: string, state: TaskState, more: Partial<TaskStatus> = {}): Promise<void> {
    await this.event({ type: 'UPDATE', update: { status: status(taskId, state, more) } });
  }

  /** Lets time pass while the master sends its heartbeats. */
  async pass(durationMs: number): Promise<void> {
    for (let leftMs = durationMs; leftMs > 0; leftMs -= 15_000) {
      // oxlint-disable-next-line no-await-in-loop -- time passes step by step
      await this.world.advance(Math.min(leftMs, 15_000));
      // oxlint-disable-next-line no-await-in-loop -- time passes step by step
      await this.event({ type: 'HEARTBEAT' });
    }
  }

  /** The session breaks. */
  async breakStream(): Promise<void> {
    this.transport.last.handlers.onEnd(
      new PlateauError('STREAM_ENDED', 'the stream broke', { retriable: true }),
    );
    await this.world.settle();
  }

  /** Calls of the present session, of one type. */
  calls(type?: SchedulerCallType): readonly SchedulerCall[] {
    return this.transport.last.calls.filter((call) => type === undefined || call.type === type);
  }

  /** Types of the calls so far; they are forgotten. */
  take(): readonly (string | undefined)[] {
    return this.transport.last.calls.splice(0).map(({ type }) => type);
  }

  /** Closes, and checks that nothing is left. */
  async close(): Promise<void> {
    await this.runtime.close();
    await this.world.settle();
    if (this.world.clock.pendingTimers > 0) throw new Error('timers were left');
  }
}

export function status(
  taskId: string,
  state: TaskState,
  more: Partial<TaskStatus> = {},
): TaskStatus {
  return { task_id: { value: taskId }, agent_id: { value: 'A1' }, state, ...more };
}
