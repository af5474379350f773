/**
 * The containers of this launcher: starts processes, hears of their ends, and remembers both until
 * the agent forgets them. Each process leads a session and a group of its own; whatever is left of
 * the group when it ends is killed. Only descriptors 0 to 2 reach it, and nothing of the launcher's
 * environment; its file mode mask is 022, and it has no supplementary groups when the user is switched.
 * Node reports a death by a real-time signal as exit status 0; nothing here can tell the two apart.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readProcess, sendSignal } from '../processes.js';
import { OutputFile } from './output.js';
import type { OutputPatrol } from './patrol.js';
import { Pipes, type StandardStreams } from './pipes.js';
import type {
  ContainerRecord,
  LaunchRequest,
  LauncherEvent,
  ProcessEnd,
  TaskSignal,
} from './protocol.js';
import type { TerminalTap } from './terminal-tap.js';
import { Terminal, killSession } from './terminal.js';

/**
 * How many ended containers are remembered for an agent that is away; beyond it the oldest is
 * forgotten, and the agent takes it for lost.
 */
export const MAX_ENDED_CONTAINERS = 20_000;

type Notify = (event: LauncherEvent) => void;

export class ContainerTable {
  readonly #running = new Map<string, ContainerRecord>();
  readonly #ended = new Map<string, ContainerRecord>();
  /** Those that wait for their terminal. */
  readonly #opening = new Set<string>();
  /** Of containers with pipes, until all of their output is read or they are forgotten. */
  readonly #pipes = new Map<string, Pipes>();
  /** Terminals of containers without pipes that run. */
  readonly #taps = new Map<string, TerminalTap>();
  /** Commands of checks that run. */
  readonly #checks = new Set<string>();
  readonly #patrol: OutputPatrol;
  readonly #notify: Notify;

  constructor(patrol: OutputPatrol, notify: Notify) {
    this.#patrol = patrol;
    this.#notify = notify;
  }

  get runningCount(): number {
    return this.#running.size + this.#opening.size;
  }

  get endedCount(): number {
    return this.#ended.size;
  }

  list(): readonly ContainerRecord[] {
    return [...this.#running.values(), ...this.#ended.values()];
  }

  /** Starts a process and reports `started` or `launch-failed`, at once unless it needs a terminal. */
  launch(request: LaunchRequest): void {
    const { containerId } = request;
    const isKnown = [this.#running, this.#ended, this.#opening].some((all) => all.has(containerId));
    if (isKnown) {
      const message = `container ${containerId} was started before`;
      this.#notify({ type: 'launch-failed', containerId, message });
      return;
    }
    const outputs: OutputFile[] = [];
    try {
      for (const name of outputNames(request)) outputs.push(openOutput(request, name));
      if (request.terminal !== undefined) {
        void this.#openTerminal(request, outputs).catch((error: unknown) =>
          this.#abandon(containerId, outputs, error),
        );
        return;
      }
      this.#started(request, { child: spawnTask(request, outputs), outputs });
    } catch (error) {
      this.#abandon(containerId, outputs, error);
    }
  }

  async #openTerminal(request: LaunchRequest, outputs: readonly OutputFile[]): Promise<void> {
    const { containerId, terminal: size = { rows: 0, columns: 0 }, user } = request;
    this.#opening.add(containerId);
    const [output] = outputs.map(({ descriptor }) => descriptor);
    try {
      const terminal = await Terminal.open({ size, user, output });
      try {
        if (!this.#opening.has(containerId)) throw new Error('it was killed before it started');
        this.#started(request, { child: terminal.spawn(request), outputs, terminal });
      } catch (error) {
        terminal.close();
        throw error;
      }
    } finally {
      this.#opening.delete(containerId);
    }
  }

  #started(request: LaunchRequest, process: StartedProcess): void {
    const { containerId } = request;
    const { child, outputs } = process;
    if (child.pid === undefined) {
      child.once('error', (error) => {
        process.terminal?.close();
        this.#abandon(containerId, outputs, error);
      });
      return;
    }
    if (request.checkLog !== undefined) this.#checks.add(containerId);
    this.#admit({ containerId, pid: child.pid }, process, request.pipes === true);
  }

  /** Sends a signal to the whole group; an ended or unknown container is no error. */
  signal(containerId: string, signal: TaskSignal): void {
    const record = this.#running.get(containerId);
    if (record !== undefined) sendSignal(-record.pid, signal);
    this.#opening.delete(containerId);
  }

  killAll(): void {
    this.#opening.clear();
    for (const containerId of this.#running.keys()) this.signal(containerId, 'SIGKILL');
  }

  forget(containerId: string): void {
    this.#ended.delete(containerId);
    this.#pipes.get(containerId)?.close();
    this.#pipes.delete(containerId);
  }

  /** The pipes of a container that was launched with them and is not forgotten, or its terminal. */
  streamsOf(containerId: string): Pipes | TerminalTap | undefined {
    return this.#pipes.get(containerId) ?? this.#taps.get(containerId);
  }

  /**
   * Kills the containers with pipes, which nobody reads any more, and the commands of checks; what waits
   * for a terminal is not started.
   */
  killPiped(): void {
    this.#opening.clear();
    for (const [containerId, pipes] of this.#pipes) {
      this.signal(containerId, 'SIGKILL');
      pipes.close();
    }
    this.#pipes.clear();
    for (const containerId of this.#checks) this.signal(containerId, 'SIGKILL');
  }

  #admit(
    started: { readonly containerId: string; readonly pid: number },
    { child, outputs, terminal }: StartedProcess,
    hasPipes: boolean,
  ): void {
    // It cannot have been reaped yet: that happens in a later turn of the event loop.
    const startTime = readProcess(started.pid)?.startTime ?? '';
    const record: ContainerRecord = { ...started, startTime };
    const { containerId } = record;
    this.#running.set(containerId, record);
    for (const output of outputs) this.#patrol.add(output);
    if (hasPipes) {
      const streams: StandardStreams = terminal?.streams ?? child;
      this.#pipes.set(containerId, new Pipes(streams, () => this.signal(containerId, 'SIGKILL')));
    }
    const tap = terminal?.tap;
    if (tap !== undefined) this.#taps.set(containerId, tap);
    const finish = (end: ProcessEnd): void => {
      for (const output of outputs) this.#patrol.remove(output);
      this.#taps.delete(containerId);
      this.#end(record, end);
    };
    child.once('exit', (code, signal) => {
      killRest(record.pid);
      if (terminal !== undefined) killSession(record.pid);
      const end = code === null ? { signal: signal ?? 'SIGKILL' } : { code };
      // Who reads a terminal as a pipe hears its end by itself.
      if (terminal === undefined || hasPipes) finish(end);
      else void terminal.drained().then(() => finish(end));
    });
    this.#notify({ type: 'started', ...record });
  }

  #end(record: ContainerRecord, end: ProcessEnd): void {
    this.#running.delete(record.containerId);
    this.#checks.delete(record.containerId);
    this.#ended.set(record.containerId, { ...record, end });
    if (this.#ended.size > MAX_ENDED_CONTAINERS) {
      for (const oldest of this.#ended.keys()) {
        this.#ended.delete(oldest);
        break;
      }
    }
    this.#notify({ type: 'ended', containerId: record.containerId, end });
  }

  #abandon(containerId: string, outputs: readonly OutputFile[], error: unknown): void {
    for (const output of outputs) output.close();
    const message = error instanceof Error ? error.message : String(error);
    this.#notify({ type: 'launch-failed', containerId, message, code: codeOf(error) });
  }
}

/** A process that was just started, and what it writes to. */
interface StartedProcess {
  readonly child: ChildProcess;
  readonly outputs: readonly OutputFile[];
  readonly terminal?: Terminal | undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

function outputNames({ pipes, checkLog }: LaunchRequest): readonly string[] {
  if (checkLog !== undefined) return [checkLog];
  return pipes === true ? [] : ['stdout', 'stderr'];
}

function openOutput(request: LaunchRequest, name: string): OutputFile {
  return new OutputFile({
    path: `${request.sandbox}/${name}`,
    limitBytes: request.outputLimitBytes,
    owner: request.user,
  });
}

function spawnTask(request: LaunchRequest, outputs: readonly OutputFile[]): ChildProcess {
  const [argv0 = request.file, ...parameters] = request.argv;
  return spawn(request.file, parameters, {
    argv0,
    cwd: request.sandbox,
    env: request.environment,
    detached: true,
    stdio: request.pipes === true ? ['pipe', 'pipe', 'pipe'] : ['ignore', ...descriptors(outputs)],
    ...request.user,
  });
}

/** Of standard output and error, which may share one file. */
function descriptors(outputs: readonly OutputFile[]): readonly number[] {
  const [first, second = first] = outputs.map((output) => output.descriptor);
  return first === undefined || second === undefined ? [] : [first, second];
}

/**
 * Kills what is left of a group whose leader has been reaped. As long as a member lives, the number
 * of the group is not given to a new process; if a process has it, the group was empty.
 */
function killRest(group: number): void {
  try {
    process.kill(-group, 0);
  } catch {
    return;
  }
  if (readProcess(group) === undefined) sendSignal(-group, 'SIGKILL');
}
