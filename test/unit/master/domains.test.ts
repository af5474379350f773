import { expect } from 'chai';
import type { DomainInfo } from '../../../core/api/index.js';
import { at } from '../../../core/base/index.js';
import type { MasterSettings } from '../../../core/master/index.js';
import { AGENT_INFO, FRAMEWORK_INFO, FakeConnection, Harness } from './harness.js';

function domain(region: string, zone = 'rack1'): DomainInfo {
  return { fault_domain: { region: { name: region }, zone: { name: zone } } };
}

/** Registers an agent with or without a domain; why it was refused, if it was. */
async function refusal(
  config: MasterSettings,
  agentDomain: DomainInfo | undefined,
): Promise<string | undefined> {
  const harness = await Harness.started({ config });
  const connection = await harness.register({ ...AGENT_INFO, domain: agentDomain });
  return connection.of('REFUSED')[0]?.refused?.message;
}

describe('Domains of masters and agents', () => {
  it('are shown to frameworks: that of the master and those of agents', async () => {
    const harness = await Harness.started({ config: { domain: domain('eu') } });
    await harness.register({ ...AGENT_INFO, domain: domain('eu', 'rack2') });
    const scheduler = await harness.subscribe();
    await harness.world.advance(1000);
    const [subscribed] = scheduler.stream.of('SUBSCRIBED');
    expect(subscribed?.subscribed?.master_info?.domain).to.deep.equal(domain('eu'));
    expect(at(scheduler.stream.offers, 0).domain).to.deep.equal(domain('eu', 'rack2'));
  });

  it('keep agents of other regions for frameworks that are aware of regions', async () => {
    const harness = await Harness.started({ config: { domain: domain('eu') } });
    await harness.register({ ...AGENT_INFO, domain: domain('us') });
    const local = await harness.subscribe();
    await harness.world.advance(2000);
    expect(local.stream.offers).to.deep.equal([]);
    const capabilities = [
      ...(FRAMEWORK_INFO.capabilities ?? []),
      { type: 'REGION_AWARE' as const },
    ];
    const aware = await harness.subscribe({ ...FRAMEWORK_INFO, capabilities });
    await harness.world.advance(1000);
    expect(aware.stream.offers).to.have.length(1);
    expect(local.stream.offers).to.deep.equal([]);
  });

  it('are compared by the master: it takes no agent with a domain when it has none', async () => {
    expect(await refusal({}, domain('eu'))).to.match(/master has none.*--domain/);
    expect(await refusal({}, undefined)).to.equal(undefined);
    expect(await refusal({ domain: domain('eu') }, domain('us'))).to.equal(undefined);
    expect(await refusal({ domain: domain('eu') }, undefined)).to.equal(undefined);
  });

  it('may be required of agents', async () => {
    const config = { domain: domain('eu'), requireAgentDomain: true };
    expect(await refusal(config, undefined)).to.match(/no domain.*--require_agent_domain/);
    expect(await refusal(config, domain('eu'))).to.equal(undefined);
  });

  it('may be required of agents that come back, whose tasks go on', async () => {
    const harness = await Harness.started();
    const first = await harness.register();
    const agentId = first.of('REGISTERED')[0]?.registered?.agent_id.value ?? '';
    const config = { domain: domain('eu'), requireAgentDomain: true };
    const next = await harness.restarted(config);
    const again = await next.reregister(agentId, { connection: new FakeConnection() });
    const [answer] = again.of('REFUSED');
    expect(answer?.refused?.message).to.match(/--require_agent_domain/);
    expect(answer?.refused?.shutdown).to.equal(false);
  });
});

describe('The whitelist of a master', () => {
  it('says which hosts are offered, from before the start on, and may change', async () => {
    const harness = new Harness();
    harness.master.updateWhitelist(['other']);
    await harness.master.start();
    await harness.register();
    const scheduler = await harness.subscribe();
    await harness.world.advance(2000);
    expect(scheduler.stream.offers).to.deep.equal([]);
    harness.master.updateWhitelist([AGENT_INFO.hostname]);
    await harness.world.advance(1000);
    expect(scheduler.stream.offers).to.have.length(1);
    harness.master.stop();
    harness.master.updateWhitelist(undefined);
  });
});
