/**
 * A host of the simulation: the real agent over a checkpoint and a launcher, both of which outlive
 * its crashes, and the shell that connects it to the master.
 */
import {
  Agent,
  type AgentConfig,
  type MasterConnection,
  type MasterConnector,
  agentConfig,
} from '../agent/index.js';
import { decodeJson, encodeJson } from '../api/index.js';
import { PlateauError } from '../base/index.js';
import { parseResources } from '../resources/index.js';
import { MemoryMedium, MemoryStore } from '../store/index.js';
import type { ConnectionEnd } from './connection.js';
import { FakeContainerizer, FakeSandboxes } from './fake-containerizer.js';
import { FakeHost } from './fake-host.js';
import type { NodeContext } from './node-context.js';
import { ProcessClock, type ProcessWorld, processWorld } from './process-world.js';
import { PURPOSES } from './simulated-master.js';

export interface SimulatedAgentOptions {
  readonly name: string;
  /** Such as `cpus:4;mem:4096`. */
  readonly resources: string;
  readonly config: Partial<AgentConfig>;
  /** The node that agents of this host connect to. */
  readonly master: string;
  readonly port: number;
}

interface RunningAgent {
  readonly world: ProcessWorld;
  readonly store: MemoryStore;
  readonly agent: Agent;
}

export class SimulatedAgent {
  readonly name: string;
  readonly host: FakeHost;
  /** What the host has, for the checks. */
  readonly totalCpus: number;
  /** The checkpoint on disk. */
  readonly medium = new MemoryMedium();
  readonly #options: SimulatedAgentOptions;
  readonly #context: NodeContext;
  #running: RunningAgent | undefined;
  #incarnation = 0;

  constructor(options: SimulatedAgentOptions, context: NodeContext) {
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    this.totalCpus = parseResources(options.resources).scalar('cpus') / 1000;
    this.host = new FakeHost({
      name: options.name,
      random: context.world.random.fork(`${options.name}/host`),
      createClock: () => new ProcessClock(context.world.clock, context.beforeEvent),
      onEvent: (kind, text) => context.trace.add(this.name, kind, text),
    });
  }

  /** The agent that runs now; undefined after a crash. */
  get agent(): Agent | undefined {
    return this.#running?.agent;
  }

  /** Starts an agent over checkpoint and launcher. It recovers as time passes. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#incarnation += 1;
    const { trace, disk } = this.#context;
    const { resources, config, port } = this.#options;
    const process = `${this.name}/${this.#incarnation}`;
    const world = processWorld({ ...this.#context, name: process });
    const store = new MemoryStore({
      medium: this.medium,
      delay: { clock: world.clock, commitMs: disk(world.random.fork('disk')) },
    });
    const agent: Agent = new Agent({
      world,
      store,
      containerizer: new FakeContainerizer(this.host, world.clock),
      sandboxes: new FakeSandboxes(),
      volumes: this.host.volumes,
      connector: this.#connector(world, () => agent),
      config: agentConfig({
        workDir: `/var/lib/${this.name}`,
        resources: parseResources(resources).toWire(),
        ...config,
      }),
      address: { hostname: this.name, ip: '10.0.1.1', port },
      bootId: this.host.bootId,
      onFatal: (error) => this.#stopped(process, error),
    });
    this.#running = { world, store, agent };
    trace.add(this.name, 'start', process);
    agent.start().catch((error: unknown) => this.#stopped(process, error));
  }

  /** The agent dies; its tasks run on. Of its pending writes the first `keptWrites` are kept. */
  crash(keptWrites = 0): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    this.#context.trace.add(this.name, 'crash', String(keptWrites));
    running.world.clock.kill();
    this.#context.network.crash(this.name);
    running.store.crash(keptWrites);
    this.host.attach(undefined);
  }

  /** Everything on the host dies; the checkpoint stays. */
  reboot(keptWrites = 0): void {
    this.crash(keptWrites);
    this.host.reboot();
  }

  /** Writes that are on their way to the disk now. */
  get pendingWrites(): number {
    return this.#running?.store.pendingWrites ?? 0;
  }

  /** The disk refuses the next write, so that the agent has to stop; or does so no more. */
  failDisk(isFailing = true): void {
    this.#running?.store.failNextWrites(isFailing ? 1 : 0);
  }

  /** The agent has stopped by itself: right when its disk failed, or the master shut it down. */
  #stopped(process: string, error: unknown): void {
    const code = error instanceof PlateauError ? error.code : undefined;
    this.#context.trace.add(this.name, 'stopped', `${process} ${String(code)}`);
    const isShutDown = error instanceof PlateauError && error.context['isShutDown'] === true;
    if (code === 'STORE_FAILED' || isShutDown) this.crash();
    else this.#context.fail(process, error);
  }

  #connector(world: ProcessWorld, agentOf: () => Agent): MasterConnector {
    const route = { from: this.name, to: this.#options.master, purpose: PURPOSES.agent };
    return {
      connect: () => {
        this.#context.network.connect(route, () => !world.clock.isDead, {
          connected: (end) => connectAgent(agentOf(), end),
          failed: (reason) => agentOf().masterDisconnected(undefined, reason),
        });
      },
    };
  }
}

function connectAgent(agent: Agent, end: ConnectionEnd): void {
  const connection: MasterConnection = {
    send: (message) => end.send(encodeJson('LinkAgentMessage', message)),
    close: () => end.close(),
  };
  end.onText = (text) => agent.masterMessage(connection, decodeJson('LinkMasterMessage', text));
  end.onClose = (reason) => agent.masterDisconnected(connection, reason);
  agent.masterConnected(connection);
}
