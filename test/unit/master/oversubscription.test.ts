import { expect } from 'chai';
import type { FrameworkInfo, Offer, Resource } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import {
  AGENT_INFO,
  CAPABILITIES,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  ROLE,
  type Scheduler,
  amounts,
  reported,
  scalar,
  task,
} from './harness.js';

const REVOCABLE: FrameworkInfo = {
  ...FRAMEWORK_INFO,
  name: 'revocable',
  capabilities: [...(FRAMEWORK_INFO.capabilities ?? []), { type: 'REVOCABLE_RESOURCES' }],
};

const cpus = (value: number, more: Partial<Resource> = {}): Resource =>
  scalar('cpus', value, { revocable: {}, ...more });

function tell(harness: Harness, agent: FakeConnection, ...resources: Resource[]): void {
  harness.agentMessage(agent, { type: 'OVERSUBSCRIBED', oversubscribed: { resources } });
}

/** The revocable part of an offer. */
function revocableOf(offer: Offer | undefined): string {
  return Resources.fromWire(offer?.resources ?? [])
    .unallocated()
    .revocable()
    .toString();
}

function gauge(harness: Harness, name: string): number {
  return harness.counter(name);
}

async function offers(harness: Harness, scheduler: Scheduler): Promise<readonly string[]> {
  await harness.world.advance(2000);
  return scheduler.stream.offers.map(revocableOf);
}

describe('Master: oversubscribed agents', () => {
  it('are offered to frameworks that can use revocable resources, and to no others', async () => {
    const harness = await Harness.started();
    const plain = await harness.subscribe();
    const agent = await harness.register();
    await plain.offer();
    tell(harness, agent, cpus(2));
    expect(await offers(harness, plain)).to.deep.equal(['']);
    const able = await harness.subscribe(REVOCABLE);
    expect(await offers(harness, able)).to.deep.equal(['cpus[revocable]:2']);
    expect(gauge(harness, 'cpus_revocable_total')).to.equal(2);
    expect(gauge(harness, 'cpus_total'), 'apart').to.equal(4);
  });

  it('are offered anew when the estimate changes, after offers of the old one', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    const able = await harness.subscribe(REVOCABLE);
    await able.offer();
    tell(harness, agent, cpus(2));
    expect(await offers(harness, able)).to.deep.equal(['', 'cpus[revocable]:2']);
    expect(able.stream.of('RESCIND')).to.have.length(0);
    for (const [value, expected] of [
      [5, 'cpus[revocable]:5'],
      [1, 'cpus[revocable]:1'],
    ] as const) {
      const before = at(able.stream.offers, able.stream.offers.length - 1);
      tell(harness, agent, cpus(value));
      const rescinded = able.stream.of('RESCIND').at(-1)?.rescind?.offer_id.value;
      expect(rescinded).to.equal(before.id.value);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await offers(harness, able)).at(-1)).to.equal(expected);
    }
    const count = able.stream.of('RESCIND').length;
    tell(harness, agent, cpus(1));
    expect(able.stream.of('RESCIND'), 'nothing has changed').to.have.length(count);
    tell(harness, agent);
    expect(able.stream.of('RESCIND')).to.have.length(count + 1);
    able.stream.clear();
    expect((await offers(harness, able)).join('')).to.equal('');
    expect(harness.fatal).to.deep.equal([]);
  });

  it('run tasks on what is revocable, which are counted apart, and give it back', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    tell(harness, agent, cpus(2));
    const able = await harness.subscribe(REVOCABLE);
    const offer = await able.offer();
    able.accept(
      [offer],
      [
        {
          type: 'LAUNCH',
          launch: { task_infos: [task(offer, { resources: [cpus(2), scalar('mem', 32)] })] },
        },
      ],
    );
    expect(agent.launched).to.have.length(1);
    expect(gauge(harness, 'cpus_revocable_used')).to.equal(2);
    expect(gauge(harness, 'cpus_used')).to.equal(0);
    // The agent says less than what is held: the task goes on, and nothing more is offered.
    able.stream.clear();
    tell(harness, agent);
    expect((await offers(harness, able)).join('')).to.equal('');
    tell(harness, agent, cpus(2));
    harness.update(agent, able, { state: 'TASK_FINISHED', uuid: 'one' });
    expect((await offers(harness, able)).at(-1)).to.equal('cpus[revocable]:2');
    expect(gauge(harness, 'cpus_revocable_used')).to.equal(0);
    expect(harness.fatal).to.deep.equal([]);
  });

  it('refuse tasks that mix revocable and other resources of one name', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    tell(harness, agent, cpus(2));
    const able = await harness.subscribe(REVOCABLE);
    const offer = await able.offer();
    const { command: _command, ...withoutCommand } = task(offer, {
      resources: [cpus(1), scalar('mem', 32)],
    });
    const executor = {
      executor_id: { value: 'e' },
      type: 'CUSTOM' as const,
      command: { value: 'run' },
      resources: amounts(0.1, 32),
    };
    able.accept(
      [offer],
      [
        {
          type: 'LAUNCH',
          launch: {
            task_infos: [
              task(offer, { resources: [cpus(1), ...amounts(1, 32)] }),
              { ...withoutCommand, task_id: { value: 't2' }, executor },
              task(offer, {
                task_id: { value: 't3' },
                resources: [cpus(3), scalar('mem', 32)],
              }),
            ],
          },
        },
      ],
    );
    const messages = able.stream.updates.map(({ message }) => message);
    expect(messages).to.have.length(3);
    expect(messages[0]).to.match(/'cpus': 'revocable' must be set for all/);
    expect(messages[1]).to.match(/Task and its executor .*'revocable' must be set for all/);
    expect(messages[2]).to.match(/more resources .* than available/);
    expect(agent.launched).to.have.length(0);
    expect(gauge(harness, 'cpus_revocable_used')).to.equal(0);
  });

  it('bring what is revocable with their registration, and keep it over a short absence', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    tell(harness, agent, cpus(2));
    const able = await harness.subscribe(REVOCABLE);
    const offer = await able.offer();
    able.accept(
      [offer],
      [
        {
          type: 'LAUNCH',
          launch: { task_infos: [task(offer, { resources: [cpus(2), scalar('mem', 128)] })] },
        },
      ],
    );
    const resources = Resources.fromWire([cpus(2), scalar('mem', 128)])
      .allocatedTo(ROLE)
      .toWire();
    const back = async (where: Harness, more: readonly Resource[]): Promise<FakeConnection> => {
      const connection = new FakeConnection();
      where.agentMessage(connection, {
        type: 'REREGISTER',
        reregister: {
          agent_info: { ...AGENT_INFO, id: { value: agent.agentId } },
          version: '1.11.0',
          capabilities: CAPABILITIES,
          tasks: [{ ...reported(able, agent.agentId), resources }],
          frameworks: [{ ...REVOCABLE, id: { value: able.id } }],
          oversubscribed_resources: more,
        },
      });
      await where.world.settle();
      return connection;
    };
    await back(harness, [cpus(2)]);
    expect(gauge(harness, 'cpus_revocable_total')).to.equal(2);
    const next = await harness.restarted();
    const connection = await back(next, [cpus(3)]);
    expect(gauge(next, 'cpus_revocable_total')).to.equal(3);
    expect(gauge(next, 'cpus_revocable_used')).to.equal(2);
    const again = await next.subscribe({ ...REVOCABLE, id: { value: able.id } });
    expect((await offers(next, again)).at(-1)).to.equal('cpus[revocable]:1');
    next.agentMessage(connection, { type: 'OVERSUBSCRIBED', oversubscribed: {} });
    expect(gauge(next, 'cpus_revocable_total')).to.equal(0);
    expect(next.fatal).to.deep.equal([]);
  });

  it('change nothing by what is not valid', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    tell(harness, agent, cpus(2));
    const dropped = gauge(harness, 'dropped_messages');
    tell(harness, agent, scalar('cpus', 3));
    tell(harness, agent, cpus(-1));
    tell(harness, agent, cpus(1, { reservations: [{ type: 'DYNAMIC', role: ROLE }] }));
    tell(harness, agent, scalar('gpus', 0.5, { revocable: {} }));
    tell(harness, agent, ...Array.from({ length: 1001 }, () => cpus(0.001)));
    expect(gauge(harness, 'dropped_messages')).to.equal(dropped + 5);
    expect(gauge(harness, 'cpus_revocable_total')).to.equal(2);
    const connection = new FakeConnection();
    harness.agentMessage(connection, {
      type: 'REGISTER',
      register: {
        agent_info: { ...AGENT_INFO, hostname: 'host-2' },
        version: '1.11.0',
        capabilities: CAPABILITIES,
        oversubscribed_resources: [scalar('cpus', 1)],
      },
    });
    await harness.world.settle();
    const [refused] = connection.of('REFUSED');
    expect(refused?.refused?.message).to.match(/'oversubscribed_resources'.*not 'revocable'/);
  });

  it('offer it from the moment on in which a framework learns to use it, and not after', async () => {
    const harness = await Harness.started();
    const agent = await harness.register();
    tell(harness, agent, cpus(2));
    const scheduler = await harness.subscribe();
    expect(await offers(harness, scheduler)).to.deep.equal(['']);
    const update = async (info: FrameworkInfo): Promise<void> => {
      const framework_info = { ...info, name: 'test', id: { value: scheduler.id } };
      await scheduler.ask({ type: 'UPDATE_FRAMEWORK', update_framework: { framework_info } });
    };
    await update(REVOCABLE);
    expect((await offers(harness, scheduler)).at(-1)).to.equal('cpus[revocable]:2');
    await update(FRAMEWORK_INFO);
    for (const { id } of scheduler.stream.offers) {
      scheduler.call({
        type: 'DECLINE',
        decline: { offer_ids: [id], filters: { refuse_seconds: 0 } },
      });
    }
    scheduler.stream.clear();
    expect((await offers(harness, scheduler)).join('')).to.equal('');
  });
});
