import { expect } from 'chai';
import type { Offer, OfferOperation, OperationStatus, Resource } from '../../core/api/index.js';
import {
  MASTER_NODE,
  SimulatedCluster,
  type SimulatedScheduler,
} from '../../core/simulation/index.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const AGENTS = 2;
/** Between two operations. */
const INTERVAL_MS = 200;

/** Reserves what is not reserved and gives it back, each time under a new id, as long as it may. */
class Restless {
  readonly scheduler: SimulatedScheduler;
  readonly cluster: SimulatedCluster;
  /** By id: the last state that was told for good. */
  readonly outcomes = new Map<string, OperationStatus['state']>();
  isResting = false;
  asked = 0;
  #seen = 0;
  #nextMs = 0;

  constructor(cluster: SimulatedCluster) {
    this.cluster = cluster;
    this.scheduler = cluster.addScheduler({
      name: 'restless',
      refuseSeconds: 1,
      framework: {
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'RESERVATION_REFINEMENT' }],
      },
      onOffer: (offer) => this.#operate(offer),
    });
  }

  /** Lets time pass, and acknowledges what comes meanwhile. */
  async advance(durationMs: number): Promise<void> {
    for (let left = durationMs; left > 0; left -= SECOND) {
      // oxlint-disable-next-line no-await-in-loop -- time passes step by step
      await this.cluster.advance(Math.min(left, SECOND));
      this.#acknowledge();
    }
  }

  #operate(offer: Offer): readonly OfferOperation[] | undefined {
    // What was converted is offered at once: one operation in each interval is enough.
    const nowMs = this.cluster.world.clock.elapsed();
    if (this.isResting || nowMs < this.#nextMs) return undefined;
    this.#nextMs = nowMs + INTERVAL_MS;
    const id = { value: `operation-${this.asked}` };
    const cpus = (offer.resources ?? []).filter(({ name }) => name === 'cpus');
    const held = cpus.find(({ reservations }) => reservations !== undefined);
    const free = cpus.find(({ reservations }) => reservations === undefined);
    this.asked++;
    if (held !== undefined) return [{ type: 'UNRESERVE', id, unreserve: { resources: [held] } }];
    if (free === undefined) return undefined;
    const reserved: Resource = {
      ...free,
      scalar: { value: 1 },
      reservations: [{ type: 'DYNAMIC', role: 'restless' }],
    };
    return [{ type: 'RESERVE', id, reserve: { resources: [reserved] } }];
  }

  #acknowledge(): void {
    const fresh = this.scheduler.events.slice(this.#seen);
    this.#seen = this.scheduler.events.length;
    for (const { event } of fresh) {
      const status = event.update_operation_status?.status;
      const { operation_id, agent_id, uuid } = status ?? {};
      if (status === undefined || operation_id === undefined || uuid === undefined) continue;
      const before = this.outcomes.get(operation_id.value) ?? status.state;
      expect(status.state, `${operation_id.value} has two ends`).to.equal(before);
      this.outcomes.set(operation_id.value, status.state);
      this.scheduler.call({
        type: 'ACKNOWLEDGE_OPERATION_STATUS',
        acknowledge_operation_status: { operation_id, agent_id, uuid: uuid.value },
      });
    }
  }
}

type Fault = (cluster: SimulatedCluster, index: number) => void;

const FAULTS: readonly Fault[] = [
  (cluster, index) => cluster.crashAgent(index),
  (cluster) => cluster.crashMaster(),
  (cluster, index) => cluster.cut(cluster.agents[index]?.name ?? '', MASTER_NODE),
  (cluster) => cluster.cut('restless', MASTER_NODE),
  (cluster, index) => cluster.partition(cluster.agents[index]?.name ?? '', MASTER_NODE),
];

async function runWithFaults(seed: string): Promise<Restless> {
  const cluster = new SimulatedCluster({ seed, agents: AGENTS, maxCommitMs: 50 });
  cluster.start();
  const restless = new Restless(cluster);
  restless.scheduler.start();
  await restless.advance(5 * SECOND);
  const random = cluster.world.random.fork('faults');
  for (let round = 0; round < 8; round++) {
    const index = Math.floor(random.next() * AGENTS);
    FAULTS[Math.floor(random.next() * FAULTS.length)]?.(cluster, index);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await restless.advance(random.next() * 8 * SECOND);
    cluster.heal();
    cluster.restartMaster();
    cluster.restartAgent(index);
    // oxlint-disable-next-line no-await-in-loop
    await restless.advance(random.next() * 8 * SECOND);
  }
  restless.isResting = true;
  await restless.advance(2 * MINUTE);
  return restless;
}

describe('Operations with an id in a cluster', () => {
  for (let number = 0; number < 20; number++) {
    it(`come to one end each, and are forgotten, whatever fails (seed ${number})`, async () => {
      const { cluster, outcomes, asked } = await runWithFaults(`operations-${number}`);
      cluster.check();
      cluster.checkConvergence();
      const answer = cluster.master?.operatorCall({ type: 'GET_OPERATIONS' });
      expect(answer).to.have.property('get_operations').that.is.an('object');
      expect(answer).not.to.have.nested.property('get_operations.operations[0]');
      for (const { agent } of cluster.agents) expect(agent?.state.operations.size).to.equal(0);
      const ends = [...outcomes.values()];
      expect(ends.length, `of ${asked}`).to.be.greaterThan(5);
      expect(new Set(ends)).to.deep.equal(new Set(['OPERATION_FINISHED']));
    });
  }
});
