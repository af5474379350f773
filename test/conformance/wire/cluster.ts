/** A fresh master and agent, each a process of this build with default flags, over a temporary folder. */
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { at } from '../../../core/base/index.js';
import {
  Program,
  eventually,
  freePorts,
  killAllOf,
  processesOf,
} from '../../processes/faults/cluster.js';

/** What the cases need, and no less than the tasks of one case use together. */
const AGENT_FLAGS = [
  '--resources=cpus:8;mem:8192;disk:16384;ports:[31000-32000]',
  '--attributes=rack:r1;level:3',
];

export class WireCluster {
  readonly master: Program;
  readonly agent: Program;
  readonly #folder: string;

  private constructor(folder: string, ports: readonly number[], nodeFlags: readonly string[]) {
    this.#folder = folder;
    const program = (name: string, port: number, flags: readonly string[]): Program =>
      new Program({
        name,
        port,
        argv: [name, ...flags, `--work_dir=${join(folder, name)}`],
        logFile: join(folder, `${name}.log`),
        nodeFlags,
      });
    const [masterPort, agentPort] = [at(ports, 0), at(ports, 1)];
    this.master = program('master', masterPort, []);
    this.agent = program('agent', agentPort, [`--master=127.0.0.1:${masterPort}`, ...AGENT_FLAGS]);
  }

  /** Resolves when both serve and the agent is registered. */
  static async start(nodeFlags: readonly string[] = []): Promise<WireCluster> {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-wire-')));
    // Tasks that run as another user must be able to reach their sandboxes.
    chmodSync(folder, 0o755);
    const cluster = new WireCluster(folder, await freePorts(2), nodeFlags);
    await Promise.all([cluster.master.start(), cluster.agent.start()]);
    await eventually('the agent is registered', async () => {
      const state = await cluster.master.page('/state');
      return state['activated_slaves'] === 1;
    });
    return cluster;
  }

  get urls(): { readonly master: string; readonly agent: string } {
    return { master: this.master.url, agent: this.agent.url };
  }

  /** Where the memory probe of a server answers, when it was started with one. */
  memorySocket(server: 'master' | 'agent'): string {
    return `${join(this.#folder, server)}.memory`;
  }

  /** Ends both and their tasks. Returns what lived on all the same, which is killed. */
  async stop(): Promise<readonly string[]> {
    await this.agent.end('SIGUSR1');
    await this.master.end('SIGTERM');
    const left = processesOf(this.#folder);
    await killAllOf(this.#folder);
    rmSync(this.#folder, { recursive: true, force: true });
    return left.map(({ line }) => line);
  }
}
