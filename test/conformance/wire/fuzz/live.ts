/** Things in the cluster under test that good requests are about: a framework, a task, an executor. */
import { randomUUID } from 'node:crypto';
import { get, listAt, textAt } from '../lib/check.js';
import { Context } from '../lib/context.js';
import { commandTask } from '../lib/messages.js';
import { Puppet } from '../lib/puppet.js';
import type { Scheduler } from '../lib/scheduler.js';
import type { Target } from '../lib/target.js';

/** Ids of things that exist, until a request ends them. */
export interface Live {
  readonly agentId: string;
  readonly frameworkId: string;
  readonly streamId: string;
  readonly offerId: string;
  readonly taskId: string;
  readonly executorId: string;
  readonly executorFrameworkId: string;
  readonly containerId: string;
  readonly sandbox: string;
}

export class LiveState {
  readonly #target: Target;
  #context: Context | undefined;
  #scheduler: Scheduler | undefined;
  #puppet: Puppet | undefined;
  #ids: Live | undefined;

  constructor(target: Target) {
    this.#target = target;
  }

  /** What exists now; made again when a request has ended it. */
  async refresh(): Promise<Live> {
    const isAlive = [this.#scheduler, this.#puppet?.scheduler].every(
      (one) => one !== undefined && !one.stream.inbox.isEnded,
    );
    if (!isAlive || this.#ids === undefined || this.#isPuppetGone()) this.#ids = await this.#make();
    const offers = this.#scheduler?.events.findLast((event) => get(event, 'type') === 'OFFERS');
    const [offer] = listAt(offers, 'offers.offers');
    return offer === undefined ? this.#ids : { ...this.#ids, offerId: textAt(offer, 'id.value') };
  }

  async close(): Promise<void> {
    await this.#context?.finish();
  }

  #isPuppetGone(): boolean {
    const events = this.#puppet?.scheduler.events ?? [];
    return events.some((event) => get(event, 'type') === 'FAILURE');
  }

  async #make(): Promise<Live> {
    await this.close();
    const context = new Context(this.#target, 'fuzz');
    this.#context = context;
    const puppet = await Puppet.start(context);
    const scheduler = await context.scheduler();
    const offer = await scheduler.offer({ cpus: 0.5, mem: 64 });
    const taskId = context.unique('task');
    await scheduler.launch(offer, commandTask(taskId, offer, 'sleep 600'), 0);
    const status = await scheduler.until(taskId, 'TASK_RUNNING');
    this.#puppet = puppet;
    this.#scheduler = scheduler;
    return {
      agentId: context.agentId,
      frameworkId: scheduler.id,
      streamId: scheduler.streamId,
      offerId: randomUUID(),
      taskId,
      executorId: textAt(puppet.executor, 'executor_id.value'),
      executorFrameworkId: puppet.scheduler.id,
      containerId: textAt(status, 'container_status.container_id.value'),
      sandbox: await context.sandboxOf(status, scheduler.id),
    };
  }
}
