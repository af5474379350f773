/** A containerizer in a temporary work directory, and a look at what it leaves behind. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import type {
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  KnownContainer,
  LaunchOutcome,
} from '../../../core/agent/index.js';
import type { CommandInfo } from '../../../core/api/index.js';
import { type ContainerId, SILENT_LOGGER, id } from '../../../core/base/index.js';
import {
  ProcessContainerizer,
  type ProcessContainerizerOptions,
} from '../../../core/containers/index.js';

type Started = Extract<LaunchOutcome, { kind: 'started' }>;

/** One agent's worth of containers, until `dispose`. */
export class Host {
  readonly workDir: string;
  containerizer: ProcessContainerizer;
  readonly ends = new Map<ContainerId, ContainerEnd>();
  /** All ends in the order in which they were told, to find one told twice. */
  readonly told: ContainerId[] = [];
  readonly #settings: Partial<ProcessContainerizerOptions>;
  #count = 0;

  private constructor(workDir: string, settings: Partial<ProcessContainerizerOptions>) {
    this.workDir = workDir;
    this.#settings = settings;
    this.containerizer = this.#make();
  }

  /** A host whose containerizer has recovered from nothing. */
  static async start(settings: Partial<ProcessContainerizerOptions> = {}): Promise<Host> {
    const host = await Host.prepare(settings);
    await host.containerizer.recover([]);
    return host;
  }

  /** A host whose containerizer has not recovered yet. */
  static async prepare(settings: Partial<ProcessContainerizerOptions> = {}): Promise<Host> {
    const folder = await mkdtemp(join(tmpdir(), 'plateau-containers-'));
    return new Host(await realpath(folder), settings);
  }

  /** Ends everything and asserts that no process is left that has to do with the work directory. */
  async dispose(): Promise<void> {
    await this.containerizer.close('end-all');
    const left = processesAround(this.workDir);
    await rm(this.workDir, { recursive: true, force: true });
    expect(left, 'processes left behind').to.deep.equal([]);
  }

  /** A new containerizer on the same work directory, as after a restart of the agent. */
  async restart(
    known: readonly KnownContainer[],
  ): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    this.containerizer = this.#make();
    return this.containerizer.recover(known);
  }

  sandbox(containerId: ContainerId): string {
    return join(this.workDir, 'executors', containerId, 'runs', containerId);
  }

  spec(command: CommandInfo, settings: Partial<ContainerSpec> = {}): ContainerSpec {
    const containerId = settings.containerId ?? id<'ContainerId'>(`container-${++this.#count}`);
    const sandbox = this.sandbox(containerId);
    const base = { containerId, sandbox, environment: {}, user: undefined, limits: {} };
    return { ...base, command, ...settings };
  }

  /** Launches what must start. */
  async launch(
    command: CommandInfo | string,
    settings: Partial<ContainerSpec> = {},
  ): Promise<Started & { readonly containerId: ContainerId; readonly sandbox: string }> {
    const spec = this.spec(typeof command === 'string' ? { value: command } : command, settings);
    const outcome = await this.containerizer.launch(spec);
    if (outcome.kind === 'failed') throw new Error(`${outcome.stage}: ${outcome.message}`);
    return { ...outcome, containerId: spec.containerId, sandbox: spec.sandbox };
  }

  /** Launches what must not start. */
  async refused(
    command: CommandInfo,
    settings: Partial<ContainerSpec> = {},
  ): Promise<Extract<LaunchOutcome, { kind: 'failed' }>> {
    const outcome = await this.containerizer.launch(this.spec(command, settings));
    if (outcome.kind === 'started') throw new Error('it started');
    return outcome;
  }

  async end(containerId: ContainerId): Promise<ContainerEnd> {
    return eventually(() => this.ends.get(containerId));
  }

  /** Runs a command to its end and returns what it wrote. */
  async output(
    command: CommandInfo | string,
    settings: Partial<ContainerSpec> = {},
  ): Promise<string> {
    const { containerId, sandbox } = await this.launch(command, settings);
    const end = await this.end(containerId);
    const text = await readFile(join(sandbox, 'stdout'), 'utf8');
    const complaint = await readFile(join(sandbox, 'stderr'), 'utf8');
    expect(end, complaint).to.deep.equal({ kind: 'exited', code: 0 });
    return text;
  }

  /** The process of the launcher that runs now. */
  launcherPid(): number {
    const log = readFileSync(join(this.workDir, 'launcher.log'), 'utf8');
    return Number([...log.matchAll(/process (\d+) listens/g)].at(-1)?.[1]);
  }

  #make(): ProcessContainerizer {
    const options = { workDir: this.workDir, log: SILENT_LOGGER, ...this.#settings };
    const containerizer = new ProcessContainerizer(options);
    containerizer.onEnd((containerId, end) => {
      this.ends.set(containerId, end);
      this.told.push(containerId);
    });
    return containerizer;
  }
}

/** Asks again and again until there is an answer. */
export async function eventually<T>(ask: () => T | undefined): Promise<T> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error('it did not happen within 10 s');
    await delay(5);
  }
}

/** Resolves when the process has ended. */
export async function gone(pid: number): Promise<void> {
  await eventually(() => (isRunning(pid) ? undefined : true));
}

export function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
}

/** Command lines of processes that work in a folder, write below it, or name it. */
export function processesAround(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => isRunning(Number(pid)) && concerns(pid, folder))
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
}

function concerns(pid: string, folder: string): boolean {
  const links = ['cwd', 'fd/1', 'fd/2'].map((name) => {
    try {
      return readlinkSync(`/proc/${pid}/${name}`);
    } catch {
      return '';
    }
  });
  return [...links, read(`/proc/${pid}/cmdline`)].some((text) => text.includes(folder));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
