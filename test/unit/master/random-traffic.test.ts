import { expect } from 'chai';
import type {
  FrameworkInfo,
  Offer,
  OfferOperation,
  Task,
  TaskState,
} from '../../../core/api/index.js';
import { type Random, SeededRandom, VirtualWorld } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import {
  AGENT_INFO,
  CAPABILITIES,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  OLD_FRAMEWORK_INFO,
  type Scheduler,
  amounts,
  task,
} from './harness.js';

/**
 * A few agents and frameworks that do all they may do, in any order. The master asserts its
 * invariants itself and would stop; here its books are compared with each other after each step.
 */
const STEPS = 400;
const SEEDS = 12;
const ROLES = ['web', 'web/a', 'db'];
const COUNTED: readonly TaskState[] = ['TASK_STAGING', 'TASK_RUNNING', 'TASK_UNREACHABLE'];
const STATES: readonly TaskState[] = ['TASK_RUNNING', 'TASK_FINISHED', 'TASK_FAILED'];

interface AgentSide {
  readonly number: number;
  id: string;
  connection: FakeConnection | undefined;
  /** Messages that were looked at. */
  seen: number;
  readonly tasks: Map<string, Task>;
}

class Traffic {
  harness: Harness;
  readonly random: Random;
  readonly agents: AgentSide[] = [];
  schedulers: Scheduler[] = [];
  launched = 0;
  readonly answered = new Set<string>();
  #names = 0;

  constructor(harness: Harness, seed: string) {
    this.harness = harness;
    this.random = new SeededRandom(seed);
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.random.below(items.length)];
  }

  async step(): Promise<void> {
    const steps = [
      () => this.addAgent(),
      () => this.addFramework(),
      () => this.answerOffers(),
      () => this.answerOffers(),
      () => this.answerOffers(),
      () => this.answerOffers(),
      () => this.updateTask(),
      () => this.updateTask(),
      () => this.breakConnection(),
      () => this.comeBack(),
      () => this.comeBack(),
      () => this.losesStream(),
      () => this.endFramework(),
      () => this.kill(),
    ];
    await Promise.resolve(this.pick(steps)?.());
    for (const { connection } of this.agents) {
      if (connection !== undefined) this.harness.agentMessage(connection, { type: 'PONG' });
    }
    await this.harness.world.advance(this.random.below(4) * 700);
    this.readMessages();
    if (this.random.below(100) === 0) await this.harness.world.advance(80_000);
    if (this.random.below(150) === 0) await this.restart();
  }

  async addAgent(): Promise<void> {
    if (this.agents.length >= 4) return;
    const number = this.agents.length;
    const connection = await this.harness.register({ ...AGENT_INFO, hostname: `host-${number}` });
    this.agents.push({ number, id: connection.agentId, connection, seen: 0, tasks: new Map() });
  }

  async addFramework(): Promise<void> {
    if (this.schedulers.length >= 4) return;
    const base: FrameworkInfo = this.random.below(2) === 0 ? FRAMEWORK_INFO : OLD_FRAMEWORK_INFO;
    const roles = [this.pick(ROLES) ?? 'web'];
    this.schedulers.push(await this.harness.subscribe({ ...base, roles }));
  }

  /** What a scheduler believes to be open, which may have been rescinded. */
  openOffers(scheduler: Scheduler): Offer[] {
    const rescinded = new Set(
      this.random.below(10) === 0
        ? []
        : scheduler.stream.of('RESCIND').map((event) => event.rescind?.offer_id.value),
    );
    return scheduler.stream.offers.filter(
      ({ id: { value } }) => !this.answered.has(value) && !rescinded.has(value),
    );
  }

  answerOffers(): void {
    const scheduler = this.pick(this.schedulers);
    const offer = scheduler && this.pick(this.openOffers(scheduler));
    if (scheduler === undefined || offer === undefined) return;
    if (this.random.below(10) > 0) this.answered.add(offer.id.value);
    if (this.random.below(3) === 0) {
      const refuse_seconds = this.random.below(3);
      const decline = { offer_ids: [offer.id], filters: { refuse_seconds } };
      scheduler.call({ type: 'DECLINE', decline });
      return;
    }
    const role = offer.allocation_info?.role ?? '*';
    const cpus = 0.5 + this.random.below(3);
    const reservation = { reservations: [{ type: 'DYNAMIC' as const, role }] };
    const resources = amounts(cpus, 64, this.random.below(2) === 0 ? reservation : {});
    const kind = this.pick(['RESERVE', 'UNRESERVE'] as const) ?? 'RESERVE';
    const operations: OfferOperation[] = [
      { type: kind, reserve: { resources }, unreserve: { resources } },
      { type: 'LAUNCH', launch: { task_infos: [1, 2].map(() => this.makeTask(offer, resources)) } },
    ];
    scheduler.accept([offer], operations, this.random.below(5));
  }

  makeTask(offer: Offer, resources: ReturnType<typeof amounts>) {
    const executor = {
      executor_id: { value: 'e' },
      command: { value: 'x' },
      resources: amounts(0.1, 32),
    };
    const custom = this.random.below(3) === 0 ? { command: undefined, executor } : {};
    const name = `t${this.random.below(10) === 0 ? 0 : this.#names++}`;
    return task(offer, { task_id: { value: name }, resources, ...custom });
  }

  /** What agents do with messages: they start tasks, forget acknowledged ones, and end others. */
  readMessages(): void {
    for (const agent of this.agents) {
      const messages = agent.connection?.messages.slice(agent.seen) ?? [];
      agent.seen += messages.length;
      for (const { run_tasks: run, shutdown_framework: shutdown, reregistered } of messages) {
        const frameworkId = run?.framework_info.id ?? { value: '' };
        for (const info of run?.tasks ?? []) {
          this.launched++;
          agent.tasks.set(`${frameworkId.value}/${info.task_id.value}`, {
            name: info.name,
            task_id: info.task_id,
            framework_id: frameworkId,
            agent_id: { value: agent.id },
            state: 'TASK_STAGING',
            resources: info.resources,
          });
        }
        for (const { framework_id: owner, task_ids: ids } of reregistered?.unknown_tasks ?? []) {
          for (const taskId of ids ?? [])
            this.send(agent, owner.value, taskId.value, 'TASK_DROPPED');
        }
        for (const key of shutdown === undefined ? [] : agent.tasks.keys()) {
          if (key.startsWith(`${shutdown?.framework_id.value}/`)) agent.tasks.delete(key);
        }
      }
    }
  }

  send(agent: AgentSide, frameworkId: string, taskId: string, state: TaskState): void {
    if (agent.connection === undefined) return;
    this.harness.agentMessage(agent.connection, {
      type: 'STATUS_UPDATE',
      status_update: {
        framework_id: { value: frameworkId },
        status: {
          task_id: { value: taskId },
          state,
          uuid: `${taskId}${state}`,
          agent_id: { value: agent.id },
        },
        latest_state: state,
      },
    });
    const scheduler = this.schedulers.find((one) => one.id === frameworkId);
    if (this.random.below(2) === 0) {
      scheduler?.acknowledge(agent.id, `${taskId}${state}`, taskId);
    }
  }

  updateTask(): void {
    const agent = this.pick(this.agents);
    const found = agent && this.pick([...agent.tasks]);
    const state = this.pick(STATES);
    if (agent?.connection === undefined || found === undefined || state === undefined) return;
    const [key, message] = found;
    if (state === 'TASK_RUNNING') agent.tasks.set(key, { ...message, state });
    else agent.tasks.delete(key);
    this.send(agent, message.framework_id.value, message.task_id.value, state);
  }

  breakConnection(): void {
    const agent = this.pick(this.agents);
    if (agent?.connection === undefined) return;
    this.harness.master.agentDisconnected(agent.connection);
    agent.connection = undefined;
  }

  async comeBack(): Promise<void> {
    for (const agent of this.agents) {
      if (agent.connection !== undefined && !agent.connection.isClosed) continue;
      const connection = new FakeConnection();
      agent.connection = connection;
      agent.seen = 0;
      this.harness.agentMessage(connection, {
        type: 'REREGISTER',
        reregister: {
          agent_info: { ...AGENT_INFO, hostname: `host-${agent.number}`, id: { value: agent.id } },
          version: '1.11.0',
          capabilities: CAPABILITIES,
          tasks: [...agent.tasks.values()],
          frameworks: this.schedulers.map(({ id: value }) => ({
            ...FRAMEWORK_INFO,
            id: { value },
          })),
        },
      });
    }
    await this.harness.world.settle();
  }

  async losesStream(): Promise<void> {
    const scheduler = this.pick(this.schedulers);
    if (scheduler === undefined) return;
    if (this.random.below(2) === 0) scheduler.disconnect();
    const info = { ...FRAMEWORK_INFO, id: { value: scheduler.id } };
    const next = await this.harness.subscribe(info);
    this.schedulers = this.schedulers.filter((one) => one !== scheduler);
    if (next.id !== '') this.schedulers.push(next);
  }

  endFramework(): void {
    if (this.random.below(3) > 0) return;
    const scheduler = this.pick(this.schedulers);
    scheduler?.call({ type: 'TEARDOWN' });
    this.schedulers = this.schedulers.filter((one) => one !== scheduler);
  }

  kill(): void {
    const scheduler = this.pick(this.schedulers);
    const value = `t${this.random.below(this.#names + 1)}`;
    scheduler?.call({ type: 'KILL', kill: { task_id: { value } } });
    scheduler?.reconcile();
  }

  async restart(): Promise<void> {
    this.harness = await this.harness.restarted();
    for (const agent of this.agents) agent.connection = undefined;
    this.schedulers = [];
  }

  /** When everything has ended, all that agents have can be offered again: nothing leaked. */
  async checkNothingLeaked(): Promise<void> {
    const { harness } = this;
    for (const frameworkId of harness.master.cluster.frameworks.keys()) {
      const teardown = { framework_id: { value: frameworkId } };
      void harness.master.operatorCall({ type: 'TEARDOWN', teardown });
    }
    for (const agent of this.agents) agent.tasks.clear();
    await this.comeBack();
    await harness.subscribe({ ...FRAMEWORK_INFO, roles: ROLES });
    await harness.world.advance(3_000);
    for (const agent of harness.master.cluster.agents.values()) {
      if (!agent.isConnected) continue;
      expect(agent.usedTotal.toString()).to.equal('');
      expect(agent.offered.toString(), agent.id).to.equal(agent.total.toString());
    }
  }

  /** The same amounts, seen from agents, frameworks, tasks and offers. */
  check(): void {
    const { cluster } = this.harness.master;
    for (const { counts, tasks } of cluster.frameworks.values()) {
      const states = [...tasks.values()].map(({ message }) => message.state);
      for (const state of COUNTED) {
        expect(counts.tasksIn(state), state).to.equal(states.filter((one) => one === state).length);
      }
    }
    for (const agent of cluster.agents.values()) {
      const offered = Resources.sum(
        [...cluster.offers]
          .filter((offer) => offer.agentId === agent.id)
          .map((offer) => offer.resources.unallocated()),
      );
      expect(agent.offered.toString()).to.equal(offered.toString());
      const held = [...cluster.frameworks.values()].flatMap((framework) => [
        ...[...framework.tasks.values()].filter(
          (one) => one.agentId === agent.id && !one.isReleased,
        ),
        ...(framework.executors.get(agent.id)?.values() ?? []),
      ]);
      const used = Resources.sum(held.map((one) => one.resources.unallocated()));
      expect(agent.usedTotal.toString()).to.equal(used.toString());
      expect(Resources.sum(agent.used.values()).unallocated().toString()).to.equal(used.toString());
      if (!agent.isOvercommitted) {
        expect(agent.total.contains(offered.plus(used)), agent.id).to.equal(true);
      }
    }
  }
}

describe('Master under random traffic', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    it(`keeps its books in balance: seed ${seed}`, async () => {
      const world = new VirtualWorld({ seed: `traffic-${seed}` });
      const traffic = new Traffic(await Harness.started({ world }), `traffic-${seed}`);
      for (let step = 0; step < STEPS; step++) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await traffic.step();
        expect(traffic.harness.fatal).to.deep.equal([]);
        traffic.check();
      }
      expect(traffic.launched).to.be.greaterThan(5);
      await traffic.checkNothingLeaked();
    });
  }
});
