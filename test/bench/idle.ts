/** What agents cost the master that are there and do nothing, besides their connections. */
import { type Bench, collectGarbage } from './bench.js';
import { MasterRig } from './master-rig.js';

const AGENTS = 20_000;

export const IDLE_AGENTS: Bench = {
  name: 'IdleAgents',
  async run({ agents = AGENTS }) {
    const rig = await MasterRig.start({ isTimeStill: false });
    await rig.registerAgents(1_000);
    const before = memory();
    await rig.registerAgents(agents);
    const bytes = memory() - before;
    // After a batch, with nobody there to be offered anything.
    rig.allocator.runNow();
    rig.stop();
    return [
      {
        name: `memory per idle agent, ${agents} agents`,
        value: bytes / agents / 1024,
        unit: 'KB',
        note: 'heap and external, with its record in the registry in memory',
      },
    ];
  },
};

function memory(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
