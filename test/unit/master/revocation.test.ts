import { expect } from 'chai';
import type { Offer, TaskInfo } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { type MasterSettings, REVOCATION_INTERVAL_MS } from '../../../core/master/index.js';
import {
  AGENT_INFO,
  type FakeConnection,
  FRAMEWORK_INFO,
  Harness,
  type Scheduler,
  amounts,
  task as taskOn,
} from './harness.js';

const ON: MasterSettings = { revocation: 'over-quota' };
const HOG = { ...FRAMEWORK_INFO, name: 'hog', roles: ['hog'] };
const WEB = { ...FRAMEWORK_INFO, name: 'web', roles: ['web'] };

interface Place {
  readonly harness: Harness;
  readonly hog: Scheduler;
  readonly agent: FakeConnection;
}

/** One agent of 4 cpus and 1024 MiB; the hog has filled it with four tasks. */
async function filled(config: MasterSettings): Promise<Place> {
  const harness = await Harness.started({ config });
  const hog = await harness.subscribe(HOG);
  const agent = await harness.register();
  const offer = await hog.offer();
  const tasks = ['t1', 't2', 't3', 't4'].map((name) => task(name, offer));
  hog.launch(offer, ...tasks);
  for (const { task_id } of tasks) {
    harness.update(agent, hog, { task_id, state: 'TASK_RUNNING', uuid: 'AA==' });
  }
  return { harness, hog, agent };
}

function task(name: string, offer: Offer): TaskInfo {
  return taskOn(offer, { task_id: { value: name }, resources: amounts(1, 256, IN_HOG) });
}

const IN_HOG = { allocation_info: { role: 'hog' } };

async function guarantee(harness: Harness, role: string, cpus: number, mem: number): Promise<void> {
  const guarantees = { cpus: { value: cpus }, mem: { value: mem } };
  const answer = await harness.master.operatorCall({
    type: 'UPDATE_QUOTA',
    update_quota: { force: true, quota_configs: [{ role, guarantees }] },
  });
  expect(answer).to.deep.equal({ status: 200 });
}

async function looks({ harness, agent }: Place, count: number): Promise<void> {
  await harness.live(count * REVOCATION_INTERVAL_MS, [agent]);
}

function killed(agent: FakeConnection): string[] {
  return agent.of('KILL_TASK').map(({ kill_task: kill }) => kill?.task_id.value ?? '');
}

describe('Revocation', () => {
  it('asks the newest tasks above the guarantee to end, and no more than needed', async () => {
    const place = await filled(ON);
    const { harness, hog, agent } = place;
    await guarantee(harness, 'web', 2, 512);
    const web = await harness.subscribe(WEB);
    await looks(place, 1);
    expect(killed(agent), 'before offers had their chance').to.deep.equal([]);
    await looks(place, 1);
    expect(killed(agent)).to.deep.equal(['t4', 't3']);
    expect(agent.of('KILL_TASK')[0]?.kill_task?.revoked_for).to.equal('web');
    await looks(place, 4);
    expect(killed(agent), 'while they end').to.deep.equal(['t4', 't3']);
    for (const value of ['t3', 't4']) {
      harness.update(agent, hog, { task_id: { value }, state: 'TASK_KILLED', uuid: 'AQ==' });
    }
    const offer = await web.offer();
    const cpus = offer.resources?.find(({ name }) => name === 'cpus');
    expect(cpus?.scalar?.value).to.equal(2);
    await looks(place, 4);
    expect(killed(agent), 'when it is met').to.deep.equal(['t4', 't3']);
  });

  it('takes nobody below the own guarantee', async () => {
    const place = await filled(ON);
    await guarantee(place.harness, 'hog', 3, 768);
    await guarantee(place.harness, 'web', 2, 512);
    await place.harness.subscribe(WEB);
    await looks(place, 6);
    expect(killed(place.agent)).to.deep.equal(['t4']);
  });

  it('leaves tasks alone when it is off, or when they use nothing revocable', async () => {
    for (const revocation of ['off', 'revocable'] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one master after the other
      const place = await filled({ revocation });
      // oxlint-disable-next-line no-await-in-loop -- one master after the other
      await guarantee(place.harness, 'web', 2, 512);
      // oxlint-disable-next-line no-await-in-loop -- one master after the other
      await place.harness.subscribe(WEB);
      // oxlint-disable-next-line no-await-in-loop -- one master after the other
      await looks(place, 6);
      expect(killed(place.agent), revocation).to.deep.equal([]);
    }
  });

  it('ends nothing for a role that wants no offers', async () => {
    const place = await filled(ON);
    await guarantee(place.harness, 'web', 2, 512);
    await looks(place, 4);
    const web = await place.harness.subscribe(WEB, ['web']);
    await looks(place, 4);
    expect(killed(place.agent)).to.deep.equal([]);
    web.call({ type: 'REVIVE' });
    await looks(place, 3);
    expect(killed(place.agent)).to.deep.equal(['t4', 't3']);
  });

  it('rescinds offers first', async () => {
    const harness = await Harness.started({ config: ON });
    const hog = await harness.subscribe(HOG);
    const gone = await harness.register();
    const agent = await harness.register({ ...AGENT_INFO, hostname: 'host-2', port: 5052 });
    await harness.world.advance(1000);
    expect(hog.stream.offers).to.have.length(2);
    const kept = at(
      hog.stream.offers.filter(({ agent_id }) => agent_id.value === gone.agentId),
      0,
    );
    hog.call({ type: 'DECLINE', decline: { offer_ids: [kept.id], filters: FOR_EVER } });
    await guarantee(harness, 'web', 4, 1024);
    expect(hog.stream.of('RESCIND'), 'what is free suffices').to.have.length(0);
    harness.master.agentDisconnected(gone);
    const web = await harness.subscribe(WEB);
    await looks({ harness, hog, agent }, 2);
    expect(hog.stream.of('RESCIND')).to.have.length(1);
    expect((await web.offer()).agent_id.value).to.equal(agent.agentId);
    expect(killed(agent)).to.deep.equal([]);
  });

  it('goes on under the next master', async () => {
    const place = await filled(ON);
    await guarantee(place.harness, 'web', 2, 512);
    await place.harness.subscribe(WEB);
    await looks(place, 2);
    const tasks = place.harness.master.cluster.frameworks.values().next().value?.tasks.values();
    const messages = [...(tasks ?? [])].map(({ message }) => message);
    const next = await place.harness.restarted(ON);
    const agent = await next.reregister(place.agent.agentId, {
      tasks: messages,
      frameworks: [{ ...HOG, id: { value: place.hog.id } }],
    });
    await next.subscribe({ ...HOG, id: { value: place.hog.id } });
    await next.subscribe(WEB);
    await looks({ harness: next, hog: place.hog, agent }, 2);
    expect(killed(agent)).to.have.length(2);
  });
});

const FOR_EVER = { refuse_seconds: 1e6 };
