/** A containerizer with a container engine, in a temporary work directory. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type {
  ContainerEnd,
  ContainerFate,
  ContainerSpec,
  KnownContainer,
  LaunchOutcome,
} from '../../../core/agent/index.js';
import type {
  CommandInfo,
  ContainerInfo,
  ContainerInfoDockerInfo,
} from '../../../core/api/index.js';
import { type ContainerId, type LogFields, SILENT_LOGGER, id } from '../../../core/base/index.js';
import { ComposingContainerizer, type DockerOptions } from '../../../core/containers/index.js';
import { eventually, processesAround } from './support.js';

type Started = Extract<LaunchOutcome, { kind: 'started' }>;
type Failed = Extract<LaunchOutcome, { kind: 'failed' }>;

/** An engine to test with. */
export interface TestEngine {
  /** Path of its client. */
  readonly program: string;
  /** An image with a shell and busybox's programs, which it has. */
  readonly image: string;
  readonly folder: string;
  dispose(): void;
}

const STAND_IN = fileURLToPath(new URL('stand-in-engine.js', import.meta.url));

/** The engine of the tests. */
export class StandIn implements TestEngine {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-engine-')));
  readonly image = 'tools:1';
  readonly program: string;

  constructor() {
    mkdirSync(join(this.folder, 'state', 'images'), { recursive: true });
    writeFileSync(join(this.folder, 'state', 'images', encodeURIComponent(this.image)), '');
    this.program = script(this.folder, [process.execPath, STAND_IN, join(this.folder, 'state')]);
  }

  /** Has commands `hang` or `fail` from now on; none: no more. */
  misbehave(how: 'hang' | 'fail', ...commands: readonly string[]): void {
    writeFileSync(join(this.folder, 'state', how), commands.join('\n'));
  }

  /** Names of all containers that it keeps. */
  names(): readonly string[] {
    const folder = join(this.folder, 'state', 'containers');
    return existsSync(folder) ? readdirSync(folder) : [];
  }

  /** Arguments of all calls of a command so far. */
  calls(command: string): readonly (readonly unknown[])[] {
    const path = join(this.folder, 'state', 'calls');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    return lines
      .map((line): unknown => JSON.parse(line))
      .filter((call): call is unknown[] => Array.isArray(call) && call[0] === command);
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Podman or Docker of this machine, with an image made of busybox; or why there is none. */
export function realEngine(): TestEngine | string {
  if (!existsSync('/bin/busybox')) return 'there is no /bin/busybox to make an image of';
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-engine-')));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  const why: string[] = [];
  for (const line of candidates(folder)) {
    const program = script(folder, line);
    const image = 'plateau-test:1';
    try {
      importImage(program, image, folder);
      const run = ['run', '--rm', '--network=host', image, '/bin/true'];
      execFileSync(program, run, { stdio: 'pipe', timeout: 60_000 });
      const clear = (): void => {
        execFileSync(program, ['rmi', '--force', image], { stdio: 'pipe' });
        dispose();
      };
      return { program, image, folder, dispose: clear };
    } catch (error) {
      why.push(`${line[0] ?? ''}: ${error instanceof Error ? error.message.slice(0, 300) : ''}`);
    }
  }
  dispose();
  return why.join('; ');
}

/** Podman with a store of its own, which needs no support by the file system; else Docker as it is. */
function candidates(folder: string): readonly (readonly string[])[] {
  const config = join(folder, 'containers.conf');
  writeFileSync(config, '[containers]\ndefault_ulimits=["nofile=1024:1024","nproc=1000:1000"]\n');
  const places = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run')];
  const common = [...places, '--storage-driver', 'vfs', '--cgroup-manager', 'cgroupfs'];
  const podman = ['podman', ...common, '--events-backend', 'file', '--log-level', 'error'];
  const prefix = ['env', `CONTAINERS_CONF=${config}`];
  return [[...prefix, ...podman], [...prefix, ...podman, '--runtime', 'runc'], ['docker']];
}

function importImage(program: string, image: string, folder: string): void {
  const root = join(folder, 'image');
  rmSync(root, { recursive: true, force: true });
  for (const name of ['bin', 'tmp', 'etc', 'mnt']) mkdirSync(join(root, name), { recursive: true });
  copyFileSync('/bin/busybox', join(root, 'bin', 'busybox'));
  const programs = 'sh sleep echo cat env true false kill ls touch hostname nc httpd wget pwd id';
  for (const name of programs.split(' ')) symlinkSync('busybox', join(root, 'bin', name));
  const archive = join(folder, 'image.tar');
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  execFileSync(program, ['import', archive, image], { stdio: 'pipe', timeout: 60_000 });
}

function script(folder: string, line: readonly string[]): string {
  const path = join(folder, 'docker');
  const quoted = line.map((text) => `'${text}'`).join(' ');
  writeFileSync(path, `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** One agent's worth of containers, until `dispose`. */
export class DockerHost {
  readonly workDir = realpathSync(mkdtempSync(join(tmpdir(), 'plateau-docker-')));
  readonly engine: TestEngine;
  readonly ends = new Map<ContainerId, ContainerEnd>();
  readonly told: ContainerId[] = [];
  readonly complaints: string[] = [];
  containerizer: ComposingContainerizer;
  #settings: Partial<DockerOptions>;
  #count = 0;

  constructor(engine: TestEngine, settings: Partial<DockerOptions> = {}) {
    this.engine = engine;
    this.#settings = settings;
    this.containerizer = this.#make();
  }

  /** As after a restart of the agent. */
  async restart(
    known: readonly KnownContainer[],
    settings: Partial<DockerOptions> = {},
  ): Promise<ReadonlyMap<ContainerId, ContainerFate>> {
    this.#settings = { ...this.#settings, ...settings };
    this.containerizer = this.#make();
    return this.containerizer.recover(known);
  }

  /** Ends everything and asserts that nothing is left. */
  async dispose(): Promise<void> {
    await this.containerizer.close('end-all');
    // Engines clean up behind a container that has ended.
    await eventually(() => processesAround(this.workDir).length === 0 || undefined).catch(() => {});
    const left = processesAround(this.workDir);
    rmSync(this.workDir, { recursive: true, force: true });
    expect(left, 'processes left behind').to.deep.equal([]);
  }

  spec(
    command: CommandInfo | string,
    docker: Partial<ContainerInfoDockerInfo> = {},
    settings: Partial<ContainerSpec> & { readonly more?: Partial<ContainerInfo> } = {},
  ): ContainerSpec {
    const { more, ...rest } = settings;
    const containerId =
      settings.containerId ?? id<'ContainerId'>(`${process.pid}-${Date.now()}-${++this.#count}`);
    return {
      containerId,
      sandbox: join(this.workDir, 'executors', containerId, 'runs', containerId),
      command: typeof command === 'string' ? { value: command } : command,
      container: { type: 'DOCKER', docker: { image: this.engine.image, ...docker }, ...more },
      environment: { PATH: '/nowhere', HOME: '/nowhere', MESOS_TASK_ID: 'task' },
      user: undefined,
      limits: { cpus: 0.2, memoryMiB: 64 },
      ...rest,
    };
  }

  async launch(spec: ContainerSpec): Promise<Started> {
    const outcome = await this.containerizer.launch(spec);
    if (outcome.kind === 'failed') throw new Error(`${outcome.stage}: ${outcome.message}`);
    return outcome;
  }

  async refused(spec: ContainerSpec): Promise<Failed> {
    const outcome = await this.containerizer.launch(spec);
    if (outcome.kind === 'started') throw new Error('it started');
    return outcome;
  }

  /** Launches what runs to its end. */
  async run(spec: ContainerSpec): Promise<ContainerEnd> {
    await this.launch(spec);
    return await this.end(spec.containerId);
  }

  end(containerId: ContainerId): Promise<ContainerEnd> {
    return eventually(() => this.ends.get(containerId));
  }

  text(spec: ContainerSpec, name: string): string {
    const path = join(spec.sandbox, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Waits until a task has written a file. */
  written(spec: ContainerSpec, name: string): Promise<string> {
    return eventually(() => this.text(spec, name) || undefined);
  }

  /** What the engine's client writes, of names of containers, one a line. */
  names(): readonly string[] {
    const text = execFileSync(this.engine.program, [
      'ps',
      '--all',
      `--filter=label=plateau.agent=${this.#owner()}`,
      '--format={{.Names}}',
    ]);
    return text.toString().split('\n').filter(Boolean);
  }

  #owner(): string {
    return readFileSync(join(this.workDir, 'docker', 'owner'), 'utf8');
  }

  #make(): ComposingContainerizer {
    const complain = (message: string, fields?: LogFields): unknown =>
      this.complaints.push(`${message} ${JSON.stringify(fields)}`);
    const containerizer = new ComposingContainerizer({
      workDir: this.workDir,
      log: { ...SILENT_LOGGER, warn: complain, error: complain },
      docker: {
        program: this.engine.program,
        removeDelayMs: 3_600_000,
        killsOrphans: true,
        hasCpuQuota: false,
        ...this.#settings,
      },
    });
    containerizer.onEnd((containerId, end) => {
      this.ends.set(containerId, end);
      this.told.push(containerId);
    });
    return containerizer;
  }
}
