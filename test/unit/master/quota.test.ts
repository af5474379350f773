import { expect } from 'chai';
import type {
  AgentInfo,
  CallAnswer,
  MasterCall,
  QuotaConfig,
  QuotaStatus,
  Resource,
} from '../../../core/api/index.js';
import {
  AGENT_INFO,
  FRAMEWORK_INFO,
  FakeConnection,
  Harness,
  type Scheduler,
  amounts,
  reported,
  running,
  scalar,
  task,
} from './harness.js';

type Amounts = Readonly<Record<string, number>>;

function config(role: string, guarantees: Amounts = {}, limits: Amounts = {}): QuotaConfig {
  const wire = (given: Amounts) =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, { value }]));
  return { role, guarantees: wire(guarantees), limits: wire(limits) };
}

async function call(harness: Harness, asked: MasterCall): Promise<CallAnswer> {
  const answer = await harness.master.operatorCall(asked);
  if ('status' in answer) return answer;
  throw new Error('answered with a message');
}

function update(
  harness: Harness,
  quota_configs: readonly QuotaConfig[],
  force = false,
): Promise<CallAnswer> {
  return call(harness, { type: 'UPDATE_QUOTA', update_quota: { quota_configs, force } });
}

function set(
  harness: Harness,
  role: string | undefined,
  guarantee: readonly Resource[],
  force = false,
): Promise<CallAnswer> {
  const quota_request = { role, guarantee, force };
  return call(harness, { type: 'SET_QUOTA', set_quota: { quota_request } });
}

function remove(harness: Harness, role: string): Promise<CallAnswer> {
  return call(harness, { type: 'REMOVE_QUOTA', remove_quota: { role } });
}

function status(harness: Harness): QuotaStatus | undefined {
  const answer = harness.master.operatorCall({ type: 'GET_QUOTA' });
  return 'get_quota' in answer ? answer.get_quota?.status : undefined;
}

function agentWith(hostname: string, cpus: number, mem: number): AgentInfo {
  return { hostname, port: 5051, resources: amounts(cpus, mem) };
}

async function add(harness: Harness, info: AgentInfo): Promise<FakeConnection> {
  return harness.register(info, new FakeConnection(`10.0.0.7:${info.hostname.length}`));
}

function inRole(role: string): typeof FRAMEWORK_INFO {
  return { ...FRAMEWORK_INFO, name: role, roles: [role] };
}

function rescinded(scheduler: Scheduler): string[] {
  return scheduler.stream.of('RESCIND').map((event) => event.rescind?.offer_id.value ?? '');
}

function cpus(scheduler: Scheduler): number {
  const resources = scheduler.stream.offers.flatMap((offer) => offer.resources ?? []);
  const found = resources.filter(({ name }) => name === 'cpus');
  return found.reduce((sum, resource) => sum + (resource.scalar?.value ?? 0), 0);
}

describe('Master: UPDATE_QUOTA', () => {
  it('is shown in the newer form and in the older one', async () => {
    const harness = await Harness.started();
    expect(status(harness)).to.deep.equal({});
    const wanted = config('prod', { cpus: 1, mem: 1024, gpus: 0 }, { cpus: 2, mem: 2048 });
    expect(await update(harness, [wanted], true)).to.deep.equal({ status: 200 });
    expect(status(harness)).to.deep.equal({
      infos: [{ role: 'prod', guarantee: amounts(1, 1024) }],
      configs: [config('prod', { cpus: 1, mem: 1024 }, { cpus: 2, mem: 2048 })],
    });
    const metrics = harness.master.metrics();
    const figure = (name: string) =>
      metrics.get(`allocator/mesos/quota/roles/prod/resources/${name}`);
    expect(figure('cpus/guarantee')).to.equal(1);
    expect(figure('mem/limit')).to.equal(2048);
    expect(figure('cpus/offered_or_allocated')).to.equal(0);
  });

  it('sets several roles, `*` too, or none when one is not valid', async () => {
    const harness = await Harness.started();
    await add(harness, agentWith('a', 4, 4096));
    const bad = await update(harness, [config('one', { cpus: 1 }), config('a/b', { cpus: 1 })]);
    expect(bad.status).to.equal(400);
    expect(bad.message).to.match(/^Invalid QuotaConfig: .*a\/b.*not supported/);
    expect(status(harness)).to.deep.equal({});
    const both = [config('one', { cpus: 1 }), config('*', {}, { cpus: 2 })];
    expect(await update(harness, both)).to.deep.equal({ status: 200 });
    expect(status(harness)?.configs?.map(({ role }) => role)).to.deep.equal(['*', 'one']);
  });

  it('refuses a role twice, one that is not allowed, and one that cannot be recorded', async () => {
    const harness = await Harness.started({ config: { roles: ['prod', 'x'.repeat(200)] } });
    const one = config('prod', {}, { cpus: 1 });
    const cases: readonly (readonly [readonly QuotaConfig[], RegExp])[] = [
      [[one, one], /'prod' twice/],
      [[config('dev', {}, { cpus: 1 })], /'dev' is not on the master's --roles whitelist/],
      [[config('x'.repeat(200))], /at most 120/],
      [Array.from({ length: 1_001 }, () => one), /at most 1000/],
    ];
    for (const [configs, pattern] of cases) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await update(harness, configs, true);
      expect(answer.status).to.equal(400);
      expect(answer.message).to.match(pattern);
    }
    expect(status(harness)).to.deep.equal({});
    expect((await update(harness, [one])).status).to.equal(200);
  });

  it('keeps the guarantees of all roles together within what agents have, unless forced', async () => {
    const harness = await Harness.started();
    const first = await add(harness, {
      ...agentWith('a', 2, 512),
      resources: amounts(2, 512, { role: 'other', reservation: undefined }),
    });
    await add(harness, agentWith('bb', 2, 512));
    harness.master.agentDisconnected(first);
    expect((await update(harness, [config('one', { cpus: 4, mem: 1024 })])).status).to.equal(200);
    const second = await update(harness, [config('two', { cpus: 0.5 })]);
    expect(second.status).to.equal(400);
    expect(second.message).to.match(/'two'.*come to 4.5 of resource 'cpus'.*agents have 4.*force/);
    const unknown = await update(harness, [config('two', { gpus: 1 })]);
    expect(unknown.message).to.match(/'gpus'.*agents have 0/);
    expect((await update(harness, [config('two', { cpus: 0.5 })], true)).status).to.equal(200);
    expect((await update(harness, [config('one', { cpus: 3.5 })])).status).to.equal(200);
  });

  it('refuses limits below what a role uses or has reserved, unless forced', async () => {
    const { harness } = await running();
    const limit = (value: number) => [config('web', {}, { cpus: value })];
    const refused = await update(harness, limit(0.5));
    expect(refused.status).to.equal(400);
    expect(refused.message).to.match(/'limits' of role 'web'.*'cpus' is 0.5.*consumes 1,.*force/);
    expect((await update(harness, limit(1))).status).to.equal(200);
    expect((await update(harness, limit(0.5), true)).status).to.equal(200);
    await add(harness, {
      ...agentWith('reserved', 2, 512),
      resources: amounts(2, 512, { role: 'web/below' }),
    });
    expect((await update(harness, limit(2.5))).message).to.match(/consumes 3,/);
    expect((await update(harness, limit(3))).status).to.equal(200);
  });

  it('keeps an entry that says nothing until it is removed', async () => {
    const harness = await Harness.started();
    await update(harness, [config('prod', {}, { cpus: 1 })]);
    expect((await update(harness, [config('prod')])).status).to.equal(200);
    expect(status(harness)?.configs).to.deep.equal([
      { role: 'prod', guarantees: undefined, limits: undefined },
    ]);
    const names = [...harness.master.metrics().keys()];
    expect(names.filter((name) => name.includes('quota/roles/prod'))).to.deep.equal([]);
    expect((await remove(harness, 'prod')).status).to.equal(200);
    expect(status(harness)).to.deep.equal({});
  });
});

describe('Master: SET_QUOTA and REMOVE_QUOTA', () => {
  it('guarantee and limit the same', async () => {
    const harness = await Harness.started();
    await add(harness, agentWith('a', 1, 512));
    expect(await set(harness, 'prod', amounts(1, 512))).to.deep.equal({ status: 200 });
    const both = { cpus: 1, mem: 512 };
    expect(status(harness)?.configs).to.deep.equal([config('prod', both, both)]);
  });

  it('answer 409 when the cluster is too small, and 400 for what has quota already', async () => {
    const harness = await Harness.started();
    const answer = await set(harness, 'prod', amounts(1, 512));
    expect(answer.status).to.equal(409);
    expect(answer.message).to.match(/capacity check.*'prod'/);
    expect((await set(harness, 'prod', amounts(1, 512), true)).status).to.equal(200);
    const again = await set(harness, 'prod', amounts(1, 512), true);
    expect(again).to.deep.equal({
      status: 400,
      message:
        "Invalid set quota request: Cannot set quota for role 'prod' which already has quota",
    });
  });

  it('refuse what is no list of plain scalars', async () => {
    const harness = await Harness.started();
    const ranges = { range: [{ begin: 1n, end: 2n }] };
    const cases: readonly (readonly [readonly Resource[], RegExp])[] = [
      [[], /must not be empty/],
      [[{ name: 'ports', type: 'RANGES', ranges }], /'ports' must be a scalar/],
      [[scalar('cpus', 1), scalar('cpus', 1)], /'cpus' is named twice/],
      [[scalar('cpus', 1, { role: 'x' })], /must not be reserved/],
      [[scalar('cpus', 1, { reservations: [{ role: 'x', type: 'STATIC' }] })], /reserved/],
      [[scalar('disk', 1, { disk: { source: { type: 'MOUNT' } } })], /'disk'/],
      [[scalar('cpus', 1, { revocable: {} })], /revocable/],
      [[scalar('cpus', -1)], /cpus/],
    ];
    for (const [guarantee, pattern] of cases) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await set(harness, 'prod', guarantee, true);
      expect(answer.status).to.equal(400);
      expect(answer.message)
        .to.match(/^Invalid set quota request: /)
        .and.match(pattern);
    }
    for (const role of [undefined, '*', 'a/b', 'a b']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await set(harness, role, amounts(1, 1), true)).status, role).to.equal(400);
    }
    expect(status(harness)).to.deep.equal({});
  });

  it('remove a quota once, however many ask', async () => {
    const harness = await Harness.started();
    expect((await remove(harness, 'prod')).message).to.match(/'prod' has no quota set/);
    await update(harness, [config('prod', {}, { cpus: 1 })]);
    const answers = await Promise.all([remove(harness, 'prod'), remove(harness, 'prod')]);
    expect(answers.map((answer) => answer.status)).to.deep.equal([200, 400]);
    expect((await remove(harness, 'no role')).status).to.equal(400);
  });
});

describe('Master: offers and quota', () => {
  it('takes back as many offers of others as a guarantee needs, of roles without quota first', async () => {
    const harness = await Harness.started();
    const hog = await harness.subscribe(inRole('hog'));
    for (const name of ['a', 'bb', 'ccc']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await add(harness, agentWith(name, 1, 1024));
    }
    await harness.world.advance(1000);
    expect(hog.stream.offers).to.have.length(3);
    expect((await update(harness, [config('prod', { cpus: 1, mem: 512 })])).status).to.equal(200);
    expect(rescinded(hog)).to.have.length(1);
    const prod = await harness.subscribe(inRole('prod'));
    await harness.world.advance(1000);
    expect(cpus(prod)).to.equal(1);
    await update(harness, [config('dev', { cpus: 1 })]);
    expect(rescinded(hog)).to.have.length(2);
    expect(rescinded(prod)).to.have.length(0);
  });

  it('takes nothing back when enough is free', async () => {
    const harness = await Harness.started();
    await add(harness, agentWith('a', 1, 1024));
    const hog = await harness.subscribe(inRole('hog'));
    await harness.world.advance(1000);
    await add(harness, agentWith('bb', 1, 1024));
    hog.call({ type: 'SUPPRESS' });
    await harness.world.advance(1000);
    const before = hog.stream.offers.length;
    await update(harness, [config('prod', { cpus: 2 - before })]);
    expect(rescinded(hog)).to.deep.equal([]);
  });

  it('takes from a role with quota only what it can spare', async () => {
    const harness = await Harness.started();
    const one = await harness.subscribe(inRole('one'));
    await add(harness, agentWith('a', 1, 1024));
    await add(harness, agentWith('bb', 1, 1024));
    await harness.world.advance(1000);
    await update(harness, [config('one', { cpus: 1 })]);
    expect(one.stream.offers).to.have.length(2);
    await update(harness, [config('two', { cpus: 2 })], true);
    expect(rescinded(one)).to.have.length(1);
  });

  it('takes offers back by which a role and those below exceed a limit', async () => {
    const harness = await Harness.started();
    const parent = await harness.subscribe(inRole('one'));
    await add(harness, agentWith('a', 1, 1024));
    await harness.world.advance(1000);
    const child = await harness.subscribe(inRole('one/child'));
    parent.call({ type: 'SUPPRESS' });
    await add(harness, agentWith('bb', 1, 1024));
    await harness.world.advance(1000);
    expect([parent, child].map(({ stream }) => stream.offers.length)).to.deep.equal([1, 1]);
    await update(harness, [config('one', {}, { cpus: 2, mem: 2048 })]);
    expect([...rescinded(parent), ...rescinded(child)]).to.deep.equal([]);
    await update(harness, [config('one', {}, { cpus: 1 })]);
    expect([...rescinded(parent), ...rescinded(child)]).to.have.length(1);
    await update(harness, [config('one', {}, { cpus: 0.5, mem: 512 })]);
    expect([...rescinded(parent), ...rescinded(child)]).to.have.length(2);
  });

  it('shows roles that have only a quota, and those that the master is limited to', async () => {
    const harness = await Harness.started({ config: { roles: ['web', 'idle'] } });
    await update(harness, [config('web', {}, { cpus: 1 })]);
    await update(harness, [config('*', {}, { cpus: 1 })]);
    const answer = harness.master.operatorCall({ type: 'GET_ROLES' });
    const roles = 'get_roles' in answer ? answer.get_roles?.roles : undefined;
    expect(roles?.map(({ name }) => name)).to.deep.equal(['*', 'idle', 'web']);
  });

  it('shows roles that are only reserved for, and those above', async () => {
    const harness = await Harness.started();
    const resources = amounts(1, 10, { role: 'above/below' });
    await add(harness, { ...agentWith('a', 1, 10), resources });
    const answer = harness.master.operatorCall({ type: 'GET_ROLES' });
    const roles = 'get_roles' in answer ? answer.get_roles?.roles : undefined;
    expect(roles?.map(({ name }) => name)).to.deep.equal(['above', 'above/below']);
  });
});

describe('Master: quota and recovery', () => {
  it('is the same for the next master', async () => {
    const { harness, scheduler, agent } = await running();
    const wanted = [config('web', { cpus: 2 }, { mem: 512 }), config('gone', { cpus: 0.5 })];
    await update(harness, wanted);
    await remove(harness, 'gone');
    const before = status(harness);
    const next = await harness.restarted();
    expect(status(next)).to.deep.equal(before);
    const back = await next.subscribe({ ...FRAMEWORK_INFO, id: { value: scheduler.id } });
    await next.reregister(agent.agentId, { tasks: [reported(scheduler, agent.agentId)] });
    await next.world.advance(2000);
    const memory = back.stream.offers.flatMap(({ resources }) => resources ?? []);
    expect(memory.find(({ name }) => name === 'mem')?.scalar?.value).to.equal(512 - 128);
  });

  it('does not wait for agents that are not expected', async () => {
    const harness = await Harness.started();
    await update(harness, [config('web', { cpus: 1 })], true);
    const next = await harness.restarted();
    expect(status(next)?.configs).to.have.length(1);
    const scheduler = await next.subscribe();
    await next.register();
    await next.world.advance(1000);
    expect(scheduler.stream.offers).to.have.length(1);
  });

  it('waits for most of several agents, and not longer than it is told', async () => {
    const harness = await Harness.started({ config: { allocator: { recoveryTimeoutMs: 60_000 } } });
    for (const name of ['a', 'bb', 'ccc', 'dddd']) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await add(harness, agentWith(name, 1, 1024));
    }
    await update(harness, [config('web', { cpus: 1 })]);
    const next = await harness.restarted({ allocator: { recoveryTimeoutMs: 60_000 } });
    const scheduler = await next.subscribe();
    const agent = await next.register({ ...AGENT_INFO, hostname: 'new' });
    await next.live(50_000, [agent]);
    expect(scheduler.stream.offers).to.have.length(0);
    await next.live(15_000, [agent]);
    expect(scheduler.stream.offers).to.not.have.length(0);
  });

  it('promises no quota before it is recorded', async () => {
    const harness = await Harness.started();
    harness.store.failNextWrites(1);
    let isAnswered = false;
    void update(harness, [config('web', {}, { cpus: 1 })]).then(() => (isAnswered = true));
    await harness.world.settle();
    expect(isAnswered).to.equal(false);
    expect(harness.fatal).to.have.length(1);
    expect(harness.master.cluster.quotas.size).to.equal(0);
  });

  it('launches within a limit and no further', async () => {
    const harness = await Harness.started();
    await add(harness, agentWith('a', 4, 1024));
    await update(harness, [config('web', {}, { cpus: 1.5 })]);
    const scheduler = await harness.subscribe();
    const offer = await scheduler.offer();
    expect(cpus(scheduler)).to.equal(1.5);
    scheduler.launch(offer, task(offer, { resources: amounts(1.5, 128) }));
    await harness.world.advance(10_000);
    const later = scheduler.stream.offers.slice(1).flatMap(({ resources }) => resources ?? []);
    expect(later.filter(({ name }) => name === 'cpus')).to.deep.equal([]);
  });
});
