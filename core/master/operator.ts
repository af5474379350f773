/** The operator API: calls that read the cluster, and the few that change it. */
import {
  type AgentID,
  MESOS_VERSION,
  type MasterCall,
  type MasterResponse,
  type CallAnswer,
} from '../api/index.js';
import { type AgentId, id } from '../base/index.js';
import { markAgentGone } from './agent-gone.js';
import type { MasterContext } from './context.js';
import { deactivateAgent, drainAgent, reactivateAgent } from './drain.js';
import { FRAMEWORK_FIGURES, frameworkFigures } from './framework-counts.js';
import { removeFramework } from './framework-removal.js';
import {
  startMaintenance,
  stopMaintenance,
  updateSchedule,
  viewSchedule,
  viewStatus,
} from './maintenance.js';
import { gaugeSteps } from './metrics.js';
import { viewOperations } from './operation-records.js';
import { operateOnResources, resourceOperation } from './operator-resources.js';
import { quotaStatus, removeQuota, setQuota, updateQuota } from './quota.js';
import { roleMessage, viewRoles } from './roles.js';
import { updateWeights } from './weights.js';
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
      metrics: Array.from(finish(collectMetrics(context, times)), ([name, value]) => ({
        name,
        value,
      })),
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
  GET_OPERATIONS: ({ cluster }) => ({ get_operations: viewOperations(cluster.agents.values()) }),
  GET_ROLES: ({ cluster }) => ({ get_roles: { roles: viewRoles(cluster).map(roleMessage) } }),
  GET_QUOTA: ({ cluster }) => ({ get_quota: { status: quotaStatus(cluster) } }),
  GET_MAINTENANCE_SCHEDULE: (context) => ({
    get_maintenance_schedule: { schedule: viewSchedule(context) },
  }),
  GET_MAINTENANCE_STATUS: (context) => ({
    get_maintenance_status: { status: viewStatus(context) },
  }),
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

/** Whether a call reads the cluster, and changes nothing. */
export function isReading({ type = 'UNKNOWN' }: MasterCall): boolean {
  return READERS[type] !== undefined;
}

/** What a call is answered with. A change that is recorded is answered when it is durable. */
export type OperatorAnswer = CallAnswer | MasterResponse | Promise<CallAnswer>;

type Changer = (context: MasterContext, call: MasterCall) => CallAnswer | Promise<CallAnswer>;

/** Calls that change something. A missing payload was refused by validation. */
const CHANGERS: Readonly<Partial<Record<NonNullable<MasterCall['type']>, Changer>>> = {
  TEARDOWN: (context, { teardown: asked }) => teardown(context, asked?.framework_id.value ?? ''),
  UPDATE_QUOTA: (context, call) => updateQuota(context, call.update_quota ?? {}),
  SET_QUOTA: (context, call) => setQuota(context, call.set_quota?.quota_request ?? {}),
  REMOVE_QUOTA: (context, call) => removeQuota(context, call.remove_quota?.role ?? ''),
  UPDATE_MAINTENANCE_SCHEDULE: (context, call) =>
    updateSchedule(context, call.update_maintenance_schedule?.schedule ?? {}),
  START_MAINTENANCE: (context, call) =>
    startMaintenance(context, call.start_maintenance?.machines ?? []),
  STOP_MAINTENANCE: (context, call) =>
    stopMaintenance(context, call.stop_maintenance?.machines ?? []),
  UPDATE_WEIGHTS: (context, call) =>
    updateWeights(context, call.update_weights?.weight_infos ?? []),
  DRAIN_AGENT: (context, call) => drainAgent(context, call.drain_agent ?? { agent_id: NOBODY }),
  DEACTIVATE_AGENT: (context, call) =>
    deactivateAgent(context, agentIdOf(call.deactivate_agent?.agent_id)),
  REACTIVATE_AGENT: (context, call) =>
    reactivateAgent(context, agentIdOf(call.reactivate_agent?.agent_id)),
  MARK_AGENT_GONE: (context, call) =>
    markAgentGone(context, agentIdOf(call.mark_agent_gone?.agent_id)),
};

const NOBODY: AgentID = { value: '' };

function agentIdOf({ value }: AgentID = NOBODY): AgentId {
  return id<'AgentId'>(value);
}

/** Answers a call of an operator, which was validated before. */
export function operatorCall(
  context: MasterContext,
  call: MasterCall,
  times: MasterTimes,
): OperatorAnswer {
  const { type = 'UNKNOWN' } = call;
  const changer = CHANGERS[type];
  if (changer !== undefined) return changer(context, call);
  const asked = resourceOperation(call);
  if (asked !== undefined) return operateOnResources(context, asked);
  const reader = READERS[type];
  if (reader === undefined || !isResponseType(type)) {
    return { status: 501, message: `The call ${type} is not supported by this master yet` };
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

/** Names of figures that are put in order in one step. */
const FIGURES_PER_STEP = 200;

/** `collectMetrics` in steps of a fraction of a millisecond each. */
export type MetricSteps = Generator<undefined, Map<string, number>>;

/**
 * Figures of the master and its allocator, by name, sorted. Those of single frameworks, of which
 * there are some sixty each, are left out when `isBrief`, or when the master does not publish them.
 * What happens between two steps may show, or not.
 */
export function* collectMetrics(
  context: MasterContext,
  times: MasterTimes,
  isBrief = false,
): MetricSteps {
  const { values, pending } = yield* gaugeSteps(context.cluster);
  const all = new Map<string, number>(context.metrics.entries());
  for (const [name, value] of values) all.set(name, value);
  for (const [name, value] of context.metrics.operations.entries(
    (type) => pending.get(type) ?? 0,
  )) {
    all.set(name, value);
  }
  for (const [name, value] of context.allocator.metrics()) all.set(`allocator/${name}`, value);
  for (const [name, value] of context.registry.figures()) all.set(name, value);
  const uptimeMs = context.world.clock.elapsed() - times.startedElapsedMs;
  all.set('master/uptime_secs', uptimeMs / 1000);
  all.set('master/elected', times.electedMs === undefined ? 0 : 1);
  // Its place: the master fills it in.
  all.set('master/operator_event_stream_subscribers', 0);
  yield;
  const sorted = [...all].toSorted(([one], [other]) => (one < other ? -1 : 1));
  if (isBrief || !context.config.publishFrameworkMetrics) return new Map(sorted);
  return yield* withFrameworks(sorted, context);
}

/** Puts the figures of frameworks, which are sorted among themselves, into their place. */
function* withFrameworks(
  sorted: readonly (readonly [string, number])[],
  { cluster }: MasterContext,
): MetricSteps {
  const after = sorted.findIndex(([name]) => name > FRAMEWORK_FIGURES);
  const figures = new Map(sorted.slice(0, after));
  yield;
  let left = FIGURES_PER_STEP;
  for (const [name, value] of frameworkFigures(cluster.frameworks.values())) {
    figures.set(name, value);
    if (left-- > 0) continue;
    yield;
    left = FIGURES_PER_STEP;
  }
  for (const [name, value] of sorted.slice(after)) figures.set(name, value);
  return figures;
}

/** Takes all steps at once. */
export function finish<T>(steps: Generator<undefined, T>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
}
