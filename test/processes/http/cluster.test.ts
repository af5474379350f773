import { expect } from 'chai';
import type { Offer, Resource, SchedulerEvent, TaskState } from '../../../core/api/index.js';
import { SILENT_LOGGER, isRecord, systemWorld } from '../../../core/base/index.js';
import { SchedulerClient, followFile } from '../../../core/client/index.js';
import { type LiveCluster, startCluster } from './support.js';

const SECONDS_30 = 30_000;

/** A framework that waits for events. */
class Framework {
  readonly client: SchedulerClient;
  readonly ended: Promise<unknown>;
  readonly events: SchedulerEvent[] = [];
  #waiting: (() => void)[] = [];

  constructor(cluster: LiveCluster) {
    this.client = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: cluster.masterUrl,
      frameworkInfo: {
        user: 'nobody',
        name: 'live',
        roles: ['web'],
        failover_timeout: 60,
        capabilities: [{ type: 'MULTI_ROLE' }, { type: 'PARTITION_AWARE' }],
        labels: { labels: [{ key: 'k', value: 'v' }] },
      },
      onEvent: async (event) => {
        if (event.update !== undefined) await this.client.acknowledge(event.update.status);
        this.events.push(event);
        for (const wake of this.#waiting.splice(0)) wake();
      },
    });
    this.ended = this.client.run().catch((error: unknown) => error);
  }

  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async offer(): Promise<Offer> {
    return await this.until(() => this.events.flatMap((event) => event.offers?.offers ?? [])[0]);
  }

  async state(taskId: string, state: TaskState): Promise<void> {
    await this.until(() =>
      this.events.find(
        ({ update }) => update?.status.task_id.value === taskId && update.status.state === state,
      ),
    );
  }

  async launch(offer: Offer, taskId: string, command: string): Promise<void> {
    await this.client.call({
      type: 'ACCEPT',
      accept: {
        offer_ids: [offer.id],
        operations: [
          {
            type: 'LAUNCH',
            launch: {
              task_infos: [
                {
                  name: taskId,
                  task_id: { value: taskId },
                  agent_id: offer.agent_id,
                  resources: [scalar('cpus', 0.5), scalar('mem', 64)],
                  command: { value: command },
                },
              ],
            },
          },
        ],
        filters: { refuse_seconds: 3_600 },
      },
    });
  }
}

function scalar(name: string, value: number): Resource {
  return { name, type: 'SCALAR', scalar: { value }, allocation_info: { role: 'web' } };
}

/** A member of something from a page, by a path of names and indices. */
function dig(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (Array.isArray(inner) && typeof key === 'number') return inner[key] as unknown;
    return isRecord(inner) ? inner[String(key)] : undefined;
  }, value);
}

describe('Master and agent over HTTP', function () {
  this.timeout(SECONDS_30);
  let cluster: LiveCluster;
  let framework: Framework;
  const taskId = 'long';

  before(async () => {
    cluster = await startCluster();
    framework = new Framework(cluster);
    const offer = await framework.offer();
    await framework.launch(offer, taskId, 'printf 0123456789; exec sleep 300');
    await framework.state(taskId, 'TASK_RUNNING');
  });

  after(async () => {
    await framework.client.close();
    await cluster.close();
  });

  it('subscribes with SUBSCRIBED first and a heartbeat', async () => {
    expect(framework.events[0]?.type).to.equal('SUBSCRIBED');
    await framework.until(() => framework.events.find(({ type }) => type === 'HEARTBEAT'));
    expect(framework.events[0]?.subscribed?.master_info?.version).to.equal('1.11.0');
  });

  it('shows agent, framework and task on the pages of the master', async () => {
    const state = await cluster.operator.get('/state');
    expect(dig(state, 'activated_slaves')).to.equal(1);
    expect(dig(state, 'leader')).to.equal(dig(state, 'pid'));
    expect(dig(state, 'slaves', 0, 'resources')).to.deep.equal({
      disk: 1024,
      mem: 1024,
      gpus: 0,
      cpus: 4,
      ports: '[31000-31100]',
    });
    expect(dig(state, 'slaves', 0, 'used_resources', 'cpus')).to.equal(0.5);
    const seen = dig(state, 'frameworks', 0);
    expect(seen).to.include({ name: 'live', active: true, connected: true, failover_timeout: 60 });
    expect(dig(seen, 'capabilities')).to.deep.equal(['MULTI_ROLE', 'PARTITION_AWARE']);
    const task = dig(seen, 'tasks', 0);
    expect(task).to.include({ id: taskId, executor_id: '', state: 'TASK_RUNNING', role: 'web' });
    expect(dig(task, 'resources')).to.deep.equal({ disk: 0, mem: 64, gpus: 0, cpus: 0.5 });
    const statuses = dig(task, 'statuses') as { state: string }[];
    expect(statuses.map(({ state: one }) => one)).to.deep.equal(['TASK_STARTING', 'TASK_RUNNING']);
    for (const page of ['/slaves', '/frameworks', '/tasks', '/state-summary']) {
      expect(await cluster.operator.get(page), page).to.be.an('object');
    }
    expect(dig(await cluster.operator.get('/tasks'), 'tasks', 0, 'id')).to.equal(taskId);
    expect(dig(await cluster.operator.get('/tasks', { task_id: 'no' }), 'tasks')).to.deep.equal([]);
    const summary = await cluster.operator.get('/state-summary');
    expect(dig(summary, 'slaves', 0, 'TASK_RUNNING')).to.equal(1);
  });

  it('adds amounts up over the tree of roles', async () => {
    const roles = dig(await cluster.operator.get('/roles'), 'roles') as Record<string, unknown>[];
    const web = roles.find(({ name }) => name === 'web');
    expect(web).to.deep.include({ weight: 1, frameworks: [framework.client.frameworkId] });
    expect(dig(web, 'allocated')).to.deep.equal({ cpus: 0.5, mem: 64 });
    expect(dig(web, 'quota', 'consumed')).to.deep.equal({ cpus: 0.5, mem: 64 });
  });

  it('has the metrics that tools read', async () => {
    const metrics = await cluster.operator.get('/metrics/snapshot');
    expect(metrics).to.include({ 'master/tasks_running': 1, 'master/slaves_active': 1 });
    for (const name of ['master/elected', 'master/uptime_secs', 'system/load_1min']) {
      expect(metrics).to.have.property(name).that.is.a('number');
    }
    const agentMetrics = await cluster.agentClient.get('/metrics/snapshot');
    expect(agentMetrics).to.include({ 'slave/tasks_running': 1, 'slave/registered': 1 });
    expect(await cluster.operator.getText('/metrics')).to.match(
      /^plateau_master_tasks_running 1$/m,
    );
    expect(await cluster.operator.getText('/')).to.match(/<h1>Plateau<\/h1>/);
    expect(await cluster.agentClient.getText('/')).to.match(/Plateau agent/);
  });

  it('answers operators with the v1 state of master and agent', async () => {
    const agents = await cluster.operator.call({ type: 'GET_AGENTS' });
    expect(agents?.get_agents?.agents).to.have.length(1);
    const state = await cluster.agentClient.call({ type: 'GET_STATE' });
    expect(state?.get_state?.get_tasks?.launched_tasks?.[0]?.task_id.value).to.equal(taskId);
    expect(state?.get_state?.get_executors?.executors).to.have.length(1);
    const containers = await cluster.agentClient.call({ type: 'GET_CONTAINERS' });
    const statistics = containers?.get_containers?.containers?.[0]?.resource_statistics;
    expect(statistics?.mem_limit_bytes).to.equal(96n * 1024n * 1024n);
    expect(statistics?.cpus_soft_limit).to.be.closeTo(0.6, 0.001);
    const unknown = cluster.agentClient
      .call({
        type: 'MARK_RESOURCE_PROVIDER_GONE',
        mark_resource_provider_gone: { resource_provider_id: { value: 'p' } },
      })
      .catch((error: unknown) => error);
    expect(await unknown).to.have.nested.property('context.status', 501);
  });

  it('checks the media types of calls to the agent', async () => {
    const send = async (headers: Record<string, string>): Promise<number> => {
      const type = { 'Content-Type': 'application/json' };
      const options = {
        method: 'POST',
        headers: { ...type, ...headers },
        body: '{"type":"GET_HEALTH"}',
      };
      return (await fetch(`${cluster.agentUrl}/api/v1`, options)).status;
    };
    const json = 'application/json';
    const recordio = 'application/recordio';
    expect(await send({})).to.equal(200);
    expect(await send({ Accept: 'text/html' })).to.equal(406);
    expect(await send({ Accept: recordio })).to.equal(406);
    expect(await send({ 'Message-Accept': json })).to.equal(406);
    expect(await send({ 'Message-Content-Type': json })).to.equal(415);
    expect(await send({ 'Content-Type': recordio })).to.equal(400);
    expect(await send({ 'Content-Type': recordio, 'Message-Content-Type': 'text/plain' })).to.equal(
      415,
    );
    // Records are taken, and this is none.
    expect(await send({ 'Content-Type': recordio, 'Message-Content-Type': json })).to.equal(400);
    expect((await fetch(`${cluster.agentUrl}/slave(1)/api/v1`)).status).to.equal(405);
    expect((await fetch(`${cluster.agentUrl}/slave%281%29/health`)).status).to.equal(200);
  });

  it('checks calls of executors in order, and knows who they are', async () => {
    const url = `${cluster.agentUrl}/api/v1/executor`;
    const send = async (body: object, headers: Record<string, string> = {}): Promise<Response> => {
      const type = { 'Content-Type': 'application/json' };
      const options = { method: 'POST', headers: { ...type, ...headers } };
      return await fetch(url, { ...options, body: JSON.stringify(body) });
    };
    const nobody = { executor_id: { value: 'e' }, framework_id: { value: 'f' } };
    const subscribe = { type: 'SUBSCRIBE', ...nobody, subscribe: {} };
    expect((await fetch(url)).status).to.equal(405);
    expect((await send({}, { 'Content-Type': 'text/plain' })).status).to.equal(415);
    const untyped = await send(nobody);
    expect(untyped.status).to.equal(400);
    expect(await untyped.text()).to.match(/^Failed to validate Executor::Call: /);
    expect((await send(subscribe, { Accept: 'text/html' })).status).to.equal(406);
    const unknown = await send(subscribe);
    expect(unknown.status).to.equal(400);
    expect(await unknown.text()).to.match(/framework/i);
    expect((await send({ type: 'HEARTBEAT', ...nobody })).status).to.equal(202);
  });

  it('serves the sandbox under its path and its virtual names, and nothing above it', async () => {
    const state = await cluster.agentClient.get('/state');
    const directory = String(dig(state, 'frameworks', 0, 'executors', 0, 'directory'));
    expect(directory).to.match(/\/slaves\/.+\/frameworks\/.+\/executors\/long\/runs\/.+/);
    const frameworkId = framework.client.frameworkId ?? '';
    const virtual = `/frameworks/${frameworkId}/executors/${taskId}/runs/latest`;
    for (const path of [directory, virtual]) {
      const entries = (await cluster.agentClient.listFiles(path)).map((entry) => entry.path);
      expect(entries).to.include(`${path}/stdout`);
      const { data, size } = await cluster.agentClient.readFile(`${path}/stdout`, 3, 4);
      expect([data.toString(), size]).to.deep.equal(['3456', 10]);
    }
    for (const path of [`${directory}/../..`, directory.replace(/\/runs\/.*/, ''), '/', '/tmp']) {
      const refused = await cluster.agentClient.listFiles(path).catch((error: unknown) => error);
      expect(refused, path).to.have.nested.property('context.status').that.is.oneOf([400, 404]);
    }
    const reader = cluster.agentClient;
    const world = systemWorld(SILENT_LOGGER);
    const parts: string[] = [];
    const path = `${virtual}/stdout`;
    for await (const part of followFile({
      world,
      reader,
      path,
      offset: -4,
      isComplete: () => true,
    })) {
      parts.push(part.toString());
    }
    expect(parts.join('')).to.equal('6789');
  });

  it('kills a task in the name of its framework', async () => {
    const frameworkId = framework.client.frameworkId ?? '';
    const missing = { framework: frameworkId, task: 'nothing' };
    const refused = await cluster.operator
      .post('/plateau/v1/kill', missing)
      .catch((e: unknown) => e);
    expect(refused).to.have.nested.property('context.status', 404);
    await cluster.operator.post('/plateau/v1/kill', { framework: frameworkId, task: taskId });
    await framework.state(taskId, 'TASK_KILLED');
  });

  it('tears the framework down, which ends its stream', async () => {
    const id = framework.client.frameworkId ?? '';
    expect(await cluster.operator.get('/plateau/v1/why', { framework: id })).to.include({
      frameworkId: id,
      state: 'active',
    });
    await cluster.operator.post('/teardown', { frameworkId: id });
    expect(await framework.ended).to.have.property('code', 'FRAMEWORK_REMOVED');
    const frameworks = await cluster.operator.get('/frameworks');
    expect(dig(frameworks, 'frameworks')).to.deep.equal([]);
    expect(dig(frameworks, 'completed_frameworks', 0, 'id')).to.equal(id);
    expect(dig(frameworks, 'completed_frameworks', 0, 'completed_tasks', 0, 'state')).to.equal(
      'TASK_KILLED',
    );
  });
});
