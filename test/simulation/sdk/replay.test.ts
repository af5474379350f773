import { expect } from 'chai';
import { Framework, OnOffers, type Offers, task } from '../../../sdk/index.js';
import { record, replay, simulate } from '../../../sdk/testing/index.js';

const SPEC = { name: 'web', cpus: 0.5, memMiB: 64, command: 'run 20s then exit 1' };

@Framework({ name: 'recorded' })
class Recorded {
  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task(SPEC));
  }
}

@Framework({ name: 'recorded' })
class Larger {
  @OnOffers() place(offers: Offers) {
    return offers.keep(3, task({ ...SPEC, cpus: 1 }));
  }
}

async function recording(): Promise<string> {
  const cluster = simulate({ agents: 2 });
  const lines: string[] = [];
  const interceptors = [record(cluster.cluster.world.clock, (line) => lines.push(line))];
  cluster.run(Recorded, { interceptors });
  await cluster.advance('2m');
  await cluster.close();
  return `${lines.join('\n')}\n`;
}

describe('A recording that is replayed', () => {
  it('finds no difference in the same code', async () => {
    const { differences, offers, failure } = await replay(await recording(), Recorded);
    expect(differences).to.deep.equal([]);
    expect(failure).to.equal(undefined);
    expect(offers).to.be.greaterThan(3);
  });

  it('shows what other code decides otherwise', async () => {
    const { differences } = await replay(await recording(), Larger);
    expect(differences[0]?.recorded).to.match(/^LAUNCH web \(0\.5 cpus, 64 MB\)/);
    expect(differences[0]?.replayed).to.match(/^LAUNCH web \(1 cpus, 64 MB\)/);
  });

  it('goes through the sessions of the recording', async () => {
    const cluster = simulate({ agents: 2 });
    const lines: string[] = [];
    const interceptors = [record(cluster.clock, (line) => lines.push(line))];
    const framework = cluster.run(Recorded, { interceptors });
    await cluster.advance('30s');
    cluster.cut(framework);
    await cluster.advance('30s');
    cluster.crash('master');
    await cluster.advance('20s');
    cluster.restartMaster();
    await cluster.advance('2m');
    await cluster.close();
    const text = lines.join('\n');
    expect(text.match(/"type":"SUBSCRIBED"/g)).to.have.length.greaterThan(2);
    const { differences, offers, failure } = await replay(text, Recorded);
    expect(differences).to.deep.equal([]);
    expect(failure).to.equal(undefined);
    expect(offers).to.be.greaterThan(6);
    expect((await replay(text, Larger)).differences.length).to.be.greaterThan(0);
  });

  it('leaves out a last line that was not finished, and refuses what is no recording', async () => {
    const text = await recording();
    const { differences } = await replay(text.slice(0, -20), Recorded);
    expect(differences.length).to.be.lessThan(2);
    const refused = await replay('hello', Recorded).catch((error: unknown) => String(error));
    expect(refused).to.contain('line 1: not a recording');
  });
});
