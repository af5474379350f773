/**
 * Status updates through the HTTP transport of the SDK: each is read, decoded and acknowledged by a call of
 * its own. The process of the benchmark is the framework; a bare master in another feeds it. What
 * counts is the processor time of the framework: it says what one core carries.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemWorld } from '../../core/base/index.js';
import { HttpTransport } from '../../sdk/transport/index.js';
import type { Bench } from './bench.js';
import { summarise } from './result.js';

const WARM_UP_UPDATES = 10_000;
const ROUNDS = 5;
const ROUND_MS = 2_000;

export const SDK_TRANSPORT: Bench = {
  name: 'SdkTransport',
  async run() {
    const server = fork(fileURLToPath(new URL('sdk-updates-server.js', import.meta.url)));
    const [port]: unknown[] = await once(server, 'message');
    const framework = new BenchFramework(`127.0.0.1:${String(port)}`);
    try {
      await framework.untilAcknowledged(WARM_UP_UPDATES);
      const rounds: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) rounds.push(await framework.measure());
      return [
        summarise(
          'updates read and acknowledged over HTTP by got',
          rounds.map(({ perSecond }) => perSecond),
          { unit: 'updates/s', note: 'one framework, one process; goal: 2,500' },
        ),
        summarise(
          'updates for each second of a core of the framework',
          rounds.map(({ processorMs }) => 1000 / processorMs),
          { unit: 'updates/s' },
        ),
        summarise(
          'processor time of the framework for each update',
          rounds.map(({ processorMs }) => processorMs),
        ),
      ];
    } finally {
      await framework.close();
      server.disconnect();
    }
  },
};

interface Round {
  readonly perSecond: number;
  /** Of all threads of this process, for each update. */
  readonly processorMs: number;
}

class BenchFramework {
  readonly #transport: HttpTransport;
  #acknowledged = 0;
  #failure: Error | undefined;

  constructor(masters: string) {
    this.#transport = new HttpTransport({ world: systemWorld(), masters });
    const framework_id = { value: 'bench' };
    const fail = (error: Error): void => {
      this.#failure ??= error;
    };
    const session = this.#transport.open(
      { type: 'SUBSCRIBE', subscribe: { framework_info: { user: 'nobody', name: 'bench' } } },
      {
        onEvent: ({ update }) => {
          const { uuid, agent_id, task_id } = update?.status ?? {};
          if (uuid === undefined || agent_id === undefined || task_id === undefined) return;
          const acknowledge = { agent_id, task_id, uuid };
          session
            .call({ type: 'ACKNOWLEDGE', framework_id, acknowledge })
            .then(() => this.#acknowledged++, fail);
        },
        onEnd: fail,
      },
    );
  }

  async untilAcknowledged(count: number): Promise<void> {
    while (this.#acknowledged < count) await this.#pause(50);
  }

  async measure(): Promise<Round> {
    const before = this.#acknowledged;
    const used = process.cpuUsage();
    const startMs = performance.now();
    await this.#pause(ROUND_MS);
    const count = this.#acknowledged - before;
    const { user, system } = process.cpuUsage(used);
    const perSecond = (count * 1000) / (performance.now() - startMs);
    return { perSecond, processorMs: (user + system) / 1000 / count };
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
