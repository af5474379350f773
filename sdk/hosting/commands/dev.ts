/** `plateau framework dev`: a local cluster with a framework on it that follows its code. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { PlateauError, type World, systemWorld } from '../../../core/base/index.js';
import { addFlags, printLine, printNotice, readFlags } from '../../../core/command/index.js';
import { DevFramework } from '../dev/dev-framework.js';
import type { DevCluster, DevHost } from '../dev/host.js';
import { ModuleWatch } from '../dev/module-watch.js';
import { DEV_FLAGS } from '../flags.js';

/** More agents than this on one host are a mistake. */
const MOST_AGENTS = 100;
/** So that the ports of agents, which follow that of the master, are ports. */
const MOST_PORT = 65_535 - MOST_AGENTS;

interface Settings {
  readonly module: string;
  /** Options of `framework run`. */
  readonly more: readonly string[];
  readonly agents: number;
  readonly port: number;
  readonly store: string | undefined;
}

export function addDev(command: Command, host: DevHost): void {
  const dev = command
    .command('dev')
    .description(
      'run a framework on a local cluster of its own; it is started again when its code changes',
    )
    .argument('<module>', 'compiled JavaScript module of the framework; #Name picks a class')
    .argument('[options...]', "options of 'framework run', after --");
  addFlags(dev, DEV_FLAGS);
  dev.action(async (module: string, more: readonly string[]) => {
    const flags = readFlags(dev, DEV_FLAGS);
    const settings = {
      module,
      more,
      agents: within(flags.number('agents'), { flag: 'agents', least: 1, most: MOST_AGENTS }),
      port: within(flags.number('port'), { flag: 'port', least: 0, most: MOST_PORT }),
      store: flags.text('store'),
    };
    await develop(settings, host);
  });
}

/** Runs until Ctrl-C; leaves no process and no folder. */
async function develop(settings: Settings, host: DevHost): Promise<void> {
  const { module, agents, port, store } = settings;
  refuseMemory(store);
  const world = systemWorld();
  const watch = new ModuleWatch(module, world.clock);
  const asked = untilAsked();
  const workDir = mkdtempSync(join(tmpdir(), 'plateau-dev-'));
  try {
    const onRestart = (name: string, how: string): void =>
      printNotice(`${name} ended (${how}); starting it again`);
    const cluster = await host.startCluster({ workDir, agents, port, onRestart });
    try {
      printLine(
        `The cluster is up: ${cluster.masterUrl}/  (Ctrl-C ends framework, tasks and cluster)`,
      );
      printLine(`Its logs are in ${join(workDir, 'logs')}.`);
      const kept = store ?? `lmdb:${join(workDir, 'state')}`;
      const framework = frameworkOf({ settings, host, world, cluster, watch, store: kept });
      await follow(framework, watch, asked);
      printNotice('ending the tasks and all programs');
    } finally {
      await cluster.stop();
    }
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
}

function frameworkOf(parts: {
  readonly settings: Settings;
  readonly host: DevHost;
  readonly world: World;
  readonly cluster: DevCluster;
  readonly watch: ModuleWatch;
  readonly store: string;
}): DevFramework {
  const { settings, host, world, cluster, watch, store } = parts;
  const { module, more } = settings;
  const argv = [`--master=${cluster.masterUrl}`, `--store=${store}`, ...more];
  return new DevFramework({ world, main: host.main, module, argv, watch, say: printNotice });
}

/** Starts the framework, and again after each change of its code. */
async function follow(
  framework: DevFramework,
  watch: ModuleWatch,
  asked: AbortSignal,
): Promise<void> {
  if (asked.aborted) return;
  framework.start();
  try {
    for await (const files of watch.changes(asked)) {
      printNotice(`${namesOf(files)} changed: the framework is started again`);
      await framework.stop();
      if (!asked.aborted) framework.start();
    }
  } finally {
    await framework.stop();
  }
}

function namesOf(files: readonly string[]): string {
  const more = files.length - SHOWN_FILES;
  return files.slice(0, SHOWN_FILES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const SHOWN_FILES = 3;

/** Aborted by the first SIGINT or SIGTERM, or when the process that started this one has died. */
function untilAsked(): AbortSignal {
  const asked = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked.signal.aborted) printNotice('still ending; this takes a few seconds');
      asked.abort();
    });
  }
  if (process.connected) process.once('disconnect', () => asked.abort());
  return asked.signal;
}

/** Each start would be another framework, beside the tasks of the one before. */
function refuseMemory(store: string | undefined): void {
  if (store !== 'memory:') return;
  throw new PlateauError(
    'INVALID_FLAG',
    "--store: 'memory:' would be forgotten at each change of the code: leave it out to keep the state until " +
      'this command ends, or name lmdb:./folder',
    { context: { flag: 'store' } },
  );
}

function within(
  value: number,
  { flag, least, most }: { readonly flag: string; readonly least: number; readonly most: number },
): number {
  if (value >= least && value <= most) return value;
  throw new PlateauError('INVALID_FLAG', `--${flag}: it must be from ${least} to ${most}`, {
    context: { flag },
  });
}
