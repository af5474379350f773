import { expect } from 'chai';
import { rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FrameworkInfoCapabilityType, Offer } from '../../../core/api/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { SchedulerClient } from '../../../core/client/index.js';
import {
  MAIN,
  Running,
  makeFolder,
  plateau,
  processesWith,
  removeFolder,
  until,
} from './command.js';

const FIRST_COME = fileURLToPath(
  new URL('../../../frameworks/examples/first-come-allocator/main.js', import.meta.url),
);

const domain = (region: string): string =>
  `--domain={"fault_domain":{"region":{"name":"${region}"},"zone":{"name":"z"}}}`;

/** A master and agents as they are started by hand. */
class Daemons {
  readonly folder = makeFolder();
  readonly #running: Running[] = [];
  url = '';

  async startMaster(...flags: readonly string[]): Promise<void> {
    const master = this.#start(['master', '--allocation_interval=100ms', ...flags], 'master');
    const [, port = ''] = await master.says(/"address":"127\.0\.0\.1:(\d+)"/);
    this.url = `http://127.0.0.1:${port}`;
  }

  startAgent(name: string, ...flags: readonly string[]): Running {
    const fixed = [`--master=${this.url}`, '--registration_backoff_factor=100ms'];
    const resources = '--resources=cpus:4;mem:2048;disk:1024;ports:[]';
    return this.#start(['agent', ...fixed, resources, ...flags], name);
  }

  async untilRegistered(agents: number): Promise<void> {
    await until(async () => (await this.page('/state'))['activated_slaves'] === agents);
  }

  async page(path: string): Promise<Record<string, unknown>> {
    return (await (await fetch(`${this.url}${path}`)).json()) as Record<string, unknown>;
  }

  /** Lets the allocator run some times. */
  async runs(count: number): Promise<void> {
    const read = async (): Promise<number> =>
      Number((await this.page('/metrics/snapshot'))['allocator/mesos/allocation_runs']);
    const first = await read();
    await until(async () => (await read()) >= first + count);
  }

  async stop(): Promise<void> {
    for (const { child } of this.#running.toReversed()) {
      child.kill('SIGUSR1');
      // oxlint-disable-next-line no-await-in-loop -- agents before the master
      await new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) resolve(undefined);
        else child.once('exit', resolve);
      });
    }
    const left = processesWith(this.folder);
    removeFolder(this.folder);
    expect(left, 'processes left behind').to.deep.equal([]);
  }

  #start(argv: readonly string[], name: string): Running {
    const common = ['--port=0', '--log_format=json', `--work_dir=${join(this.folder, name)}`];
    const running = new Running([...argv, ...common]);
    this.#running.push(running);
    return running;
  }
}

/** A framework that notes what it is offered, and declines nothing. */
class Watcher {
  readonly offers: Offer[] = [];
  readonly #client: SchedulerClient;
  readonly #ended: Promise<unknown>;

  constructor(master: string, capabilities: readonly FrameworkInfoCapabilityType[] = []) {
    const types = ['MULTI_ROLE' as const, ...capabilities];
    this.#client = new SchedulerClient({
      world: systemWorld(SILENT_LOGGER),
      masters: master,
      frameworkInfo: {
        name: 'watcher',
        user: userInfo().username,
        roles: ['watchers'],
        capabilities: types.map((type) => ({ type })),
      },
      onEvent: ({ offers }) => void this.offers.push(...(offers?.offers ?? [])),
    });
    this.#ended = this.#client.run();
  }

  async stop(): Promise<void> {
    await this.#client.teardown();
    await this.#ended;
  }
}

describe('plateau master: who is offered what', function () {
  this.timeout(60_000);
  let daemons: Daemons;

  beforeEach(() => {
    daemons = new Daemons();
  });

  afterEach(() => daemons.stop());

  it('runs a job on an allocator that a module brings', async () => {
    await daemons.startMaster(`--allocator=${FIRST_COME}`);
    daemons.startAgent('agent');
    await daemons.untilRegistered(1);
    const environment = { PLATEAU_MASTER: daemons.url };
    const counted = await plateau(
      ['example', 'word-count', MAIN, '--maps=3', '--json'],
      environment,
    );
    expect(counted.code, counted.stderr).to.equal(0);
    expect(counted.stdout).to.include('import');
    const { frameworks, completed_frameworks } = await daemons.page('/frameworks');
    expect(frameworks).to.deep.equal([]);
    expect(completed_frameworks).to.have.length(1);
    expect((await daemons.page('/flags'))['flags']).to.include({ allocator: FIRST_COME });
  });

  it('reads the whitelist again and again', async () => {
    const file = join(daemons.folder, 'hosts');
    writeFileSync(file, 'another-host\n');
    await daemons.startMaster(`--whitelist=${file}`);
    daemons.startAgent('agent');
    await daemons.untilRegistered(1);
    const watcher = new Watcher(daemons.url);
    try {
      await until(async () => {
        const { frameworks } = await daemons.page('/frameworks');
        return Array.isArray(frameworks) && frameworks.length === 1;
      });
      await daemons.runs(3);
      expect(watcher.offers).to.deep.equal([]);
      rmSync(file);
      writeFileSync(file, 'another-host\n127.0.0.1\n');
      await until(() => watcher.offers.length > 0);
    } finally {
      await watcher.stop();
    }
  });

  it('offers agents of other regions to frameworks that are aware of regions', async () => {
    await daemons.startMaster(domain('eu'), '--require_agent_domain');
    daemons.startAgent('remote', domain('us'));
    const homeless = daemons.startAgent('homeless');
    await homeless.says(/has no domain.*--require_agent_domain/);
    await daemons.untilRegistered(1);
    const local = new Watcher(daemons.url);
    const aware = new Watcher(daemons.url, ['REGION_AWARE']);
    try {
      await until(() => aware.offers.length > 0);
      await daemons.runs(3);
      expect(local.offers).to.deep.equal([]);
      expect(aware.offers[0]?.domain?.fault_domain?.region.name).to.equal('us');
    } finally {
      await Promise.all([local.stop(), aware.stop()]);
    }
  });
});

describe('plateau master: flags about allocation that are not valid', function () {
  this.timeout(60_000);
  const folder = makeFolder();
  after(() => removeFolder(folder));

  function write(name: string, source: string): string {
    const file = join(folder, name);
    writeFileSync(file, source);
    return file;
  }

  it('end the master before it serves, naming the flag and what is wrong', async () => {
    const none = join(folder, 'none.mjs');
    const empty = write('empty.mjs', 'export {};');
    const partial = write('partial.mjs', 'export const createAllocator = () => ({});');
    const cases: readonly (readonly [string, RegExp])[] = [
      [`--allocator=${none}`, /--allocator: module '.*none\.mjs' cannot be loaded/],
      [`--allocator=${empty}`, /--allocator: .*empty\.mjs' exports no function 'createAllocator'/],
      [`--allocator=${partial}`, /--allocator: .*partial\.mjs' .* lacks recover, addFramework/],
      ['--allocator_options=x', /--allocator_options: .*name=value/],
      [`--whitelist=${none}`, /--whitelist: '.*none\.mjs' cannot be read/],
      ['--domain={}', /--domain: .*region and a zone/],
      ['--allocator_agent_recovery_factor=2', /--allocator_agent_recovery_factor: /],
      ['--min_allocatable_resources=x', /--min_allocatable_resources: /],
    ];
    for (const [flag, problem] of cases) {
      // oxlint-disable-next-line no-await-in-loop -- two cores
      const ended = await plateau(['master', '--port=0', '--registry=in_memory', flag]);
      expect(ended.stderr).to.match(problem).and.include('[INVALID_FLAG]');
      expect(ended.code, flag).to.equal(2);
    }
    for (const flag of ['--role_sorter=fair', '--framework_sorter=x']) {
      // oxlint-disable-next-line no-await-in-loop -- two cores
      const ended = await plateau(['master', '--port=0', '--registry=in_memory', flag]);
      expect(ended.stderr).to.match(/drf, random/);
      expect(ended.code, flag).to.not.equal(0);
    }
  });
});
