/**
 * A program of its own: the batch scheduler as `plateau batch serve` runs it, with store and admin interface, over a
 * master that ends each task as soon as it has started. It runs one array to its end and prints what it took:
 * `{residentMiB, peakMiB, cpuMicroseconds}`, the last for each index.
 *
 *     node batch-array.js FOLDER INDEXES
 */
// oxlint-disable-next-line import/no-unassigned-import -- as the command does, before everything else
import '../../frameworks/batch/heap.js';
import { readFileSync } from 'node:fs';
import type { Offer, SchedulerCall, SchedulerEvent, TaskState } from '../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../core/base/index.js';
import { collectWhenIdle } from '../../core/command/index.js';
import { Batch, JobDocument, JobRoutes, TemplateDocument } from '../../frameworks/batch/index.js';
import { runFramework } from '../../sdk/hosting/index.js';
import type { SessionHandlers, Transport } from '../../sdk/runtime/index.js';

const AGENTS = 4;
const CPUS = 10;
/** One index in so many fails at first. */
const FAILING = 10;
/** Until garbage is collected, as it is when there is nothing to do. */
const SETTLE_MS = 1_500;

/** A master whose agents start what they are given, and end it when that is acknowledged. */
class Master implements Transport {
  #handlers: SessionHandlers | undefined;
  #numbers = 0;
  readonly #failed = new Set<string>();
  readonly #queue: SchedulerEvent[] = [];
  #isGiving = false;

  open(_subscribe: SchedulerCall, handlers: SessionHandlers): ReturnType<Transport['open']> {
    this.#handlers = handlers;
    const framework_id = { value: 'F' };
    this.#give({
      type: 'SUBSCRIBED',
      subscribed: { framework_id, heartbeat_interval_seconds: 15 },
    });
    for (let agent = 0; agent < AGENTS; agent++) this.#offer(agent);
    const call = (asked: SchedulerCall): Promise<void> => {
      this.#called(asked);
      return Promise.resolve();
    };
    return { master: undefined, call, close: () => Promise.resolve() };
  }

  close(): Promise<void> {
    this.#handlers = undefined;
    return Promise.resolve();
  }

  #called({ type, accept, decline, acknowledge }: SchedulerCall): void {
    if (type === 'ACCEPT') {
      for (const { launch } of accept?.operations ?? []) {
        for (const { task_id, agent_id } of launch?.task_infos ?? []) {
          this.#update(task_id.value, agent_id.value, 'TASK_RUNNING');
        }
      }
      this.#offerAgain(accept?.offer_ids);
    } else if (type === 'DECLINE') {
      this.#offerAgain(decline?.offer_ids);
    } else if (type === 'ACKNOWLEDGE' && acknowledge !== undefined) {
      const { task_id, agent_id, uuid } = acknowledge;
      const state = Buffer.from(uuid, 'base64').toString().split(' ')[0];
      if (state === 'TASK_RUNNING')
        this.#update(task_id.value, agent_id.value, this.#endOf(task_id.value));
    }
  }

  #endOf(taskId: string): TaskState {
    const index = taskId.split('.')[1] ?? '';
    if (Number(index) % FAILING !== 0 || this.#failed.has(index)) return 'TASK_FINISHED';
    this.#failed.add(index);
    return 'TASK_FAILED';
  }

  #offerAgain(ids: readonly { readonly value: string }[] | undefined): void {
    for (const { value } of ids ?? [])
      setTimeout(() => this.#offer(Number(value.split('-')[0])), 20);
  }

  #offer(agent: number): void {
    const role = { role: 'batch' };
    const scalar = (name: string, value: number): NonNullable<Offer['resources']>[number] => ({
      name,
      type: 'SCALAR',
      scalar: { value },
      allocation_info: role,
    });
    const offer: Offer = {
      id: { value: `${agent}-${this.#numbers++}` },
      framework_id: { value: 'F' },
      agent_id: { value: `agent-${agent}` },
      hostname: `agent-${agent}`,
      allocation_info: role,
      resources: [scalar('cpus', CPUS), scalar('mem', 65_536)],
    };
    this.#give({ type: 'OFFERS', offers: { offers: [offer] } });
  }

  #update(taskId: string, agentId: string, state: TaskState): void {
    const uuid = Buffer.from(`${state} ${this.#numbers++}`).toString('base64');
    const message = state === 'TASK_FAILED' ? 'Command exited with status 1' : '';
    const status = {
      task_id: { value: taskId },
      agent_id: { value: agentId },
      state,
      message,
      uuid,
    };
    this.#give({ type: 'UPDATE', update: { status } });
  }

  /** One event after the other, as a connection has them. */
  #give(event: SchedulerEvent): void {
    this.#queue.push(event);
    if (!this.#isGiving) void this.#giveAll();
  }

  async #giveAll(): Promise<void> {
    this.#isGiving = true;
    await new Promise((resolve) => setImmediate(resolve));
    for (let event = this.#queue.shift(); event !== undefined; event = this.#queue.shift()) {
      // oxlint-disable-next-line no-await-in-loop -- as a network that is held up
      await this.#handlers?.onEvent(event);
    }
    this.#isGiving = false;
  }
}

function memoryMiB(name: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1024;
}

async function main([folder = '', indexes = '100000']: readonly string[]): Promise<void> {
  const world = systemWorld(SILENT_LOGGER);
  const running = await runFramework(Batch, {
    world,
    store: `lmdb:${folder}`,
    transport: () => new Master(),
    admin: { routes: [JobRoutes] },
  });
  const collection = collectWhenIdle(world.clock);
  const template = Object.assign(new TemplateDocument(), { command: 'true', cpus: 0.1 });
  const backoff = { seconds: 0, maxSeconds: 0, factor: 1, jitter: 0 };
  const completions = Number(indexes);
  const fields = { name: 'large', template, completions, backoff, avoidLastAgent: false };
  const before = process.cpuUsage();
  const url = `http://127.0.0.1:${running.adminPort ?? 0}/v1/jobs`;
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(Object.assign(new JobDocument(), fields));
  for (let status = 503; status !== 201;) {
    // oxlint-disable-next-line no-await-in-loop -- until it has read its state
    const answer = await fetch(url, { method: 'POST', headers, body });
    ({ status } = answer);
    // oxlint-disable-next-line no-await-in-loop -- the same
    if (status !== 201 && status !== 503) throw new Error(await answer.text());
  }
  const isOver = (): boolean =>
    running.framework instanceof Batch && running.framework.engine.job('large').isFinished;
  while (!isOver()) {
    // oxlint-disable-next-line no-await-in-loop -- until it has ended
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { user, system } = process.cpuUsage(before);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const cpuMicroseconds = (user + system) / completions;
  const result = { residentMiB: memoryMiB('VmRSS'), peakMiB: memoryMiB('VmHWM'), cpuMicroseconds };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  collection.dispose();
  await running.close();
}

await main(process.argv.slice(2));
