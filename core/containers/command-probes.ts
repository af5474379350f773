/**
 * Probes that are commands: the launcher runs them as it runs tasks, in a session of their own, each
 * under an id that begins with `check/`. Nobody outlives its agent: the launcher kills them when the
 * agent leaves, and an agent that comes back kills what is left. Those that were under way when the
 * launcher was lost say nothing about their task.
 */
import { randomUUID } from 'node:crypto';
import type { CommandProbe, ProbeListener, ProbeOutcome } from '../agent/index.js';
import { type Disposable, errorMessage, toDisposable } from '../base/index.js';
import { buildCommandLine } from './command-line.js';
import { LaunchError } from './launch-error.js';
import type {
  ContainerRecord,
  LaunchFailure,
  LauncherEvent,
  LauncherRequest,
  ProcessEnd,
  ProcessIdentity,
  Welcome,
} from './launcher/protocol.js';
import { Limiter } from './limiter.js';
import type { Users } from './users.js';

/** From this size on the file with the output of a check's commands is cut. */
export const CHECK_LOG_LIMIT_BYTES = 64 * 1024;

/** Commands that the launcher is asked for before it has answered: tasks have to get through. */
export const MAX_STARTING_PROBES = 8;

/** With a slash, which no id that a client chooses contains. */
const PREFIX = 'check/';

/** Whether the launcher runs a command of a check under this id. */
export function isCheck(containerId: string): boolean {
  return containerId.startsWith(PREFIX);
}

/** What is needed of the connection to the launcher. */
export interface ProbeLauncher {
  ready(): Promise<void>;
  send(request: LauncherRequest): void;
}

interface Running {
  readonly listener: ProbeListener;
  process: ProcessIdentity | undefined;
  /** Set once the launcher is asked; called when it has answered, or never will. */
  answered: (() => void) | undefined;
}

export class CommandProbes {
  readonly #launcher: ProbeLauncher;
  readonly #users: Users;
  readonly #running = new Map<string, Running>();
  readonly #starts = new Limiter(MAX_STARTING_PROBES);

  constructor(launcher: ProbeLauncher, users: Users) {
    this.#launcher = launcher;
    this.#users = users;
  }

  /** Processes that are known to run now. */
  get processes(): readonly ProcessIdentity[] {
    return [...this.#running.values()].flatMap(({ process }) => process ?? []);
  }

  start(spec: CommandProbe, listener: ProbeListener): Disposable {
    const containerId = `${PREFIX}${randomUUID()}`;
    const running: Running = { listener, process: undefined, answered: undefined };
    this.#running.set(containerId, running);
    this.#starts
      .run(() => this.#ask(containerId, running, spec))
      .catch((error: unknown) => this.#done(containerId, notStarted(error)));
    return toDisposable(() => this.#giveUp(containerId));
  }

  /** Takes an event of the launcher that is about a check. */
  take(event: Exclude<LauncherEvent, Welcome>): void {
    const { containerId } = event;
    if (event.type === 'ended') {
      this.#launcher.send({ type: 'forget', containerId });
      this.#done(containerId, outcomeOf(event.end));
    } else if (event.type === 'started') this.#started(containerId, event);
    else this.#done(containerId, refused(event));
  }

  /** Gives up what ran before a connection was lost, and what the launcher still has of it. */
  reconnected(records: readonly ContainerRecord[]): void {
    for (const { containerId, end } of records) {
      if (isCheck(containerId)) this.remove(containerId, end);
    }
    this.lost('the connection to the launcher broke');
  }

  /** The launcher, and all that it ran, is gone. */
  lost(message: string): void {
    for (const containerId of this.#running.keys()) {
      this.#done(containerId, { kind: 'unknown', message });
    }
  }

  /** Ends a command that nobody waits for. */
  remove(containerId: string, end: ProcessEnd | undefined): void {
    if (end !== undefined) this.#launcher.send({ type: 'forget', containerId });
    else this.#launcher.send({ type: 'signal', containerId, signal: 'SIGKILL' });
  }

  close(): void {
    for (const containerId of this.#running.keys()) this.#giveUp(containerId);
  }

  async #ask(containerId: string, running: Running, spec: CommandProbe): Promise<void> {
    if (!this.#running.has(containerId)) return;
    const { sandbox, command } = spec;
    const user = await this.#users.resolve(spec.user);
    const line = buildCommandLine({ command, sandbox, environment: {} });
    await this.#launcher.ready();
    if (!this.#running.has(containerId)) return;
    await new Promise<void>((resolve) => {
      running.answered = resolve;
      this.#launcher.send({
        type: 'launch',
        containerId,
        ...line,
        sandbox,
        user,
        outputLimitBytes: CHECK_LOG_LIMIT_BYTES,
        checkLog: spec.logName,
      });
    });
  }

  #started(containerId: string, { pid, startTime }: ProcessIdentity): void {
    const running = this.#running.get(containerId);
    if (running === undefined) return;
    running.process = { pid, startTime };
    running.answered?.();
    running.listener.begun();
  }

  #done(containerId: string, outcome: ProbeOutcome): void {
    const running = this.#running.get(containerId);
    if (running === undefined) return;
    this.#running.delete(containerId);
    running.answered?.();
    running.listener.done(outcome);
  }

  #giveUp(containerId: string): void {
    const running = this.#running.get(containerId);
    if (running === undefined) return;
    this.#running.delete(containerId);
    if (running.answered === undefined) return;
    this.#launcher.send({ type: 'signal', containerId, signal: 'SIGKILL' });
    running.answered();
  }
}

function outcomeOf(end: ProcessEnd): ProbeOutcome {
  if (end.signal === undefined) return { kind: 'exited', code: end.code ?? 0 };
  return { kind: 'failed', message: `the command died by ${end.signal}` };
}

/** The host lacks room for another process: that is not the task's fault. */
function refused({ code, message }: LaunchFailure): ProbeOutcome {
  const isScarce = /^(?:EAGAIN|ENOMEM|EMFILE|ENFILE)$/.test(code ?? '');
  return { kind: isScarce ? 'unknown' : 'failed', message: `it did not start: ${message}` };
}

function notStarted(error: unknown): ProbeOutcome {
  const isCommand = error instanceof LaunchError && error.stage === 'command';
  return { kind: isCommand ? 'failed' : 'unknown', message: errorMessage(error) };
}
