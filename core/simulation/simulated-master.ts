/**
 * A master process of the simulation: the real master, a registry that outlives its crashes, and the
 * shell that connects it to the network. Every message passes through the codec, as on a real wire.
 */
import { type CallAnswer, validateSchedulerCall } from '../api/index.js';
import { PlateauError, id } from '../base/index.js';
import {
  type AgentConnection,
  Master,
  type MasterSettings,
  type SchedulerStream,
} from '../master/index.js';
import { MemoryMedium, MemoryStore } from '../store/index.js';
import { sizeRefusal } from './call-size.js';
import { type CallParcel, PURPOSES } from './calls.js';
import type { ConnectionEnd } from './connection.js';
import type { NodeContext } from './node-context.js';
import { type ProcessWorld, processWorld } from './process-world.js';

interface RunningMaster {
  readonly world: ProcessWorld;
  readonly store: MemoryStore;
  readonly master: Master;
}

export class SimulatedMaster {
  readonly name: string;
  /** The registry on disk. */
  readonly medium = new MemoryMedium();
  readonly #context: NodeContext;
  readonly #config: MasterSettings;
  #running: RunningMaster | undefined;
  /** Masters that do not know yet that another one has taken over. */
  readonly #deposed = new Set<RunningMaster>();
  #incarnation = 0;

  constructor(name: string, context: NodeContext, config: MasterSettings) {
    this.name = name;
    this.#context = context;
    this.#config = config;
  }

  /** The master that runs now; undefined after a crash. */
  get master(): Master | undefined {
    return this.#running?.master;
  }

  /** Starts a process over the registry. It recovers as time passes. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#incarnation += 1;
    const { network, trace, disks, onObservation } = this.#context;
    const process = `${this.name}/${this.#incarnation}`;
    const world = processWorld({ ...this.#context, name: process });
    const store = new MemoryStore({
      medium: this.medium,
      delay: {
        clock: world.clock,
        commitMs: disks.commitTimes(this.name, world.random.fork('disk')),
      },
    });
    const master: Master = new Master({
      world,
      store,
      config: this.#config,
      address: { hostname: this.name, ip: '10.0.0.1', port: 5050 },
      onFatal: (error) => this.#stopped(running, process, error),
    });
    const running: RunningMaster = { world, store, master };
    this.#running = running;
    master.observe((observation) => {
      trace.add(this.name, 'observed', observation);
      onObservation(observation);
    });
    trace.add(this.name, 'start', process);
    network.listen(this.name, (purpose, end, peer) => {
      if (purpose === PURPOSES.agent) this.#acceptAgent(end, peer);
      else if (purpose === PURPOSES.stream) this.#acceptStream(end, peer);
      else this.#acceptCalls(end);
    });
    master.start().catch((error: unknown) => this.#stopped(running, process, error));
  }

  /**
   * Another process takes over while this one goes on, as when it was paused or cut off: it keeps
   * its connections and acts, until the store refuses a write of it.
   */
  depose(): void {
    if (this.#running === undefined) return;
    this.#context.trace.add(this.name, 'depose', '');
    this.#deposed.add(this.#running);
    this.#running = undefined;
    this.start();
  }

  /** How many processes act that another one has replaced. */
  get deposedCount(): number {
    return this.#deposed.size;
  }

  /** The disk refuses the next write, so that the process has to stop; or does so no more. */
  failDisk(isFailing = true): void {
    this.#running?.store.failNextWrites(isFailing ? 1 : 0);
  }

  /** All processes die. Of the writes on their way to the disk the first `keptWrites` arrive. */
  crash(keptWrites = 0): void {
    if (this.#running !== undefined) this.#deposed.add(this.#running);
    if (this.#deposed.size === 0) return;
    this.#running = undefined;
    this.#context.trace.add(this.name, 'crash', String(keptWrites));
    this.#context.network.crash(this.name);
    for (const running of this.#deposed) this.#end(running, keptWrites);
  }

  #end(running: RunningMaster, keptWrites: number): void {
    this.#deposed.delete(running);
    running.world.clock.kill();
    running.store.crash(keptWrites);
    running.master.stop();
  }

  /** A master has stopped by itself: right for one that was deposed, or whose disk failed. */
  #stopped(running: RunningMaster, process: string, error: unknown): void {
    if (running.world.clock.isDead) return;
    const code = error instanceof PlateauError ? error.code : undefined;
    this.#context.trace.add(this.name, 'stopped', `${process} ${String(code)}`);
    if (code === 'FENCED' && this.#deposed.has(running)) this.#end(running, 0);
    // Both claimed the registry, and the deposed one did so last: nobody is left to lead.
    else if (code === 'FENCED' && this.#deposed.size > 0) this.crash();
    else if (code === 'STORE_FAILED') this.crash();
    else this.#context.fail(process, error);
  }

  /** Writes that are on their way to the disk now. */
  get pendingWrites(): number {
    return this.#running?.store.pendingWrites ?? 0;
  }

  #acceptAgent(end: ConnectionEnd, peer: string): void {
    const master = this.#running?.master;
    if (master === undefined) return;
    const { wire } = this.#context;
    const connection: AgentConnection = {
      peer,
      send: (message) => end.send(wire.pack('LinkMasterMessage', message)),
      close: () => end.close(),
    };
    end.onParcel = (parcel) => {
      master.agentMessage(connection, wire.unpack('LinkAgentMessage', parcel));
    };
    end.onClose = () => master.agentDisconnected(connection);
  }

  /** The first thing sent is the SUBSCRIBE call; the first answer is the id of the stream. */
  #acceptStream(end: ConnectionEnd, peer: string): void {
    const running = this.#running;
    if (running === undefined) return;
    const { master, world } = running;
    const { wire } = this.#context;
    const stream: SchedulerStream = {
      id: id<'StreamId'>(world.ids.uuid()),
      peer,
      send: (event) => end.send(wire.pack('SchedulerEvent', event)),
      close: () => end.close(),
    };
    end.onParcel = (parcel) => {
      const call = wire.unpack('SchedulerCall', parcel);
      const isSound =
        sizeRefusal(call, parcel) === undefined && validateSchedulerCall(call) === undefined;
      if (!isSound || !master.isRecovered) {
        end.close();
        return;
      }
      end.send(stream.id);
      master.schedulerSubscribe(call, stream);
    };
    end.onClose = () => master.schedulerDisconnected(stream);
  }

  #acceptCalls(end: ConnectionEnd): void {
    const master = this.#running?.master;
    if (master === undefined) return;
    const { wire } = this.#context;
    end.onParcel = (parcel) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sent by SchedulerLink
      const { streamId, call } = parcel as CallParcel;
      const unpacked = wire.unpack('SchedulerCall', call);
      const refusal = sizeRefusal(unpacked, call);
      if (refusal !== undefined) {
        end.send(refusal);
        return;
      }
      const fault = validateSchedulerCall(unpacked);
      if (fault !== undefined) {
        end.send({ status: 400, message: fault } satisfies CallAnswer);
        return;
      }
      const stream = streamId === undefined ? undefined : id<'StreamId'>(streamId);
      const answer = master.schedulerCall(unpacked, stream);
      if ('status' in answer) end.send(answer);
      else void answer.then((given) => end.send(given));
    };
  }
}
