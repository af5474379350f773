import { expect } from 'chai';
import { normaliseApp } from '../../../../frameworks/services/index.js';
import { canonicalId, resolveId, taskNameOf } from '../../../../frameworks/services/apps/app-id.js';
import { isSameConfig, portsOf } from '../../../../frameworks/services/apps/app.js';
import { mergeApp } from '../../../../frameworks/services/apps/normalise.js';
import { withServicePorts } from '../../../../frameworks/services/apps/service-ports.js';
import { taskOfApp } from '../../../../frameworks/services/apps/task-of-app.js';
import { OPTIONS, app, draft } from './support.js';

function problems(fields: object): Readonly<Record<string, string>> {
  const normalised = normaliseApp({ id: '/web', cmd: 'hang', ...fields }, OPTIONS);
  if (normalised.kind === 'good') return {};
  return Object.fromEntries(normalised.problems.map(({ path, message }) => [path, message]));
}

describe('normaliseApp', () => {
  it("fills in Marathon's defaults", () => {
    expect(draft()).to.deep.equal({
      id: '/web',
      cmd: 'hang',
      cpus: 1,
      mem: 128,
      disk: 0,
      gpus: 0,
      instances: 1,
      env: {},
      labels: {},
      constraints: [],
      fetch: [],
      dependencies: [],
      healthChecks: [],
      readinessChecks: [],
      networks: [{ mode: 'host' }],
      portDefinitions: [{ port: 0, protocol: 'tcp', name: 'default', labels: {} }],
      requirePorts: false,
      backoffSeconds: 1,
      backoffFactor: 1.15,
      maxLaunchDelaySeconds: 300,
      upgradeStrategy: { minimumHealthCapacity: 1, maximumOverCapacity: 1 },
      unreachableStrategy: { inactiveAfterSeconds: 0, expungeAfterSeconds: 0 },
      killSelection: 'YOUNGEST_FIRST',
      executor: '',
      role: '*',
    });
    const [check] = draft({ healthChecks: [{}] }).healthChecks;
    expect(check).to.deep.equal({
      protocol: 'HTTP',
      path: '/',
      portIndex: 0,
      gracePeriodSeconds: 300,
      intervalSeconds: 60,
      timeoutSeconds: 20,
      maxConsecutiveFailures: 3,
      delaySeconds: 15,
      ipProtocol: 'IPv4',
    });
  });

  it('takes what it has answered: an app read, changed and sent back', () => {
    const shown = {
      ...app(),
      tasks: [],
      tasksRunning: 3,
      deployments: [{ id: 'x' }],
      unheardOf: 1,
    };
    const again = normaliseApp(JSON.parse(JSON.stringify(shown)), OPTIONS);
    expect(again).to.deep.equal({ kind: 'good', app: draft() });
  });

  it('turns deprecated fields into the new ones', () => {
    const old = draft({
      uris: ['http://a/b.tgz'],
      ports: [80, 0],
      container: { type: 'DOCKER', docker: { image: 'nginx', network: 'HOST' } },
      constraints: [['hostname', 'UNIQUE', '']],
    });
    expect(old.fetch).to.deep.equal([
      { uri: 'http://a/b.tgz', extract: true, executable: false, cache: false },
    ]);
    expect(old.portDefinitions).to.deep.equal([
      { port: 80, protocol: 'tcp', labels: {} },
      { port: 0, protocol: 'tcp', labels: {} },
    ]);
    expect(old.constraints).to.deep.equal([['@hostname', 'UNIQUE']]);
    const bridge = draft({
      container: {
        docker: { image: 'nginx', network: 'BRIDGE', portMappings: [{ containerPort: 80 }] },
      },
    });
    expect(bridge.networks).to.deep.equal([{ mode: 'container/bridge' }]);
    expect(bridge).to.not.have.property('portDefinitions');
    expect(portsOf(bridge)[0]).to.include({ container: 80, host: 0, service: 0 });
  });

  it('tells all problems at once, with their paths', () => {
    const found = problems({
      id: '/Web',
      args: ['a'],
      cpus: 0,
      healthChecks: [{ protocol: 'PING', portIndex: -1 }],
      constraints: [['rack', 'NEAR']],
    });
    // What can be said of the fields that can be read is said as well.
    expect(found).to.have.all.keys(
      '/id',
      '/cmd',
      '/cpus',
      '/healthChecks(0)/protocol',
      '/healthChecks(0)/portIndex',
      '/constraints',
    );
    expect(found['/constraints']).to.contain('NEAR');
    const together = problems({
      id: '/Web',
      args: ['a'],
      uris: [],
      fetch: [],
      gpus: 1,
      role: 'prod',
      healthChecks: [{ portIndex: 3 }],
      portDefinitions: [{ name: 'a-b' }, { name: 'a.b' }],
    });
    expect(together).to.have.all.keys(
      '/id',
      '/cmd',
      '/uris',
      '/gpus',
      '/role',
      '/healthChecks(0)/portIndex',
      '/portDefinitions(1)/name',
    );
  });

  it('refuses what is not supported instead of leaving it out', () => {
    expect(
      problems({
        env: { A: { secret: 's' } },
        readinessChecks: [{}],
        networks: [{ mode: 'container', name: 'n' }],
        residency: {},
        container: { volumes: [{ containerPath: 'data', persistent: { size: 1 } }] },
        healthChecks: [{}, {}],
      }),
    ).to.have.all.keys(
      '/env',
      '/readinessChecks',
      '/networks(0)/mode',
      '/residency',
      '/container/volumes(0)/hostPath',
      '/healthChecks',
    );
    expect(
      problems({ unreachableStrategy: { inactiveAfterSeconds: 9, expungeAfterSeconds: 1 } }),
    ).to.have.key('/unreachableStrategy');
    expect(
      problems({ networks: [{ mode: 'container/bridge' }], portDefinitions: [{}] }),
    ).to.have.key('/portDefinitions');
    expect(
      problems({ labels: { MARATHON_SINGLE_INSTANCE_APP: 'true' }, instances: 2 }),
    ).to.have.key('/instances');
  });

  it('merges a partial update field by field', () => {
    const before = app({ env: { A: '1', B: '2' }, labels: { x: 'y' } });
    expect(mergeApp(before, { env: { A: '3' }, instances: 4, labels: null })).to.deep.include({
      env: { A: '3' },
      instances: 4,
      cmd: 'hang',
    });
    expect(mergeApp(before, { labels: null })).to.not.have.property('labels');
    expect(mergeApp(before, { args: ['a'] })).to.not.have.property('cmd');
    const ports = normaliseApp(mergeApp(before, { ports: [1] }), OPTIONS);
    expect(ports.kind === 'good' && ports.app.portDefinitions?.[0]?.port).to.equal(1);
  });
});

describe('Ids of apps', () => {
  it('are canonical, relative to groups, and make names that differ', () => {
    expect(canonicalId('shop//web/')).to.equal('/shop/web');
    expect(resolveId('../db', '/shop/web/front')).to.equal('/shop/db');
    expect(resolveId('db', '/shop/web')).to.equal('/shop/db');
    expect(taskNameOf('/shop/web')).to.equal('shop_web');
    expect(problems({ id: '/shop/tasks' })).to.have.key('/id');
    expect(problems({ id: `/${'a'.repeat(200)}` })).to.have.key('/id');
  });
});

describe('Configurations', () => {
  it('differ by what instances notice alone', () => {
    const one = draft();
    expect(
      isSameConfig(one, draft({ instances: 9, backoffSeconds: 7, dependencies: ['/x'] })),
    ).to.equal(true);
    expect(isSameConfig(one, draft({ upgradeStrategy: { maximumOverCapacity: 0 } }))).to.equal(
      true,
    );
    expect(isSameConfig(one, draft({ env: { A: '1' } }))).to.equal(false);
    expect(isSameConfig(one, draft({ mem: 129 }))).to.equal(false);
  });
});

describe('withServicePorts', () => {
  it('gives numbers that no other app has, and keeps those given before', () => {
    const first = withServicePorts(draft({ ports: [0, 0] }), { isTaken: () => false });
    expect(first?.portDefinitions?.map(({ port }) => port)).to.deep.equal([10_000, 10_001]);
    const other = {
      ...app({ id: '/other' }),
      ...withServicePorts(draft({ id: '/other' }), { isTaken: (port) => port < 10_002 }),
    };
    expect(other.portDefinitions?.[0]?.port).to.equal(10_002);
    const again = withServicePorts(draft({ ports: [0, 0] }), {
      isTaken: (port) => port === 10_002,
      before: app(first),
    });
    expect(again?.portDefinitions?.map(({ port }) => port)).to.deep.equal([10_000, 10_001]);
  });
});

/** What the tests look at of a message. */
interface Launched {
  readonly name?: string;
  readonly health_check?: object;
  readonly command?: {
    readonly environment: { readonly variables: readonly { name: string; value: string }[] };
  };
}

describe('taskOfApp', () => {
  function launched(fields: object, ports: readonly number[]): Launched {
    const spec = taskOfApp(app(fields));
    const info = {
      name: spec.name,
      task_id: { value: 't1' },
      agent_id: { value: 'a1' },
      command: {
        shell: true,
        value: 'hang',
        environment: {
          variables: Object.entries(spec.env ?? {}).map(([name, value]) => ({ name, value })),
        },
      },
      discovery: { visibility: 'FRAMEWORK', ports: { ports: ports.map((number) => ({ number })) } },
    } as never;
    return (spec.adapt?.(info, {} as never) ?? {}) as Launched;
  }

  function variables(info: Launched): Readonly<Record<string, string>> {
    const list = info.command?.environment.variables ?? [];
    return Object.fromEntries(list.map(({ name, value }) => [name, value]));
  }

  it("gives an instance Marathon's variables; those of the app win", () => {
    const info = launched(
      {
        id: '/shop/web',
        ports: [8080],
        labels: { 'team-a': 'x', long: 'y'.repeat(600) },
        env: { MARATHON_APP_ID: 'mine' },
      },
      [31_005],
    );
    expect(info.name).to.equal('web.shop');
    expect(variables(info)).to.deep.include({
      MARATHON_APP_ID: 'mine',
      MARATHON_APP_VERSION: 'c1',
      MARATHON_APP_RESOURCE_CPUS: '1.0',
      MARATHON_APP_RESOURCE_MEM: '128.0',
      MARATHON_APP_LABELS: 'TEAM_A',
      MARATHON_APP_LABEL_TEAM_A: 'x',
      MESOS_TASK_ID: 't1',
      PORT_8080: '31005',
    });
    expect(variables(info)).to.not.have.property('MARATHON_APP_LABEL_LONG');
  });

  it('has the agent do every kind of check, on the port that the instance was given', () => {
    const check = (fields: object): unknown =>
      launched({ ports: [0, 0], healthChecks: [fields] }, [31_000, 31_001]).health_check;
    expect(check({ protocol: 'HTTP', portIndex: 1 })).to.deep.include({
      type: 'HTTP',
      http: { port: 31_001, path: '/', scheme: 'http', protocol: 'IPv4' },
      consecutive_failures: 3,
      grace_period_seconds: 300,
    });
    expect(check({ protocol: 'MESOS_HTTPS', port: 443 })).to.have.nested.property(
      'http.scheme',
      'https',
    );
    expect(check({ protocol: 'TCP' })).to.deep.include({
      type: 'TCP',
      tcp: { port: 31_000, protocol: 'IPv4' },
    });
    expect(
      check({ protocol: 'COMMAND', command: { value: 'test -f ok' }, maxConsecutiveFailures: 0 }),
    ).to.deep.include({
      type: 'COMMAND',
      command: { value: 'test -f ok' },
      consecutive_failures: 1_000_000_000,
    });
  });

  it('asks for ports as the app says', () => {
    expect(taskOfApp(app({ ports: [80, 81] })).ports).to.deep.equal([
      { protocol: 'tcp' },
      { protocol: 'tcp' },
    ]);
    expect(taskOfApp(app({ ports: [80], requirePorts: true })).ports).to.deep.equal([
      { port: 80, protocol: 'tcp' },
    ]);
    expect(taskOfApp(app({ portDefinitions: [] })).ports).to.deep.equal([]);
  });
});
