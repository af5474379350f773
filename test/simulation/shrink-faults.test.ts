import { expect } from 'chai';
import type { SchedulerEvent } from '../../core/api/index.js';
import { SeededRandom, at } from '../../core/base/index.js';
import {
  type Fault,
  type FaultPlan,
  type ProcessLife,
  SimulatedCluster,
  applyFaults,
  drawFaults,
  shrinkFaults,
} from '../../core/simulation/index.js';

const MINUTE = 60_000;

function planOf(count: number): FaultPlan {
  return Array.from({ length: count }, (_, index) => ({
    atMs: 1000 * index,
    kind: 'crash' as const,
    target: `agent-${index}`,
    durationMs: 1000,
  }));
}

function targets(plan: FaultPlan): readonly string[] {
  return plan.map(({ target }) => target);
}

/** A predicate of a plan, as what is simulated would be. */
function failsIf(isBad: (plan: FaultPlan) => boolean): (plan: FaultPlan) => Promise<boolean> {
  return (plan) => Promise.resolve(isBad(plan));
}

describe('shrinkFaults', () => {
  it('leaves the one fault that matters', async () => {
    const fails = failsIf((plan) => targets(plan).includes('agent-61'));
    const { plan, tries, isMinimal } = await shrinkFaults(planOf(100), fails, 1000);
    expect(targets(plan)).to.deep.equal(['agent-61']);
    expect(isMinimal).to.equal(true);
    // At worst each fault is tried alone.
    expect(tries).to.be.lessThan(120);
  });

  it('leaves all faults that matter together, in their order', async () => {
    const needed = ['agent-3', 'agent-17', 'agent-18', 'agent-40'];
    const fails = failsIf((plan) => needed.every((name) => targets(plan).includes(name)));
    const { plan } = await shrinkFaults(planOf(50), fails, 2000);
    expect(targets(plan)).to.deep.equal(needed);
  });

  it('shortens, weakens and moves what is left, as far as it still fails', async () => {
    const fault: Fault = {
      atMs: 9000,
      kind: 'slow-disk',
      target: 'master',
      durationMs: 8000,
      amount: 640,
    };
    const fails = failsIf((plan) =>
      plan.some(({ atMs, durationMs = 0, amount = 0 }) => {
        return atMs >= 100 && durationMs >= 1500 && amount >= 80;
      }),
    );
    const { plan } = await shrinkFaults([fault], fails, 100);
    expect(plan).to.deep.equal([{ ...fault, atMs: 140, durationMs: 2000, amount: 80 }]);
  });

  it('finds that no fault is needed when none is', async () => {
    const result = await shrinkFaults(
      planOf(5),
      failsIf(() => true),
      100,
    );
    expect(result).to.deep.equal({ plan: [], tries: 1, isMinimal: true });
  });

  it('stops at its budget with the smallest plan found so far', async () => {
    const fails = failsIf((plan) => targets(plan).includes('agent-0'));
    const { plan, tries, isMinimal } = await shrinkFaults(planOf(64), fails, 4);
    expect({ tries, isMinimal }).to.deep.equal({ tries: 4, isMinimal: false });
    expect(plan.length).to.be.lessThan(64);
    expect(await fails(plan)).to.equal(true);
  });

  it('always returns a plan that fails, of faults that were there, whatever the predicate', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const random = new SeededRandom(`shrink ${seed}`);
      const needed = new Set(Array.from({ length: 1 + random.below(4) }, () => random.below(30)));
      const fails = failsIf((plan) =>
        [...needed].every((index) => targets(plan).includes(`agent-${index}`)),
      );
      const { plan } = await shrinkFaults(planOf(30), fails, 500);
      expect(await fails(plan)).to.equal(true);
      expect(plan).to.have.length(needed.size);
    }
  });

  it('shrinks what breaks a scheduler that forgets its task when it dies to one crash', async () => {
    const plan = drawFaults('forgetful 1', {
      agents: 3,
      durationMs: 2 * MINUTE,
      processes: ['forgetful'],
      kinds: ['crash', 'reset', 'partition', 'slow-disk', 'jump-clock'],
      intensity: 6,
    });
    expect(plan.length).to.be.greaterThan(10);
    expect(await runsTwice(plan)).to.equal(true);
    const result = await shrinkFaults(plan, runsTwice, 200);
    expect(result.plan).to.have.length(1);
    expect(at(result.plan, 0)).to.include({ kind: 'crash', target: 'forgetful' });
  });
});

/** Whether more than the one task that is wanted was ever run. */
async function runsTwice(plan: FaultPlan): Promise<boolean> {
  const cluster = new SimulatedCluster({ seed: 'forgetful', agents: 3, wire: 'objects' });
  cluster.process('forgetful', { start: forgetful });
  cluster.start();
  await cluster.advance(10_000);
  const faults = applyFaults(cluster, plan);
  await cluster.advance(faults.endMs - cluster.world.clock.elapsed());
  await cluster.advance(MINUTE);
  const started = cluster.agents.flatMap(({ host }) => [...host.starts.keys()]);
  return started.length > 1;
}

/** Wants one task, and keeps its framework id, but not that it has launched the task already. */
async function forgetful(life: ProcessLife): Promise<void> {
  let frameworkId = (await life.store.get('framework'))?.value;
  let hasLaunched = false;
  const onEvent = ({ subscribed, offers, update }: SchedulerEvent): void => {
    if (subscribed !== undefined) {
      frameworkId = subscribed.framework_id.value;
      life.store
        .transact({ puts: [{ key: 'framework', value: frameworkId }] })
        .catch((error: unknown) => life.stopped(error));
    }
    for (const offer of offers?.offers ?? []) {
      if (hasLaunched) continue;
      hasLaunched = true;
      const allocation = { allocation_info: offer.allocation_info };
      const task = {
        name: 'only',
        task_id: { value: `only-${life.incarnation}` },
        agent_id: offer.agent_id,
        command: { value: 'hang' },
        resources: [
          { name: 'cpus', type: 'SCALAR' as const, scalar: { value: 1 }, ...allocation },
          { name: 'mem', type: 'SCALAR' as const, scalar: { value: 32 }, ...allocation },
        ],
      };
      call({
        type: 'ACCEPT',
        accept: {
          offer_ids: [offer.id],
          operations: [{ type: 'LAUNCH', launch: { task_infos: [task] } }],
        },
      });
    }
    const { uuid, agent_id: agentId, task_id: taskId } = update?.status ?? {};
    if (uuid === undefined || agentId === undefined || taskId === undefined) return;
    call({ type: 'ACKNOWLEDGE', acknowledge: { agent_id: agentId, task_id: taskId, uuid } });
  };
  const open = (): ReturnType<ProcessLife['link']> => {
    const link = life.link({
      onEvent,
      onEnd: () => {
        life.world.clock.setTimer(500, () => {
          current = open();
        });
      },
    });
    link.subscribe({
      type: 'SUBSCRIBE',
      ...(frameworkId !== undefined && { framework_id: { value: frameworkId } }),
      subscribe: {
        framework_info: {
          user: 'root',
          name: 'forgetful',
          roles: ['forgetful'],
          failover_timeout: 3600,
          checkpoint: true,
          capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
          ...(frameworkId !== undefined && { id: { value: frameworkId } }),
        },
      },
    });
    return link;
  };
  let current: ReturnType<ProcessLife['link']>;
  const call = (given: Parameters<typeof current.call>[0]): void => {
    if (frameworkId !== undefined) {
      current.call({ framework_id: { value: frameworkId }, ...given });
    }
  };
  current = open();
}
