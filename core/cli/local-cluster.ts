/**
 * A cluster on this host: one master, some agents and some schedulers, each a process of its own, watched
 * and restarted when one of them dies. The resources of the host are divided among the agents. Started
 * again over the same folder, it goes on where it stopped.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../base/index.js';
import { type HostFacts, hostFacts } from '../containers/index.js';
import { defaultResources } from '../resources/index.js';
import { LocalProgram, type LocalProgramOptions, READY_TIMEOUT_MS } from './local-program.js';
import {
  type SchedulerName,
  type SchedulerUrls,
  schedulerPort,
  untilSubscribed,
} from './local-schedulers.js';

export interface LocalClusterOptions {
  readonly world: World;
  /** Folder of registry, checkpoints, sandboxes and logs. */
  readonly workDir: string;
  readonly agents: number;
  readonly schedulers: readonly SchedulerName[];
  /** Port of the master, agents and schedulers take those after it; 0: free ones. */
  readonly port: number;
  /** Told when a program died and is started again. */
  readonly onRestart?: (name: string, how: string) => void;
}

/** First port that agents may give to tasks, and how many there are in all. */
const TASK_PORTS = { first: 31_000, count: 1_001 };

/** A running local cluster. */
export class LocalCluster {
  readonly #options: LocalClusterOptions;
  readonly #agents: LocalProgram[] = [];
  readonly #schedulers: LocalProgram[] = [];
  readonly #schedulerUrls = new Map<SchedulerName, string>();
  #master: LocalProgram | undefined;
  #masterUrl = '';
  readonly #stopping = new AbortController();

  private constructor(options: LocalClusterOptions) {
    this.#options = options;
  }

  /** Starts the programs and resolves when all of them serve. On failure none is left. */
  static async start(options: LocalClusterOptions): Promise<LocalCluster> {
    const cluster = new LocalCluster(options);
    try {
      await cluster.#start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get masterUrl(): string {
    return this.#masterUrl;
  }

  /** The admin interfaces of the schedulers, by name. */
  get schedulerUrls(): SchedulerUrls {
    return this.#schedulerUrls;
  }

  /**
   * Ends the schedulers, so that none of them replaces what is ended then: the tasks, and the agents with
   * their launchers; at last the master. Leaves no process.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#schedulers.map((scheduler) => scheduler.stop('SIGTERM')));
    await Promise.all(this.#agents.map((agent) => agent.stop('SIGUSR1')));
    await this.#master?.stop('SIGTERM');
  }

  async #start(): Promise<void> {
    const { port, workDir, agents, schedulers } = this.#options;
    mkdirSync(join(workDir, 'logs'), { recursive: true });
    const argv = ['master', `--work-dir=${join(workDir, 'master')}`, '--cluster=local'];
    const master = this.#program('master', port, argv);
    this.#master = master;
    this.#masterUrl = localUrl(await master.start());
    const shares = divideHost(hostFacts(workDir), agents);
    await Promise.all([
      ...shares.map((resources, index) => this.#startAgent(index + 1, resources)),
      ...schedulers.map((name) => this.#startScheduler(name)),
    ]);
  }

  async #startAgent(number: number, resources: string): Promise<void> {
    const { port, workDir } = this.#options;
    const name = `agent-${number}`;
    const agent = this.#program(name, port === 0 ? 0 : port + number, [
      'agent',
      `--master=${this.#masterUrl}`,
      `--work-dir=${join(workDir, name)}`,
      `--resources=${resources}`,
    ]);
    this.#agents.push(agent);
    await agent.start();
  }

  async #startScheduler(name: SchedulerName): Promise<void> {
    const { port, workDir, world } = this.#options;
    const store = `lmdb:${join(workDir, name)}`;
    const argv = [name, 'serve', `--master=${this.#masterUrl}`, `--store=${store}`];
    const scheduler = this.#program(name, schedulerPort(name, port), argv, '--admin-port');
    this.#schedulers.push(scheduler);
    const url = localUrl(await scheduler.start());
    this.#schedulerUrls.set(name, url);
    const { signal } = this.#stopping;
    await untilSubscribed({ name, url, world, withinMs: READY_TIMEOUT_MS, signal });
  }

  #program(
    name: string,
    port: number,
    argv: readonly string[],
    portFlag: LocalProgramOptions['portFlag'] = '--port',
  ): LocalProgram {
    const { workDir, world, onRestart } = this.#options;
    const logFile = join(workDir, 'logs', `${name}.log`);
    return new LocalProgram({ name, port, portFlag, argv, logFile, world, onRestart });
  }
}

function localUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** Divides what an agent would offer of a host into equal shares, as texts for `--resources`. */
export function divideHost(facts: HostFacts, parts: number): readonly string[] {
  const whole = defaultResources(facts);
  const share = (name: string, unit: number): number =>
    Math.floor(whole.scalar(name) / unit / parts) * (unit / 1000);
  const width = Math.floor(TASK_PORTS.count / parts);
  return Array.from({ length: parts }, (_, index) => {
    const begin = TASK_PORTS.first + index * width;
    return [
      `cpus:${share('cpus', 10)}`,
      `mem:${share('mem', 1000)}`,
      `disk:${share('disk', 1000)}`,
      `ports:[${begin}-${begin + width - 1}]`,
    ].join(';');
  });
}
