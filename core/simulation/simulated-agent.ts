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
import { PlateauError } from '../base/index.js';
import { parseAttributes, parseResources } from '../resources/index.js';
import { MemoryMedium, MemoryStore } from '../store/index.js';
import { PURPOSES } from './calls.js';
import type { ConnectionEnd } from './connection.js';
import { FakeContainerizer, FakeSandboxes } from './fake-containerizer.js';
import { FakeHost } from './fake-host.js';
import type { NodeContext } from './node-context.js';
import { ProcessClock, type ProcessWorld, processWorld } from './process-world.js';
import type { Wire } from './wire.js';

/** What an agent of the simulation is like. */
export interface AgentDescription {
  /** Such as `cpus:4;mem:4096`, which is the default. */
  readonly resources?: string;
  /** Such as `rack:r1;disk:ssd`. Default none. */
  readonly attributes?: string;
  /** What masters and frameworks know its host by. Default the name of its node, such as `agent-0`. */
  readonly hostname?: string;
  /** Where it is. Default: it does not say. */
  readonly domain?: { readonly region: string; readonly zone: string };
}

export interface SimulatedAgentOptions {
  readonly name: string;
  readonly description: AgentDescription;
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

const DEFAULT_AGENT_RESOURCES = 'cpus:4;mem:4096';

export class SimulatedAgent {
  /** The name of its node. */
  readonly name: string;
  readonly hostname: string;
  readonly host: FakeHost;
  /** What the host has, for the checks. */
  readonly totalCpus: number;
  /** The checkpoint on disk. */
  readonly medium = new MemoryMedium();
  readonly #options: SimulatedAgentOptions;
  /** What makes its configuration other than the default. */
  readonly #makeup: Parameters<typeof agentConfig>[0];
  readonly #context: NodeContext;
  #running: RunningAgent | undefined;
  #incarnation = 0;
  #isLost = false;

  constructor(options: SimulatedAgentOptions, context: NodeContext) {
    this.name = options.name;
    this.#options = options;
    this.#context = context;
    const { description } = options;
    const resources = parseResources(description.resources ?? DEFAULT_AGENT_RESOURCES);
    this.hostname = description.hostname ?? options.name;
    this.totalCpus = resources.scalar('cpus') / 1000;
    this.#makeup = {
      workDir: `/var/lib/${options.name}`,
      resources: resources.toWire(),
      ...makeupOf(description),
    };
    this.host = new FakeHost({
      name: options.name,
      random: context.world.random.fork(`${options.name}/host`),
      createClock: () => new ProcessClock(context.world.clock, context.beforeEvent),
      onEvent: (kind, text) => {
        context.trace.add(this.name, kind, text);
        context.onHostEvent(this, kind, text);
      },
    });
  }

  /** The agent that runs now; undefined after a crash. */
  get agent(): Agent | undefined {
    return this.#running?.agent;
  }

  /** Whether the host is gone for good. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /** Starts an agent over checkpoint and launcher. It recovers as time passes. A lost host does not. */
  start(): void {
    if (this.#running !== undefined || this.#isLost) return;
    this.#incarnation += 1;
    const { trace, disks } = this.#context;
    const { config, port } = this.#options;
    const process = `${this.name}/${this.#incarnation}`;
    const world = processWorld({ ...this.#context, name: process });
    const store = new MemoryStore({
      medium: this.medium,
      delay: {
        clock: world.clock,
        commitMs: disks.commitTimes(this.name, world.random.fork('disk')),
      },
    });
    const agent: Agent = new Agent({
      world,
      store,
      containerizer: new FakeContainerizer(this.host, world.clock),
      sandboxes: new FakeSandboxes(),
      volumes: this.host.volumes,
      connector: this.#connector(world, () => agent),
      config: agentConfig({ ...this.#makeup, ...config }),
      address: { hostname: this.hostname, ip: '10.0.1.1', port },
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

  /** The host goes without a word, and never comes back. */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#context.trace.add(this.name, 'lost', '');
    this.#context.network.vanish(this.name);
    this.reboot();
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
          connected: (end) => connectAgent(agentOf(), end, this.#context.wire),
          failed: (reason) => agentOf().masterDisconnected(undefined, reason),
        });
      },
    };
  }
}

function makeupOf({ attributes, domain }: AgentDescription): Partial<AgentConfig> {
  const { region, zone } = domain ?? {};
  return {
    ...(attributes !== undefined && { attributes: parseAttributes(attributes) }),
    ...(region !== undefined &&
      zone !== undefined && {
        domain: { fault_domain: { region: { name: region }, zone: { name: zone } } },
      }),
  };
}

function connectAgent(agent: Agent, end: ConnectionEnd, wire: Wire): void {
  const connection: MasterConnection = {
    send: (message) => end.send(wire.pack('LinkAgentMessage', message)),
    close: () => end.close(),
  };
  end.onParcel = (parcel) => {
    agent.masterMessage(connection, wire.unpack('LinkMasterMessage', parcel));
  };
  end.onClose = (reason) => agent.masterDisconnected(connection, reason);
  agent.masterConnected(connection);
}
