/** The operator API: calls that read the cluster, and the few that change it. */
import {
  MESOS_VERSION,
  type MasterCall,
  type MasterResponse,
  type WeightInfo,
  validateRole,
  type CallAnswer,
} from '../api/index.js';
import { id } from '../base/index.js';
import type { MasterContext } from './context.js';
import { removeFramework } from './framework-removal.js';
import { gauges } from './metrics.js';
import { operateOnResources, resourceOperation } from './operator-resources.js';
import { MAX_WEIGHTED_ROLE_LENGTH, putWeight } from './registry.js';
import { roleMessage, viewRoles } from './roles.js';
import { viewAgents, viewExecutors, viewFrameworks, viewTasks } from './views.js';

/** Moments of this master, in milliseconds: since 1970, and on the monotonic clock. */
export interface MasterTimes {
  readonly startedMs: number;
  /** Undefined until the registry is recovered. */
  readonly electedMs: number | undefined;
  readonly startedElapsedMs: number;
}

type Reader = (context: MasterContext, times: MasterTimes) => MasterResponse;

/** Calls that only read. */
const READERS: Readonly<Partial<Record<NonNullable<MasterCall['type']>, Reader>>> = {
  GET_HEALTH: () => ({ get_health: { healthy: true } }),
  GET_VERSION: () => ({ get_version: { version_info: { version: MESOS_VERSION } } }),
  GET_FLAGS: ({ config }) => ({
    get_flags: {
      flags: Object.entries(config.flags).map(([name, value]) => ({ name, value })),
    },
  }),
  GET_METRICS: (context, times) => ({
    get_metrics: {
      metrics: [...collectMetrics(context, times)].map(([name, value]) => ({ name, value })),
    },
  }),
  GET_MASTER: ({ info }, { startedMs, electedMs }) => ({
    get_master: {
      master_info: info,
      start_time: startedMs / 1000,
      elected_time: electedMs === undefined ? undefined : electedMs / 1000,
    },
  }),
  GET_AGENTS: ({ cluster }) => ({ get_agents: viewAgents(cluster) }),
  GET_FRAMEWORKS: ({ cluster }) => ({ get_frameworks: viewFrameworks(cluster) }),
  GET_TASKS: ({ cluster }) => ({ get_tasks: viewTasks(cluster) }),
  GET_EXECUTORS: ({ cluster }) => ({ get_executors: viewExecutors(cluster) }),
  GET_OPERATIONS: () => ({ get_operations: {} }),
  GET_ROLES: ({ cluster }) => ({ get_roles: { roles: viewRoles(cluster).map(roleMessage) } }),
  GET_WEIGHTS: ({ cluster }) => ({
    get_weights:
      cluster.weights.size === 0
        ? undefined
        : { weight_infos: [...cluster.weights].map(([role, weight]) => ({ role, weight })) },
  }),
  GET_STATE: ({ cluster }) => ({
    get_state: {
      get_tasks: viewTasks(cluster),
      get_executors: viewExecutors(cluster),
      get_frameworks: viewFrameworks(cluster),
      get_agents: viewAgents(cluster),
    },
  }),
};

/** Answers a call of an operator, which was validated before. */
export function operatorCall(
  context: MasterContext,
  call: MasterCall,
  times: MasterTimes,
): CallAnswer | MasterResponse {
  const { type } = call;
  if (type === 'TEARDOWN') return teardown(context, call.teardown?.framework_id.value ?? '');
  if (type === 'UPDATE_WEIGHTS') {
    return updateWeights(context, call.update_weights?.weight_infos ?? []);
  }
  const asked = resourceOperation(call);
  if (asked !== undefined) return operateOnResources(context, asked);
  const reader = type === undefined ? undefined : READERS[type];
  if (reader === undefined || type === undefined || !isResponseType(type)) {
    return { status: 501, message: `The call ${type ?? ''} is not supported by this master yet` };
  }
  return { type, ...reader(context, times) };
}

/** The types of calls whose response has the same type. */
function isResponseType(type: string): type is NonNullable<MasterResponse['type']> {
  return Object.hasOwn(READERS, type);
}

function teardown(context: MasterContext, frameworkId: string): CallAnswer {
  const framework = context.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  if (framework === undefined) {
    return { status: 400, message: `No framework found with ID ${frameworkId}` };
  }
  removeFramework(context, framework);
  return { status: 200 };
}

function updateWeights(context: MasterContext, infos: readonly WeightInfo[]): CallAnswer {
  for (const info of infos) {
    const problem = weightProblem(context, info);
    if (problem !== undefined) return { status: 400, message: problem };
  }
  const { weights } = context.cluster;
  for (const { role = '*', weight } of infos) weights.set(role, weight);
  const puts = infos.map(({ role = '*', weight }) => putWeight(role, weight));
  context.registry.commit({ puts });
  context.allocator.updateWeights(new Map(weights));
  return { status: 200 };
}

function weightProblem(
  { config }: MasterContext,
  { role, weight }: WeightInfo,
): string | undefined {
  if (role === undefined) return "'role' of a weight is not set";
  const problem = validateRole(role);
  if (problem !== undefined) return problem;
  if (role.length > MAX_WEIGHTED_ROLE_LENGTH || /\p{Surrogate}/u.test(role)) {
    return `A role with a weight has at most ${MAX_WEIGHTED_ROLE_LENGTH} well-formed characters`;
  }
  if (config.roles !== undefined && role !== '*' && !config.roles.includes(role)) {
    return `Role '${role}' is not in the master's --roles`;
  }
  if (weight > 0 && Number.isFinite(weight)) return undefined;
  return `The weight of role '${role}' must be positive, and is ${weight}`;
}

/** All figures of the master and its allocator, by name, sorted. */
export function collectMetrics(
  context: MasterContext,
  times: MasterTimes,
): ReadonlyMap<string, number> {
  const all = new Map<string, number>(context.metrics.entries());
  for (const [name, value] of gauges(context.cluster)) all.set(name, value);
  for (const [name, value] of context.allocator.metrics()) all.set(`allocator/${name}`, value);
  const uptimeMs = context.world.clock.elapsed() - times.startedElapsedMs;
  all.set('master/uptime_secs', uptimeMs / 1000);
  all.set('master/elected', times.electedMs === undefined ? 0 : 1);
  return new Map([...all].toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
