import { expect } from 'chai';
import type { QuotaConfig } from '../../../core/api/index.js';
import { OperatorClient } from '../../../core/client/index.js';
import { FaultCluster } from '../faults/cluster.js';

const PROD: QuotaConfig = {
  role: 'prod',
  guarantees: { cpus: { value: 3 } },
  limits: { cpus: { value: 3.5 }, mem: { value: 1024 } },
};

describe('Quota and weights in a master that dies', function () {
  this.timeout(60_000);
  let cluster: FaultCluster;
  let operator: OperatorClient;

  before(async () => {
    cluster = await FaultCluster.start(1, '--weights=first=7');
    operator = new OperatorClient({ address: cluster.master.url });
  });

  after(async () => {
    expect(await cluster.stop(), 'processes left behind').to.deep.equal([]);
  });

  async function killRightAfter(change: () => Promise<unknown>): Promise<void> {
    await change();
    await cluster.master.end('SIGKILL');
    await cluster.master.start();
  }

  it('keeps what was answered with 200 just before it was killed', async () => {
    expect(await operator.weights()).to.deep.equal([{ role: 'first', weight: 7 }]);
    await killRightAfter(() => operator.updateQuota([PROD]));
    expect(await operator.quotas()).to.deep.equal([PROD]);
    await killRightAfter(() => operator.updateWeights([{ role: 'prod', weight: 2.5 }]));
    const weights = (await operator.weights()).toSorted((one, other) => one.weight - other.weight);
    expect(weights).to.deep.equal([
      { role: 'prod', weight: 2.5 },
      { role: 'first', weight: 7 },
    ]);
    expect(await operator.quotas()).to.deep.equal([PROD]);
    await killRightAfter(() => operator.removeQuota('prod'));
    expect(await operator.quotas()).to.deep.equal([]);
  });

  it('checks a guarantee against the agents that are registered, over HTTP', async () => {
    await cluster.untilRegistered();
    const tooMuch = [{ ...PROD, guarantees: { cpus: { value: 5 } }, limits: {} }];
    const refused = await operator.updateQuota(tooMuch).catch((error: unknown) => error);
    expect(refused).to.have.property('code', 'CALL_REFUSED');
    expect(refused).to.have.nested.property('context.status', 400);
    await operator.updateQuota(tooMuch, true);
    expect(await operator.get('/roles')).to.have.property('roles');
    const shown = (await cluster.master.page('/quota'))['configs'];
    expect(shown).to.deep.equal([{ role: 'prod', guarantees: { cpus: { value: 5 } } }]);
  });

  it('takes the requests of older tools', async () => {
    const send = async (method: string, path: string, body?: object): Promise<number> => {
      const options = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      return (await fetch(cluster.master.url + path, options)).status;
    };
    const guarantee = [{ name: 'cpus', type: 'SCALAR', scalar: { value: 1 } }];
    expect(await send('DELETE', '/quota/prod')).to.equal(200);
    expect(await send('DELETE', '/quota/prod')).to.equal(400);
    expect(await send('POST', '/quota', { role: 'old', guarantee })).to.equal(200);
    expect(await send('POST', '/quota', { role: 'old', guarantee })).to.equal(400);
    const more = [{ ...guarantee[0], scalar: { value: 100 } }];
    expect(await send('POST', '/quota', { role: 'more', guarantee: more })).to.equal(409);
    expect(await send('PUT', '/weights', [{ role: 'old', weight: 4 }])).to.equal(200);
    expect(await send('PUT', '/weights', [{ role: 'old', weight: -4 }])).to.equal(400);
    const old = (await operator.weights()).find(({ role }) => role === 'old');
    expect(old).to.deep.equal({ role: 'old', weight: 4 });
  });
});
