/**
 * What comes before a process: whom it runs as, its environment and terminal, the sandbox with all that
 * belongs into it, and the command line, which may be in it.
 */
import type { ContainerSpec } from '../agent/index.js';
import { type CommandLine, buildCommandLine } from './command-line.js';
import { type Entry, reach } from './container-entry.js';
import type { Fetcher } from './fetcher.js';
import type { Ability, LaunchRequest } from './launcher/protocol.js';
import type { TerminalSize } from './launcher/terminal-frames.js';
import type { ClientProgram } from './client-program.js';
import { assertPlain } from './plain-only.js';
import { environmentOf } from './process-environment.js';
import { fillParent, linkSandboxPaths } from './sandbox-paths.js';
import { makeSandbox, openSandbox } from './sandbox.js';
import { DEFAULT_TERM, terminalOf } from './terminal-size.js';
import type { UserIds, Users } from './users.js';
import { linkVolumes } from './volume-links.js';

/** What is known of a launch before anything is made on disk. */
export interface BegunLaunch {
  readonly user: UserIds | undefined;
  readonly terminal: TerminalSize | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** What the launcher has to be able to do. */
  readonly abilities: readonly Ability[];
}

export interface PreparationOptions {
  readonly workDir: string;
  readonly users: Users;
  readonly fetcher: Fetcher;
  readonly outputLimitBytes: number;
}

export class Preparation {
  readonly #options: PreparationOptions;

  constructor(options: PreparationOptions) {
    this.#options = options;
  }

  /** @throws LaunchError: the container cannot be given what it asks for. */
  async begin(spec: ContainerSpec, client?: ClientProgram): Promise<BegunLaunch> {
    const { environmentFrom: parent } = spec;
    if (client === undefined) {
      assertPlain(spec.container, { hasSandbox: spec.hasPipes !== true });
    }
    const user = await this.#options.users.resolve(spec.user);
    const terminal = terminalOf(spec.container);
    const environment = {
      ...(terminal !== undefined && { TERM: DEFAULT_TERM }),
      ...(client === undefined && parent && environmentOf(parent)),
      ...spec.environment,
    };
    const abilities: readonly Ability[] = [
      ...(spec.hasPipes === true ? (['pipes'] as const) : []),
      ...(terminal === undefined ? [] : (['terminals'] as const)),
    ];
    return { user, terminal, environment, abilities };
  }

  /** Makes all that is needed on disk: the launcher can be asked then. @throws LaunchError. */
  async finish(
    spec: ContainerSpec,
    begun: BegunLaunch,
    { entry, client }: { readonly entry: Entry; readonly client?: ClientProgram | undefined },
  ): Promise<LaunchRequest> {
    const { user, terminal, environment } = begun;
    if (client !== undefined) return await this.#finishClient(spec, begun, { entry, client });
    const line = (): CommandLine => buildCommandLine({ ...spec, environment });
    return {
      type: 'launch',
      containerId: spec.containerId,
      ...(spec.hasPipes === true ? line() : await this.#fill(spec, { user, entry, line })),
      sandbox: spec.sandbox,
      user,
      ...(spec.hasPipes === true && { pipes: true }),
      terminal,
      outputLimitBytes: this.#options.outputLimitBytes,
    };
  }

  /** The client is the agent's own: what belongs to the user of the task is only the sandbox. */
  async #finishClient(
    spec: ContainerSpec,
    { user, terminal }: BegunLaunch,
    { entry, client }: { readonly entry: Entry; readonly client: ClientProgram },
  ): Promise<LaunchRequest> {
    const { sandbox, containerId, hasPipes: pipes } = spec;
    const { workDir, outputLimitBytes } = this.#options;
    const options = { sandbox, workDir, isClosed: true };
    if (pipes !== true) {
      makeSandbox(options);
      await this.#fetch(spec, user, entry);
    }
    const { signal } = entry.abort;
    const line = await client.prepare({ user, signal, reach: (stage) => reach(entry, stage) });
    if (pipes !== true) openSandbox(options, user);
    return { type: 'launch', containerId, ...line, sandbox, pipes, terminal, outputLimitBytes };
  }

  async #fetch(spec: ContainerSpec, user: UserIds | undefined, entry: Entry): Promise<void> {
    reach(entry, 'fetcher::fetch');
    const { sandbox, command } = spec;
    const { signal } = entry.abort;
    await this.#options.fetcher.fetch({ uris: command.uris ?? [], sandbox, user, signal });
  }

  /** Makes the sandbox with all that belongs into it, and the command line, which may be in it. */
  async #fill(
    spec: ContainerSpec,
    launch: {
      readonly user: UserIds | undefined;
      readonly entry: Entry;
      readonly line: () => CommandLine;
    },
  ): Promise<CommandLine> {
    const { sandbox, command, volumes, parent } = spec;
    const { user, entry } = launch;
    const { workDir } = this.#options;
    const options = { sandbox, workDir, isClosed: (command.uris ?? []).length > 0 };
    makeSandbox(options);
    await this.#fetch(spec, user, entry);
    reach(entry, 'sandbox::fill');
    const line = launch.line();
    if (parent !== undefined) await fillParent(parent, user);
    if (volumes !== undefined) await linkVolumes(volumes, { sandbox, user });
    await linkSandboxPaths(spec.container, { sandbox, volumes, user, parent });
    openSandbox(options, user);
    return line;
  }
}
