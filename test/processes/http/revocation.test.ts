import { expect } from 'chai';
import type { Offer } from '../../../core/api/index.js';
import { OfferRemainder, OperatorClient } from '../../../core/client/index.js';
import { TestScheduler, taskInfo } from '../agent/scheduler.js';
import { FaultCluster } from '../faults/cluster.js';

const HALF = { cpus: 2, memoryMiB: 512 };

describe('Revocation in real processes', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;

  before(async () => {
    cluster = await FaultCluster.start(1, '--revocation=over-quota');
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  it('ends the newest task above the guarantee, in its own time, and says why', async () => {
    const masters = cluster.master.url;
    const hog = new TestScheduler({ masters, framework: { name: 'hog', roles: ['hog'] } });
    const late = new TestScheduler({ masters, framework: { name: 'late', roles: ['late'] } });
    const operator = new OperatorClient({ address: masters });
    try {
      await hog.start();
      const offer = await hog.takeOffer();
      const remainder = new OfferRemainder(offer);
      const task_infos = ['older', 'newer'].map((id) =>
        taskInfo(
          offer,
          // Says goodbye before it goes.
          { id, command: { value: `trap 'echo bye; exit 0' TERM; while :; do sleep 0.05; done` } },
          remainder.take(HALF),
        ),
      );
      await hog.accept(offer, [{ type: 'LAUNCH', launch: { task_infos } }]);
      await hog.until('older', 'TASK_RUNNING');
      await hog.until('newer', 'TASK_RUNNING');
      const guarantees = { cpus: { value: 2 }, mem: { value: 512 } };
      await operator.updateQuota([{ role: 'late', guarantees }]);
      await late.start();
      const status = await hog.ended('newer');
      expect(status.state).to.equal('TASK_KILLED');
      expect(status.reason).to.equal('REASON_CONTAINER_PREEMPTED');
      const given = await late.takeOffer((one) => cpusOf(one) > 0);
      expect(cpusOf(given)).to.equal(2);
      expect(hog.states('older').at(-1)).to.equal('TASK_RUNNING');
    } finally {
      await Promise.all([hog.end(), late.end()]);
    }
  });
});

function cpusOf({ resources = [] }: Offer): number {
  return resources.find(({ name }) => name === 'cpus')?.scalar?.value ?? 0;
}
