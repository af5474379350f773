/** The clients that are run on behalf of tasks: `docker run` with all it needs, and `docker exec`. */
import { join } from 'node:path';
import type { CommandProbe, ContainerSpec } from '../../agent/index.js';
import type { CommandInfo } from '../../api/index.js';
import { statSync } from 'node:fs';
import type { ClientLaunch, ClientProgram } from '../client-program.js';
import { type CommandLine, buildCommandLine, valueOf } from '../command-line.js';
import { LaunchError } from '../launch-error.js';
import { handOver, withFolder } from '../volume-links.js';
import { type DockerEngine, EngineError, credentialsIn } from './engine.js';
import type { DockerFolder } from './owner.js';
import { type RunPlan, nameOf } from './run-arguments.js';

/** Runs a container as planned. */
export class RunClient implements ClientProgram {
  readonly #engine: DockerEngine;
  readonly #folder: DockerFolder;
  readonly #spec: ContainerSpec;
  readonly #plan: RunPlan;

  constructor(
    parts: { readonly engine: DockerEngine; readonly folder: DockerFolder },
    spec: ContainerSpec,
    plan: RunPlan,
  ) {
    this.#engine = parts.engine;
    this.#folder = parts.folder;
    this.#spec = spec;
    this.#plan = plan;
  }

  /** Gets the image, if need be, and has all folders there. @throws LaunchError. */
  async prepare({ user, signal, reach }: ClientLaunch): Promise<CommandLine> {
    const { sandbox, volumes = [] } = this.#spec;
    reach('docker::pull');
    await this.#getImage(signal).catch((error: unknown) => {
      throw error instanceof EngineError ? new LaunchError('fetch', error.message) : error;
    });
    reach('sandbox::fill');
    for (const volume of volumes) await handOver(volume, user);
    for (const names of this.#plan.folders) await this.#makeFolder(names, user);
    const [run = 'run', ...rest] = this.#plan.arguments;
    const line = [run, ...(await this.#secretArguments()), ...rest];
    return clientLine(this.#engine, line, sandbox);
  }

  async #makeFolder(names: readonly string[], user: ClientLaunch['user']): Promise<void> {
    const { sandbox } = this.#spec;
    await withFolder({ root: sandbox, names, user }, async () => undefined).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        throw new LaunchError('sandbox', `cannot make '${names.join('/')}' in the sandbox: ${why}`);
      },
    );
  }

  async #getImage(signal: AbortSignal): Promise<void> {
    const { image, forcePull } = this.#plan;
    if (!forcePull && (await this.#engine.hasImage(image, { signal }))) return;
    // As of old: credentials of registries come as a URI of the task.
    const own = join(this.#spec.sandbox, '.docker');
    const hasOwn = statSync(join(own, 'config.json'), { throwIfNoEntry: false }) !== undefined;
    const environment = hasOwn ? credentialsIn(own) : {};
    await this.#engine.pull(image, { signal, environment });
  }

  async #secretArguments(): Promise<readonly string[]> {
    const { secrets, name } = this.#plan;
    if (secrets.length === 0) return [];
    return [`--env-file=${await this.#folder.writeSecrets(name, secrets)}`];
  }
}

/** Runs a command inside a container, its streams being those of a session. */
export function execClient(
  engine: DockerEngine,
  spec: ContainerSpec,
  containerId: string,
): ClientProgram {
  const { command, container, sandbox } = spec;
  const hasTerminal = container?.tty_info !== undefined;
  const options = ['--interactive', ...(hasTerminal ? ['--tty'] : [])];
  return {
    prepare: async () => clientLine(engine, execArguments(containerId, command, options), sandbox),
  };
}

/** The command of a check, to be run inside of the container. @throws EngineError, LaunchError. */
export function execProbe(
  engine: DockerEngine,
  spec: CommandProbe,
  containerId: string,
): CommandProbe {
  const { file, environment } = engine;
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const rest = execArguments(containerId, spec.command, []);
  return {
    ...spec,
    user: undefined,
    command: {
      shell: false,
      value: file,
      arguments: [file, ...rest],
      environment: { variables },
    },
  };
}

/** @throws LaunchError of stage `command` for one without a value. */
function execArguments(
  containerId: string,
  { value, shell = true, arguments: rest = [], environment }: CommandInfo,
  options: readonly string[],
): readonly string[] {
  if (value === undefined || value === '') {
    throw new LaunchError('command', 'the command has no value to execute');
  }
  const variables = (environment?.variables ?? []).map(
    (variable) => `--env=${variable.name}=${valueOf(variable)}`,
  );
  const command = shell ? ['/bin/sh', '-c', value] : [value, ...rest];
  return ['exec', ...options, ...variables, nameOf(containerId), ...command];
}

/** @throws LaunchError when there is no client, or the line is too long. */
function clientLine(engine: DockerEngine, line: readonly string[], sandbox: string): CommandLine {
  const { file, environment } = runnable(engine);
  const command = { shell: false, value: file, arguments: [file, ...line] };
  return buildCommandLine({ command, environment, sandbox });
}

function runnable(engine: DockerEngine): Pick<DockerEngine, 'file' | 'environment'> {
  try {
    return { file: engine.file, environment: engine.environment };
  } catch (error) {
    throw error instanceof EngineError ? new LaunchError('launcher', error.message) : error;
  }
}
