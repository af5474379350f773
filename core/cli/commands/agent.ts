/** `plateau agent`: puts an agent together from its flags and runs it. */
import { join } from 'node:path';
import type { Command } from 'commander';
import {
  Agent,
  type AgentConfig,
  type AgentOptions,
  CHECKPOINT_FORMAT,
  agentConfig,
} from '../../agent/index.js';
import { validateRole } from '../../api/index.js';
import { DEFAULT_MASTER_PORT, parseAddresses } from '../../client/index.js';
import { type Disposable, PlateauError, type Store, systemWorld } from '../../base/index.js';
import {
  type AdjustableLogger,
  type Flags,
  addFlags,
  addIgnoredFlags,
  readFlags,
  collectWhenIdle,
} from '../../command/index.js';
import {
  type HostFacts,
  HostSandboxes,
  HostVolumes,
  assertLinux,
  hostFacts,
  prepareDisks,
} from '../../containers/index.js';
import { AgentServer, HttpMasterConnector } from '../../http/index.js';
import { defaultResources, parseAttributes, parseResourceList } from '../../resources/index.js';
import { lockWorkDirectory, openStore } from '../../store/index.js';
import { qosController, resourceEstimator } from '../agent-modules.js';
import { containerizerOf } from '../containerizers.js';
import {
  announceReady,
  daemonLogger,
  logRoots,
  untilAskedToEnd,
  warnOfIgnoredFlags,
} from '../daemon.js';
import { flagError, isJson, parseDomain, readFlag } from '../flag-values.js';
import { AGENT_FLAGS, IGNORED_AGENT_FLAGS } from '../flags/agent.js';
import { withReject } from '../with-reject.js';

export function define(command: Command): void {
  addFlags(command, AGENT_FLAGS);
  addIgnoredFlags(command, IGNORED_AGENT_FLAGS);
  command.action(() => runAgent(command));
}

async function runAgent(command: Command): Promise<void> {
  assertLinux();
  const flags = readFlags(command, AGENT_FLAGS);
  const masters = masterUrls(flags);
  const modules = {
    estimator: await resourceEstimator(flags),
    qosController: await qosController(flags),
  };
  const log = await daemonLogger(flags, 'agent');
  warnOfIgnoredFlags(log, command, IGNORED_AGENT_FLAGS);
  const lock = await lockWorkDirectory(flags.required('work_dir'), {
    program: 'agent',
    format: CHECKPOINT_FORMAT,
  });
  try {
    const facts = hostFacts(lock.path);
    prepareDisks(toConfig(flags, facts, lock.path));
    const store = openStore(`lmdb:${join(lock.path, 'meta')}`);
    try {
      await serve({ flags, facts, store, log, masters, modules, workDir: lock.path });
    } finally {
      await store.close();
    }
  } finally {
    await lock.release();
  }
}

interface Parts {
  readonly flags: Flags;
  readonly facts: HostFacts;
  readonly store: Store;
  readonly log: AdjustableLogger;
  readonly masters: readonly string[];
  readonly modules: Pick<AgentOptions, 'estimator' | 'qosController'>;
  readonly workDir: string;
}

async function serve(parts: Parts): Promise<void> {
  const { flags, facts, store, log, masters, modules, workDir } = parts;
  const world = systemWorld(log);
  const ip = flags.required('ip');
  const server = new AgentServer({
    world,
    log,
    adjustableLog: log,
    agent: undefined,
    workDir,
    host: ip,
    port: flags.number('port'),
    flags: shownFlags(flags),
    filesRoots: logRoots(flags, 'agent'),
    insecureBind: flags.boolean('insecure_bind'),
  });
  const { port } = await server.listen();
  const connector = new HttpMasterConnector({ log, masters });
  const { promise: fatal, reject: fail } = withReject();
  const agent = new Agent({
    world,
    store,
    containerizer: containerizerOf(flags, { workDir, log }),
    sandboxes: new HostSandboxes({ workDir }),
    volumes: new HostVolumes({ log }),
    connector,
    ...modules,
    config: toConfig(flags, facts, workDir),
    address: { hostname: flags.text('hostname') ?? ip, ip, port },
    bootId: facts.bootId,
    onFatal: fail,
  });
  let mode: 'leave-running' | 'end-all' = 'leave-running';
  let collecting: Disposable | undefined;
  try {
    connector.attach(agent);
    server.attach(agent);
    const asked = untilAskedToEnd(fatal);
    await agent.start();
    if (flags.required('recover') === 'cleanup') {
      mode = 'end-all';
      log.info('ends what runs from before and exits; start the agent without --recover then');
      return;
    }
    log.info('the agent serves', { address: `${ip}:${port}` });
    collecting = collectWhenIdle(world.clock);
    announceReady(port);
    const request = await asked;
    if (request === 'SIGUSR1') mode = 'end-all';
    log.info('the agent ends', { asked: request, tasks: mode });
  } finally {
    collecting?.dispose();
    await agent.close(mode);
    connector.close();
    await server.close();
  }
}

/** The flags as everybody may see them: credentials are not among them. */
function shownFlags(flags: Flags): Readonly<Record<string, string>> {
  const { docker_config: config, ...others } = flags.shown();
  if (config === undefined) return others;
  return { ...others, docker_config: isJson(config) ? '{…}' : config };
}

/** The settings that the flags and the host give. */
export function toConfig(flags: Flags, facts: HostFacts, workDir: string): AgentConfig {
  const defaultRole = flags.required('default_role');
  const roleFault = validateRole(defaultRole);
  if (roleFault !== undefined) throw flagError('default_role', roleFault);
  const stated = parseResourceList(flags.text('resources') ?? '', defaultRole);
  return agentConfig({
    workDir,
    resources: defaultResources(facts, { stated, defaultRole }).toWire(),
    attributes: parseAttributes(flags.text('attributes') ?? ''),
    domain: readFlag(flags, 'domain', parseDomain),
    registrationBackoffFactorMs: flags.durationMs('registration_backoff_factor'),
    executorRegistrationTimeoutMs: flags.durationMs('executor_registration_timeout'),
    executorReregistrationTimeoutMs: flags.durationMs('executor_reregistration_timeout'),
    executorShutdownGracePeriodMs: flags.durationMs('executor_shutdown_grace_period'),
    recoveryTimeoutMs: flags.durationMs('recovery_timeout'),
    gcDelayMs: flags.durationMs('gc_delay'),
    gcDiskHeadroom: flags.number('gc_disk_headroom'),
    diskWatchIntervalMs: flags.durationMs('disk_watch_interval'),
    maxCompletedExecutorsPerFramework: flags.number('max_completed_executors_per_framework'),
    oversubscribedResourcesIntervalMs: flags.durationMs('oversubscribed_resources_interval'),
    qosCorrectionIntervalMinMs: flags.durationMs('qos_correction_interval_min'),
    dockerStopTimeoutMs: flags.durationMs('docker_stop_timeout'),
    switchUser: flags.boolean('switch_user'),
    recover: flags.required('recover') === 'cleanup' ? 'cleanup' : 'reconnect',
    reconfigurationPolicy:
      flags.required('reconfiguration_policy') === 'additive' ? 'additive' : 'equal',
  });
}

function masterUrls(flags: Flags): readonly string[] {
  const text = flags.text('master');
  if (text === undefined) {
    throw new PlateauError(
      'INVALID_FLAG',
      '--master is required: where the master is, such as --master=127.0.0.1:5050',
      { context: { flag: 'master' } },
    );
  }
  if (/^(zk|etcd|file):/.test(text)) {
    throw new PlateauError(
      'INVALID_FLAG',
      `--master=${text}: only addresses of masters are supported yet, as host:port or URL`,
      { context: { flag: 'master' } },
    );
  }
  return parseAddresses(text, DEFAULT_MASTER_PORT).map((url) => url.href);
}
