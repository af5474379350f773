/**
 * Serving state: how long `/state` takes, what pollers of it cost everybody else, and the memory of idle
 * event streams. The client is a process of its own and reads everything it is sent.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SILENT_LOGGER, isRecord, systemWorld } from '../../core/base/index.js';
import { MasterServer } from '../../core/http/index.js';
import type { Master } from '../../core/master/index.js';
import { type Bench, collectGarbage } from './bench.js';
import { type BenchResult, percentile, summarise } from './result.js';
import type { Order, PollOrder, PollResult } from './state-client.js';
import { StateLoad } from './state-load.js';

const LARGE = { agents: 10_000, frameworks: 100, tasksPerAgent: 20 };
const POLLED = { agents: 100, frameworks: 20, tasksPerAgent: 200 };
const POLLERS = 20;
const ROUNDS = 10;
const STREAMS = 10_000;
/** Pauses between changes of the state while it is polled. */
const CHANGE_MS = 100;

/** Another program of this folder, which answers over IPC. */
class Helper {
  readonly #child: ChildProcess;

  constructor(file: string) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)));
  }

  async ask(order: object): Promise<unknown> {
    this.#child.send(order);
    return await this.answer();
  }

  async answer(): Promise<unknown> {
    const [answer]: unknown[] = await once(this.#child, 'message');
    if (!isRecord(answer) || 'error' in answer) throw new Error(JSON.stringify(answer));
    return answer['result'];
  }

  async stop(): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

/** What a poll came to, with the time of processors that the master took for it. */
interface Polled extends PollResult {
  readonly cpuMs: number;
}

/** A served master, a client that reads pages, and another that looks at `/health`. */
class Served {
  readonly #server: MasterServer;
  readonly #reader = new Helper('state-client.js');
  readonly #watcher = new Helper('state-client.js');
  url = '';

  private constructor(master: Master) {
    this.#server = new MasterServer({
      world: systemWorld(SILENT_LOGGER),
      log: SILENT_LOGGER,
      master,
      host: '127.0.0.1',
      port: 0,
      flags: {},
      filesRoots: [],
    });
  }

  static async start(master: Master): Promise<Served> {
    const served = new Served(master);
    served.url = `http://127.0.0.1:${(await served.#server.listen()).port}`;
    return served;
  }

  async poll(order: Omit<PollOrder, 'kind' | 'url'>, page = '/state'): Promise<Polled> {
    await this.#watcher.ask({ kind: 'watch', url: `${this.url}/health` } satisfies Order);
    const url = this.url + page;
    const before = process.cpuUsage();
    const result = await this.#reader.ask({ kind: 'poll', url, ...order } satisfies Order);
    const { user, system } = process.cpuUsage(before);
    const healthMs = await this.#watcher.ask({ kind: 'unwatch' } satisfies Order);
    if (!isRecord(result) || !Array.isArray(healthMs)) throw new Error('the client is broken');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program made it
    return { ...result, healthMs, cpuMs: (user + system) / 1000 } as unknown as Polled;
  }

  async stop(): Promise<void> {
    await this.#reader.stop();
    await this.#watcher.stop();
    await this.#server.close();
  }
}

export const LARGE_STATE: Bench = {
  name: 'LargeState',
  async run() {
    const load = await StateLoad.start(LARGE);
    const served = await Served.start(load.master);
    collectGarbage();
    const one = { clients: 1 };
    const first = await served.poll({ ...one, rounds: 1 });
    const again = await served.poll({ ...one, rounds: 5 });
    const changed: number[] = [];
    const health: number[] = [...first.healthMs, ...again.healthMs];
    for (let round = 0; round < 5; round++) {
      load.change();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const result = await served.poll({ ...one, rounds: 1 });
      changed.push(...result.readMs);
      health.push(...result.healthMs);
    }
    const agents = await served.poll({ clients: 1, rounds: 1 }, '/slaves');
    const summary = await served.poll({ clients: 1, rounds: 1 }, '/state-summary');
    const tasks = await served.poll({ clients: 1, rounds: 1 }, '/tasks');
    await served.stop();
    load.stop();
    const size = `10,000 agents, 200,000 tasks, half completed`;
    const note = `${size}; ${(first.bytes / 2 ** 20).toFixed(0)} MiB`;
    return [
      summarise('/state, first answer', first.readMs, { note, anchor: 'Mesos 1.7: 1.86 s (f)' }),
      {
        name: 'the same, time of processors',
        value: first.cpuMs,
        unit: 'ms',
        note: 'of the master',
      },
      summarise('/state, again, unchanged', again.readMs),
      summarise('/state, again, after a change', changed),
      summarise('/slaves, first answer', agents.readMs),
      summarise('/state-summary, first answer', summary.readMs),
      summarise('/tasks (100 of them), first answer', tasks.readMs),
      {
        name: '/health meanwhile, p99',
        value: percentile(health, 0.99),
        unit: 'ms',
        spread: [Math.min(...health), Math.max(...health)],
      },
    ];
  },
};

export const POLLED_STATE: Bench = {
  name: 'PolledState',
  async run() {
    const load = await StateLoad.start(POLLED);
    const served = await Served.start(load.master);
    const common = { clients: POLLERS, rounds: ROUNDS };
    await served.poll({ clients: 1, rounds: 3 });
    const plain = await served.poll(common);
    const gzip = await served.poll({ ...common, headers: { 'Accept-Encoding': 'gzip' } });
    const conditional = await served.poll({ ...common, isConditional: true });
    const timer = setInterval(() => load.change(), CHANGE_MS);
    const changing = await served.poll(common);
    const changingGzip = await served.poll({ ...common, headers: { 'Accept-Encoding': 'gzip' } });
    clearInterval(timer);
    await served.stop();
    load.stop();
    return [
      ...polled('plain', plain, 'Mesos 1.7: mean 0.96 s (f)'),
      ...polled('gzip', gzip),
      ...polled('ETag', conditional),
      ...polled(`plain, changed every ${CHANGE_MS} ms`, changing),
      ...polled(`gzip, changed every ${CHANGE_MS} ms`, changingGzip),
    ];
  },
};

function polled(how: string, result: PollResult, anchor?: string): BenchResult[] {
  const { readMs, healthMs, bytes } = result;
  const mean = readMs.reduce((sum, ms) => sum + ms, 0) / readMs.length;
  const note = `20 pollers of 20,000 tasks; ${(bytes / 2 ** 20).toFixed(1)} MiB each`;
  return [
    {
      name: `/state for 20, ${how}, mean`,
      value: mean,
      unit: 'ms',
      spread: [Math.min(...readMs), Math.max(...readMs)],
      note,
      anchor,
    },
    {
      name: `/health meanwhile, p99`,
      value: percentile(healthMs, 0.99),
      unit: 'ms',
      spread: [Math.min(...healthMs), Math.max(...healthMs)],
    },
  ];
}

export const IDLE_STREAMS: Bench = {
  name: 'IdleStreams',
  async run() {
    const master = new Helper('state-streams.js');
    const url = `http://127.0.0.1:${Number(await master.answer())}/api/v1/scheduler`;
    const client = new Helper('state-client.js');
    const open = async (count: number): Promise<number> => {
      await client.ask({ kind: 'streams', url, count } satisfies Order);
      const told = await master.ask({});
      return isRecord(told) ? Number(told['rss']) : Number.NaN;
    };
    const before = await open(100);
    const bytes = (await open(STREAMS)) - before;
    await client.stop();
    await master.stop();
    return [
      {
        name: `memory of ${STREAMS} idle scheduler streams`,
        value: bytes / 2 ** 20,
        unit: 'MiB RSS',
        note: 'with their frameworks; the client is another process',
      },
    ];
  },
};
