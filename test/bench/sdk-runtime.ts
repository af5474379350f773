/**
 * The runtime of the SDK alone: no network, handlers that do next to nothing. What it adds to each update, in
 * CPU time of this process, and to each round of offers, by the clock. Updates are kept in memory, rounds of
 * offers in LMDB as in production: what a store in memory keeps would be collected with the garbage.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Offer,
  type SchedulerEvent,
  type TaskStatus,
  decodeJson,
  encodeJson,
} from '../../core/api/index.js';
import {
  SILENT_LOGGER,
  type Store,
  type StoreTransaction,
  systemWorld,
} from '../../core/base/index.js';
import { LmdbStore, MemoryStore } from '../../core/store/index.js';
import { type Action, task } from '../../sdk/decisions/index.js';
import type { HandlerDefinition, HandlerKind } from '../../sdk/framework/index.js';
import type { Offers } from '../../sdk/matching/index.js';
import { FrameworkRuntime, type SessionHandlers, type Transport } from '../../sdk/runtime/index.js';
import { type Bench, collectGarbage } from './bench.js';
import { type BenchResult, percentile, summarise } from './result.js';

const TASKS = 20_000;
const UPDATES_PER_TASK = 2;
const OFFERS = 1_000;
const ROUNDS = 300;
const WARM_UP_ROUNDS = 100;
const SAMPLES = 5;
/** Tasks that one round places, where rounds place any. */
const PLACED = [20, 200];
const PLACING_ROUNDS = 20;
const PLACING_LIVES = 20;
const PLACING_WARM_UPS = 10;

export const SDK_RUNTIME: Bench = {
  name: 'SdkRuntime',
  async run() {
    return [await updatesPerSecond(), await launchesPerSecond(), ...(await offerLatency())];
  },
};

/** Notes when a turn is handed to it: what the SDK itself has to do before a decision is written is done then. */
class NotingStore extends LmdbStore {
  onTransact: () => void = () => {};

  override transact(transaction: StoreTransaction): Promise<void> {
    this.onTransact();
    return super.transact(transaction);
  }
}

/** A framework whose master is the benchmark. */
class Rig {
  readonly runtime: FrameworkRuntime;
  calls = 0;
  acknowledged = 0;
  handled = 0;
  /** How long the last call of the handler of offers took, in milliseconds. */
  handlerMs = 0;
  #handlers: SessionHandlers | undefined;

  constructor(run: (offers: Offers) => unknown, store: Store = new MemoryStore()) {
    const transport: Transport = {
      open: (_call, handlers) => {
        this.#handlers = handlers;
        return {
          master: undefined,
          call: ({ type }) => {
            this.calls++;
            if (type === 'ACKNOWLEDGE') this.acknowledged++;
            return Promise.resolve();
          },
          close: () => Promise.resolve(),
        };
      },
      close: () => Promise.resolve(),
    };
    this.runtime = new FrameworkRuntime({
      world: systemWorld(SILENT_LOGGER),
      framework: {},
      definition: {
        settings: {
          name: 'bench',
          roles: ['*'],
          user: 'nobody',
          labels: {},
          failoverTimeoutMs: 60_000,
          revocable: false,
          gpus: false,
          regionAware: false,
          onRemoved: 'exit',
          reconcileEveryMs: 3_600_000,
          unmatchedForMs: 120_000,
          notReadyForMs: 5_000,
        },
        stored: [],
        handlers: [
          handler('offers', (offers: Offers) => this.#timed(run, offers)),
          handler('status', () => void this.handled++),
        ],
      },
      transport,
      store,
    });
  }

  async start(): Promise<void> {
    void this.runtime.run();
    while (this.#handlers === undefined) {
      // oxlint-disable-next-line no-await-in-loop -- until it has loaded
      await turnOfLoop();
    }
    await this.give({
      type: 'SUBSCRIBED',
      subscribed: { framework_id: { value: 'F' }, heartbeat_interval_seconds: 15 },
    });
    await turnOfLoop();
  }

  #timed(run: (offers: Offers) => unknown, offers: Offers): unknown {
    const before = performance.now();
    const decision = run(offers);
    this.handlerMs = performance.now() - before;
    return decision;
  }

  give(event: SchedulerEvent): void | Promise<void> {
    return this.#handlers?.onEvent(event);
  }
}

async function updatesPerSecond(): Promise<BenchResult> {
  const samples: number[] = [];
  for (let sample = -1; sample < SAMPLES; sample++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const rate = await updatesOnce();
    if (sample >= 0) samples.push(rate);
  }
  const note = `${TASKS} tasks, ${UPDATES_PER_TASK} updates each, to the last acknowledgement`;
  return summarise('status updates through the runtime', samples, { unit: '/s of CPU', note });
}

async function updatesOnce(): Promise<number> {
  const rig = new Rig(() => undefined);
  await rig.start();
  const states = ['TASK_RUNNING', 'TASK_FINISHED'] as const;
  const statuses: TaskStatus[] = states.flatMap((state, round) =>
    Array.from({ length: TASKS }, (_, index) => ({
      task_id: { value: `web.${index}` },
      agent_id: { value: `agent-${index % 100}` },
      state,
      uuid: Buffer.from(`${round}-${index}`).toString('base64'),
    })),
  );
  collectGarbage();
  const before = process.cpuUsage();
  for (const status of statuses) {
    const held = rig.give({ type: 'UPDATE', update: { status } });
    // oxlint-disable-next-line no-await-in-loop -- as a network that is held up
    if (held !== undefined) await held;
  }
  while (rig.acknowledged < statuses.length) {
    // oxlint-disable-next-line no-await-in-loop -- until all are durable
    await turnOfLoop();
  }
  const seconds = cpuMs(before) / 1000;
  if (rig.handled !== statuses.length) throw new Error(`${rig.handled} updates were handled`);
  await rig.runtime.close();
  return statuses.length / seconds;
}

async function launchesPerSecond(): Promise<BenchResult> {
  const spec = task({ name: 'web', cpus: 0.01, memMiB: 1, command: 'true' });
  const rig = new Rig((offers) =>
    offers.isEmpty ? undefined : offers.fit(spec, { count: TASKS }),
  );
  await rig.start();
  const offers = Array.from({ length: 200 }, (_, index) => offerOf(index, 4));
  collectGarbage();
  const before = process.cpuUsage();
  await rig.give({ type: 'OFFERS', offers: { offers } });
  await turnOfLoop();
  const ms = cpuMs(before);
  const launched = rig.runtime.view.tasks.size;
  if (launched !== TASKS) throw new Error(`${launched} tasks were launched`);
  await rig.runtime.close();
  return summarise('launches: matched, recorded, sent', [launched / (ms / 1000)], {
    unit: '/s of CPU',
    note: `${TASKS} tasks on ${offers.length} offers in one turn`,
  });
}

async function offerLatency(): Promise<readonly BenchResult[]> {
  const accept = (offers: Offers): readonly Action[] => {
    let first: Action | undefined;
    for (const { id } of offers) {
      first ??= { kind: 'accept', offerIds: [id], operations: [], tasks: [] };
    }
    return first === undefined ? [] : [first];
  };
  const decline = await rounds(() => undefined);
  const look = await rounds(accept);
  const placing: BenchResult[] = [];
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const placed of PLACED) placing.push(...(await placementLatency(placed)));
  return [
    ...placing,
    { ...decline, name: `round of ${OFFERS} offers, all declined` },
    { ...look, name: `round of ${OFFERS} offers, each looked at` },
  ];
}

/**
 * A whole round: offers, the decision, its record in the store, the calls; the part before the store has it;
 * and of that what is not the handler's own, which is here the search for places.
 */
async function placementLatency(placed: number): Promise<readonly BenchResult[]> {
  const whole: number[] = [];
  const decided: number[] = [];
  const added: number[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'plateau-bench-'));
  // Not between lives: a full collection also takes compiled code away, and what is measured is its making.
  collectGarbage();
  for (let life = -PLACING_WARM_UPS; life < PLACING_LIVES; life++) {
    const spec = task({ name: 'web', cpus: 0.5, memMiB: 64, command: 'true' });
    let count = 0;
    const store = new NotingStore(join(folder, String(life)));
    // A new framework now and then: one that launches for ever is another benchmark.
    const rig = new Rig((offers) => offers.keep((count += placed), spec), store);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const found = await roundsOf(rig, PLACING_ROUNDS, store);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await store.close();
    if (life < 0) continue;
    whole.push(...found.whole);
    decided.push(...found.decided);
    added.push(...found.added);
  }
  rmSync(folder, { recursive: true });
  const name = `round of ${OFFERS} offers, ${placed} tasks placed`;
  return [
    latency(`${name}: added to the handler`, added),
    latency(`${name} and handed to the store`, decided),
    latency(`${name}, durable and sent`, whole),
  ];
}

/** From the event to the last answer of a round. */
async function rounds(run: (offers: Offers) => unknown): Promise<BenchResult> {
  collectGarbage();
  const { whole } = await roundsOf(new Rig(run), WARM_UP_ROUNDS + ROUNDS);
  return latency('', whole.slice(WARM_UP_ROUNDS));
}

function latency(name: string, samples: readonly number[]): BenchResult {
  const note = `median ${percentile(samples, 0.5).toFixed(2)} ms`;
  return { name, value: percentile(samples, 0.99), unit: 'ms, p99', note };
}

/**
 * Milliseconds of each round; `decided` and `added` have those of rounds in which something was stored. By the clock: in
 * so short a time, what the processor has spent is told in ticks, and for other threads.
 */
interface Rounds {
  readonly whole: readonly number[];
  readonly decided: readonly number[];
  readonly added: readonly number[];
}

async function roundsOf(rig: Rig, count: number, store?: NotingStore): Promise<Rounds> {
  await rig.start();
  const whole: number[] = [];
  const decided: number[] = [];
  const added: number[] = [];
  let before = performance.now();
  if (store !== undefined) {
    store.onTransact = () => {
      const ms = performance.now() - before;
      decided.push(ms);
      added.push(ms - rig.handlerMs);
    };
  }
  for (let round = 0; round < count; round++) {
    const { calls } = rig;
    before = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await rig.give({ type: 'OFFERS', offers: { offers: ROUND } });
    while (rig.calls === calls) {
      // oxlint-disable-next-line no-await-in-loop -- until it is answered
      await (store === undefined ? Promise.resolve() : turnOfLoop());
    }
    whole.push(performance.now() - before);
  }
  await rig.runtime.close();
  return { whole, decided, added };
}

/**
 * The same offers each time, as the reader of messages makes them: what they leave to the collector would be
 * measured with the rest.
 */
const ROUND: readonly Offer[] = Array.from({ length: OFFERS }, (_, index) =>
  decodeJson('Offer', encodeJson('Offer', offerOf(index, 4))),
);

function offerOf(index: number, cpus: number): Offer {
  return {
    id: { value: `offer-${index}` },
    framework_id: { value: 'F' },
    agent_id: { value: `agent-${index % OFFERS}` },
    hostname: `host-${index % OFFERS}`,
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: cpus } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 4096 } },
    ],
    allocation_info: { role: '*' },
  };
}

function handler(kind: HandlerKind, run: (event: never) => unknown): HandlerDefinition {
  return {
    kind,
    method: kind,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the event of its kind
    invoke: (_instance, [event]) => run(event as never),
    onError: 'crash',
    retries: 0,
    backoffMs: 1_000,
    timeoutMs: 60_000,
  };
}

function cpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
