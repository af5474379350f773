/**
 * One master and one agent, each a real process over a temporary folder, which a test may kill and
 * start again; and schedulers that use them the way a framework would.
 */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at } from '../../../core/base/index.js';
import { AgentClient, OperatorClient } from '../../../core/client/index.js';
import { Program, freePorts, killAllOf, processesOf } from '../faults/cluster.js';
import { TestScheduler, type TestSchedulerOptions, eventually } from './scheduler.js';

export interface ClusterOptions {
  /** Flags of the agent, beside those that every cluster needs. */
  readonly agentFlags?: readonly string[];
  readonly masterFlags?: readonly string[];
}

/** What the agent of a cluster has, unless its flags say otherwise. */
const AGENT_FLAGS = [
  '--resources=cpus:4;mem:2048;disk:1024;ports:[31000-31009]',
  '--attributes=rack:r1;level:3',
];

export class TestCluster {
  readonly folder: string;
  readonly master: Program;
  /** Replaced when the agent is to come back with other flags. */
  agent: Program;
  readonly #agentPort: number;
  readonly #schedulers = new Set<TestScheduler>();

  private constructor(ports: readonly number[], options: ClusterOptions) {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-agent-')));
    // Tasks that run as another user must be able to reach their sandboxes.
    chmodSync(this.folder, 0o755);
    this.#agentPort = at(ports, 1);
    this.master = this.#program('master', at(ports, 0), [
      'master',
      '--allocation_interval=50ms',
      ...(options.masterFlags ?? []),
    ]);
    this.agent = this.agentWith(options.agentFlags ?? []);
  }

  /** Starts both; resolves when the agent is registered. */
  static async start(options: ClusterOptions = {}): Promise<TestCluster> {
    const cluster = new TestCluster(await freePorts(2), options);
    await Promise.all([cluster.master.start(), cluster.agent.start()]);
    await cluster.untilRegistered();
    return cluster;
  }

  get workDir(): string {
    return join(this.folder, 'agent');
  }

  get operator(): OperatorClient {
    return new OperatorClient({ address: this.master.url });
  }

  get agentClient(): AgentClient {
    return new AgentClient({ address: this.agent.url });
  }

  /** The same agent, to be started with these flags; later ones win. */
  agentWith(flags: readonly string[]): Program {
    return this.#program('agent', this.#agentPort, [
      'agent',
      `--master=${this.master.url}`,
      '--registration_backoff_factor=50ms',
      ...AGENT_FLAGS,
      ...flags,
    ]);
  }

  /** Kills the agent without warning and starts it again. */
  async restartAgent(): Promise<void> {
    await this.agent.end('SIGKILL');
    await this.agent.start();
    await this.untilRegistered();
  }

  /** Waits until the master counts the agent as active, and the agent knows that. */
  async untilRegistered(): Promise<void> {
    await eventually('the agent is registered', async () => {
      const master = await this.master.page('/state').catch(() => ({ activated_slaves: 0 }));
      const metrics = await this.agent
        .page('/metrics/snapshot')
        .catch(() => ({ 'slave/registered': 0 }));
      return master['activated_slaves'] === 1 && metrics['slave/registered'] === 1;
    });
  }

  /** A subscribed scheduler, until `endSchedulers`. */
  async scheduler(options: Omit<TestSchedulerOptions, 'masters'> = {}): Promise<TestScheduler> {
    const scheduler = new TestScheduler({ ...options, masters: this.master.url });
    this.#schedulers.add(scheduler);
    await scheduler.start();
    return scheduler;
  }

  /** Ends all frameworks and waits until nothing of them runs. */
  async endSchedulers(): Promise<void> {
    for (const scheduler of this.#schedulers) await scheduler.end();
    this.#schedulers.clear();
    await eventually('no executor is left', async () => {
      const { frameworks } = await this.agent.page('/state');
      return Array.isArray(frameworks) && frameworks.length === 0;
    });
  }

  /** Ends everything in order; returns what is left all the same, and kills it. */
  async stop(): Promise<readonly string[]> {
    for (const scheduler of this.#schedulers) await scheduler.end();
    await this.agent.end('SIGUSR1');
    await this.master.end('SIGTERM');
    const left = processesOf(this.folder);
    await killAllOf(this.folder);
    if (process.env['PLATEAU_AGENT_KEEP'] === undefined) {
      rmSync(this.folder, { recursive: true, force: true });
    }
    return left.map(({ line }) => line);
  }

  #program(name: string, port: number, argv: readonly string[]): Program {
    return new Program({
      name,
      port,
      argv: [...argv, `--work_dir=${join(this.folder, name)}`],
      logFile: join(this.folder, `${name}.log`),
    });
  }
}
