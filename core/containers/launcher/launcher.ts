/**
 * The launcher's side of the connection: takes one agent at a time, the newest, and answers it from
 * the table of containers. Launches wait in a queue and one starts per turn of the event loop, so
 * that ends are heard and signals pass between them.
 */
import type { Socket } from 'node:net';
import { readProcess } from '../processes.js';
import { ContainerTable } from './container-table.js';
import { OutputPatrol } from './patrol.js';
import {
  ABILITIES,
  type AttachRequest,
  type LaunchRequest,
  type LauncherEvent,
  type LauncherRequest,
  LineReader,
  PROTOCOL_VERSION,
  decodeRequest,
  encodeLine,
} from './protocol.js';

/** What the launcher tells its main program. */
export interface LauncherListener {
  log(line: string): void;
  /** All containers have ended after a shutdown was asked for. */
  finished(): void;
}

export class Launcher {
  readonly #table: ContainerTable;
  readonly #listener: LauncherListener;
  readonly #queue = new Map<string, LaunchRequest>();
  #agent: Socket | undefined;
  #isDraining = false;
  #isShuttingDown = false;

  constructor(listener: LauncherListener) {
    this.#listener = listener;
    this.#table = new ContainerTable(new OutputPatrol(), (event) => this.#report(event));
  }

  get hasAgent(): boolean {
    return this.#agent !== undefined;
  }

  get runningCount(): number {
    return this.#table.runningCount + this.#queue.size;
  }

  get endedCount(): number {
    return this.#table.endedCount;
  }

  /** Serves a connection. It becomes that of the agent when it says hello. */
  accept(socket: Socket): void {
    const lines = new LineReader();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#left(socket));
    socket.on('data', (chunk) => {
      const complete = lines.push(chunk);
      if (complete === undefined) {
        this.#refuse(socket, 'a line is too long');
        return;
      }
      for (const line of complete) this.#take(socket, line);
    });
  }

  /** Kills all containers and tells when they have ended. */
  shutdown(): void {
    this.#isShuttingDown = true;
    for (const containerId of this.#queue.keys()) this.#drop(containerId);
    this.#table.killAll();
    if (this.#table.runningCount === 0) this.#listener.finished();
  }

  #left(socket: Socket): void {
    if (this.#agent !== socket) return;
    this.#agent = undefined;
    this.#table.killPiped();
  }

  #take(socket: Socket, line: string): void {
    const request = decodeRequest(line);
    if (request === undefined) this.#refuse(socket, 'a line is not a request');
    else if (request.type === 'hello') this.#greet(socket);
    else if (request.type === 'attach') this.#attach(socket, request);
    else if (socket === this.#agent) this.#handle(request);
  }

  /** From here on the connection carries bytes, and no more lines. */
  #attach(socket: Socket, { containerId, stream }: AttachRequest): void {
    socket.removeAllListeners('data');
    socket.pause();
    const isTaken = this.#table.streamsOf(containerId)?.attach(stream, socket);
    if (isTaken !== true) this.#refuse(socket, `there is no ${stream} of ${containerId} to take`);
  }

  #refuse(socket: Socket, why: string): void {
    this.#listener.log(`connection closed: ${why}`);
    socket.destroy();
  }

  #greet(socket: Socket): void {
    if (this.#agent !== socket) {
      this.#agent?.destroy();
      this.#table.killPiped();
      // The welcome says all that there is: what an earlier agent asked for and is not in it must not
      // start later, when the new one takes it for lost.
      this.#queue.clear();
    }
    this.#agent = socket;
    const startTime = readProcess(process.pid)?.startTime ?? '';
    const identity = { pid: process.pid, startTime };
    const containers = this.#table.list();
    const about = { protocol: PROTOCOL_VERSION, abilities: ABILITIES };
    this.#report({ type: 'welcome', ...about, ...identity, containers });
  }

  #handle(request: Exclude<LauncherRequest, { type: 'hello' | 'attach' }>): void {
    switch (request.type) {
      case 'launch':
        this.#queue.set(request.containerId, request);
        this.#drain();
        return;
      case 'signal':
        if (this.#queue.has(request.containerId)) this.#drop(request.containerId);
        else this.#table.signal(request.containerId, request.signal);
        return;
      case 'forget':
        this.#table.forget(request.containerId);
        return;
      case 'shutdown':
        this.shutdown();
    }
  }

  #drop(containerId: string): void {
    this.#queue.delete(containerId);
    const message = 'it was killed before it started';
    this.#report({ type: 'launch-failed', containerId, message });
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    setImmediate(() => {
      this.#isDraining = false;
      for (const [containerId, request] of this.#queue) {
        this.#queue.delete(containerId);
        if (this.#isShuttingDown) this.#drop(containerId);
        else this.#table.launch(request);
        break;
      }
      if (this.#queue.size > 0) this.#drain();
    });
  }

  #report(event: LauncherEvent): void {
    this.#agent?.write(encodeLine(event));
    if (!this.#isShuttingDown || event.type !== 'ended') return;
    if (this.#table.runningCount === 0) this.#listener.finished();
  }
}
