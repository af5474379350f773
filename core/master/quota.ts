/**
 * Quotas of top-level roles: what they are guaranteed and what they may hold at most. A change is
 * checked against the cluster, recorded, given to the allocator, and followed by taking back the
 * offers that stand in its way. A role keeps its entry until the quota is removed, even when it
 * guarantees and limits nothing.
 */
import {
  type CallAnswer,
  type MasterCallUpdateQuota,
  type QuotaConfig,
  type QuotaRequest,
  type QuotaStatus,
  type Resource,
  validateQuotaConfig,
  validateRole,
} from '../api/index.js';
import { type Quantities, fromThousandths } from '../resources/index.js';
import type { ClusterView } from './cluster.js';
import type { MasterContext } from './context.js';
import type { OperatorDecision } from './operator-changes.js';
import { recordedRoleProblem, roleListProblem } from './operator-roles.js';
import { capacityProblem, consumptionProblem } from './quota-checks.js';
import { type RoleQuotas, configOfRequest, quotaConfig, roleQuota } from './quota-forms.js';
import { rescindForQuotas } from './quota-rescind.js';
import { putQuota, quotaKey } from './registry-records.js';

/** UPDATE_QUOTA: all of them or none. */
export function updateQuota(
  context: MasterContext,
  { force = false, quota_configs: configs = [] }: MasterCallUpdateQuota,
): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => {
    const changed = readUpdate(context, configs, force);
    if (typeof changed === 'string') return refuse(400, `Invalid QuotaConfig: ${changed}`);
    return record(context, changed);
  });
}

/** SET_QUOTA, from before guarantees and limits were told apart: both are what it asks for. */
export function setQuota(context: MasterContext, request: QuotaRequest): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => decideSet(context, request));
}

/** REMOVE_QUOTA: the role is neither guaranteed nor limited any more. */
export function removeQuota(context: MasterContext, role: string): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => {
    const prefix = 'Invalid remove quota request: ';
    const invalid = validateRole(role);
    if (invalid !== undefined) return refuse(400, prefix + invalid);
    if (!context.cluster.quotas.has(role)) {
      return refuse(400, `${prefix}Role '${role}' has no quota set`);
    }
    return {
      change: { deletes: [quotaKey(role)] },
      apply() {
        context.cluster.quotas.delete(role);
        context.allocator.updateQuota(role, undefined);
        return { status: 200 };
      },
    };
  });
}

/** GET_QUOTA and the page `/quota`, in the newer form and in the older one. */
export function quotaStatus({ quotas }: Pick<ClusterView, 'quotas'>): QuotaStatus {
  if (quotas.size === 0) return {};
  const sorted = [...quotas].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    infos: sorted.map(([role, { guarantees }]) => ({ role, guarantee: scalars(guarantees) })),
    configs: sorted.map(([role, quota]) => quotaConfig(role, quota)),
  };
}

function scalars(amounts: Quantities): readonly Resource[] {
  return [...amounts].map(([name, amount]) => ({
    name,
    type: 'SCALAR',
    scalar: { value: fromThousandths(amount) },
  }));
}

/** The quotas that the configurations state, or why they cannot be set. */
function readUpdate(
  { config, cluster }: MasterContext,
  configs: readonly QuotaConfig[],
  isForced: boolean,
): RoleQuotas | string {
  for (const one of configs) {
    const problem = validateQuotaConfig(one) ?? recordedRoleProblem(config, one.role);
    if (problem !== undefined) return problem;
  }
  const roles = configs.map(({ role }) => role);
  const problem = roleListProblem(roles, cluster.quotas);
  if (problem !== undefined) return problem;
  const changed = new Map(configs.map((one) => [one.role, roleQuota(one)]));
  if (isForced || changed.size === 0) return changed;
  return consumptionProblem(cluster, changed) ?? capacityProblem(cluster, changed) ?? changed;
}

function decideSet(context: MasterContext, request: QuotaRequest): OperatorDecision {
  const { config, cluster } = context;
  const prefix = 'Invalid set quota request: ';
  const asked = configOfRequest(request);
  if (typeof asked === 'string') return refuse(400, prefix + asked);
  const { role } = asked;
  const invalid = validateQuotaConfig(asked) ?? recordedRoleProblem(config, role);
  if (invalid !== undefined) return refuse(400, prefix + invalid);
  if (cluster.quotas.has(role)) {
    return refuse(400, `${prefix}Cannot set quota for role '${role}' which already has quota`);
  }
  const full = roleListProblem([role], cluster.quotas);
  if (full !== undefined) return refuse(400, prefix + full);
  const changed = new Map([[role, roleQuota(asked)]]);
  const problem = request.force === true ? undefined : capacityProblem(cluster, changed);
  if (problem === undefined) return record(context, changed);
  return refuse(409, `Heuristic capacity check for set quota request failed: ${problem}`);
}

function record(context: MasterContext, changed: RoleQuotas): OperatorDecision {
  const puts = [...changed].map(([role, quota]) => putQuota(quotaConfig(role, quota)));
  return {
    change: { puts },
    apply() {
      const { cluster, allocator } = context;
      for (const [role, quota] of changed) {
        cluster.quotas.set(role, quota);
        allocator.updateQuota(role, quota);
      }
      rescindForQuotas(context, changed);
      return { status: 200 };
    },
  };
}

function refuse(status: 400 | 409, message: string): CallAnswer {
  return { status, message };
}
