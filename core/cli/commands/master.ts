/** `plateau master`: puts a master together from its flags and runs it. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { AllocatorFactory } from '../../allocator/index.js';
import {
  DisposableStore,
  PlateauError,
  type Store,
  type World,
  systemWorld,
} from '../../base/index.js';
import {
  type AdjustableLogger,
  type Flags,
  addFlags,
  addIgnoredFlags,
  readFlags,
  collectWhenIdle,
} from '../../command/index.js';
import { MasterServer } from '../../http/index.js';
import {
  Master,
  type MasterAddress,
  type MasterConfig,
  REGISTRY_FORMAT,
} from '../../master/index.js';
import { type WorkDirectoryLock, lockWorkDirectory, openStore } from '../../store/index.js';
import { loadAllocator } from '../allocator-module.js';
import {
  announceReady,
  daemonLogger,
  logRoots,
  untilAskedToEnd,
  warnOfIgnoredFlags,
} from '../daemon.js';
import { parsePairs, readFlag } from '../flag-values.js';
import { IGNORED_MASTER_FLAGS, MASTER_FLAGS } from '../flags/master.js';
import { masterConfig } from '../master-config.js';
import { type Whitelist, watchWhitelist } from '../whitelist.js';
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
  const parameters = readFlag(flags, 'allocator_options', parsePairs) ?? new Map();
  const createAllocator = await loadAllocator(flags.required('allocator'), parameters);
  const registry = await openRegistry(flags);
  try {
    await serve(world, { flags, config, createAllocator, store: registry.store, log });
  } finally {
    await registry.store.close();
    await registry.lock?.release();
  }
}

interface Parts {
  readonly flags: Flags;
  readonly config: MasterConfig;
  readonly createAllocator: AllocatorFactory | undefined;
  readonly store: Store;
  readonly log: AdjustableLogger;
}

async function serve(world: World, parts: Parts): Promise<void> {
  const { flags, log } = parts;
  const ip = flags.required('ip');
  const hostname = flags.text('hostname') ?? ip;
  const server = new MasterServer({
    world,
    log,
    adjustableLog: log,
    master: undefined,
    host: ip,
    port: flags.number('port'),
    clusterName: flags.text('cluster'),
    flags: flags.shown(),
    filesRoots: logRoots(flags, 'master'),
    insecureBind: flags.boolean('insecure_bind'),
  });
  const { port } = await server.listen();
  try {
    await runServed(world, { ...parts, server, address: { hostname, ip, port } });
  } finally {
    await server.close();
  }
}

async function runServed(
  world: World,
  given: Parts & { readonly server: MasterServer; readonly address: MasterAddress },
): Promise<void> {
  const { server, address, flags, config, store, createAllocator } = given;
  const { log } = world;
  const { promise: fatal, reject: fail } = withReject();
  const master = new Master({ world, store, config, address, createAllocator, onFatal: fail });
  const owned = new DisposableStore();
  try {
    const asked = untilAskedToEnd(fatal);
    const whitelist = { world, flag: flags.text('whitelist') ?? '*' };
    const onChange = (hostnames: Whitelist): void => master.updateWhitelist(hostnames);
    owned.add(await watchWhitelist({ ...whitelist, onChange }));
    server.attach(master);
    await master.start();
    log.info('the master serves', { address: `${address.ip}:${address.port}`, id: master.info.id });
    owned.add(collectWhenIdle(world.clock));
    announceReady(address.port);
    log.info('the master ends', { asked: await asked });
  } finally {
    owned.dispose();
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
