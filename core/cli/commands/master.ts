/** `plateau master`: puts a master together from its flags and runs it. */
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  type Disposable,
  PlateauError,
  type Store,
  type World,
  systemWorld,
} from '../../base/index.js';
import { type Flags, addFlags, addIgnoredFlags, readFlags } from '../../command/index.js';
import { MasterServer } from '../../http/index.js';
import {
  DEFAULT_MASTER_CONFIG,
  Master,
  type MasterConfig,
  REGISTRY_FORMAT,
} from '../../master/index.js';
import { parseQuantities } from '../../resources/index.js';
import { type WorkDirectoryLock, lockWorkDirectory, openStore } from '../../store/index.js';
import { announceReady, daemonLogger, untilAskedToEnd, warnOfIgnoredFlags } from '../daemon.js';
import { IGNORED_MASTER_FLAGS, MASTER_FLAGS } from '../flags/master.js';
import { collectWhenIdle } from '../memory.js';
import { withReject } from '../with-reject.js';

export function define(command: Command): void {
  addFlags(command, MASTER_FLAGS);
  addIgnoredFlags(command, IGNORED_MASTER_FLAGS);
  command.action(() => runMaster(command));
}

async function runMaster(command: Command): Promise<void> {
  const flags = readFlags(command, MASTER_FLAGS);
  const log = await daemonLogger(flags, 'master');
  warnOfIgnoredFlags(log, command, IGNORED_MASTER_FLAGS);
  if (flags.required('registry') === 'replicated_log') {
    log.warn('--registry=replicated_log of Mesos is kept as lmdb here, on this host alone');
  }
  const world = systemWorld(log);
  const config = masterConfig(flags);
  const registry = await openRegistry(flags);
  try {
    await serve(world, { flags, config, store: registry.store });
  } finally {
    await registry.store.close();
    await registry.lock?.release();
  }
}

async function serve(
  world: World,
  what: { readonly flags: Flags; readonly config: MasterConfig; readonly store: Store },
): Promise<void> {
  const { flags, config, store } = what;
  const { log } = world;
  const ip = flags.required('ip');
  const hostname = flags.text('hostname') ?? ip;
  const server = new MasterServer({
    world,
    log,
    master: undefined,
    host: ip,
    port: flags.number('port'),
    clusterName: flags.text('cluster'),
    flags: flags.shown(),
    filesRoots: [],
    insecureBind: flags.boolean('insecure_bind'),
  });
  const { port } = await server.listen();
  const { promise: fatal, reject: fail } = withReject();
  const master = new Master({
    world,
    store,
    config,
    address: { hostname, ip, port },
    onFatal: fail,
  });
  let collecting: Disposable | undefined;
  try {
    const asked = untilAskedToEnd(fatal);
    server.attach(master);
    await master.start();
    log.info('the master serves', { address: `${ip}:${port}`, id: master.info.id });
    collecting = collectWhenIdle(world.clock);
    announceReady(port);
    log.info('the master ends', { asked: await asked });
  } finally {
    collecting?.dispose();
    await server.close();
    master.stop();
  }
}

async function openRegistry(
  flags: Flags,
): Promise<{ readonly store: Store; readonly lock?: WorkDirectoryLock }> {
  if (flags.required('registry') === 'in_memory') return { store: openStore('memory:') };
  const workDir = flags.text('work_dir');
  if (workDir === undefined) {
    throw new PlateauError(
      'INVALID_FLAG',
      '--work_dir is required: the folder where the registry is kept (or --registry=in_memory)',
      { context: { flag: 'work_dir' } },
    );
  }
  const lock = await lockWorkDirectory(workDir, { program: 'master', format: REGISTRY_FORMAT });
  return { store: openStore(`lmdb:${join(lock.path, 'registry')}`), lock };
}

/** The settings that the flags ask for. */
export function masterConfig(flags: Flags): MasterConfig {
  const roles = flags.text('roles')?.split(',');
  return {
    ...DEFAULT_MASTER_CONFIG,
    agentPingTimeoutMs: flags.durationMs('agent_ping_timeout'),
    maxAgentPingTimeouts: flags.number('max_agent_ping_timeouts'),
    agentReregisterTimeoutMs: flags.durationMs('agent_reregister_timeout'),
    offerTimeoutMs: flags.durationMs('offer_timeout'),
    allocationIntervalMs: flags.durationMs('allocation_interval'),
    minAllocatable: parseQuantities(flags.required('min_allocatable_resources')),
    earlyReoffer: {
      ...DEFAULT_MASTER_CONFIG.earlyReoffer,
      enabled: flags.boolean('early_reoffer'),
    },
    maxCompletedFrameworks: flags.number('max_completed_frameworks'),
    maxCompletedTasksPerFramework: flags.number('max_completed_tasks_per_framework'),
    maxUnreachableTasksPerFramework: flags.number('max_unreachable_tasks_per_framework'),
    registryMaxAgentCount: flags.number('registry_max_agent_count'),
    registryMaxAgentAgeMs: flags.durationMs('registry_max_agent_age'),
    registryGcIntervalMs: flags.durationMs('registry_gc_interval'),
    roles: roles?.map((role) => role.trim()),
    rootSubmissions: flags.boolean('root_submissions'),
    cluster: flags.text('cluster'),
    flags: flags.shown(),
  };
}
