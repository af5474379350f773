/** Weights of roles: how much more than others a role gets of what is shared. */
import { type CallAnswer, type WeightInfo, validateWeight } from '../api/index.js';
import { ancestorsOf, isSubrole } from '../resources/index.js';
import type { MasterContext } from './context.js';
import { rescindOffer } from './offers.js';
import type { OperatorDecision } from './operator-changes.js';
import { recordedRoleProblem, roleListProblem } from './operator-roles.js';
import { putWeight } from './registry-records.js';

/** UPDATE_WEIGHTS: all of them or none. */
export function updateWeights(
  context: MasterContext,
  infos: readonly WeightInfo[],
): Promise<CallAnswer> {
  return context.operatorChanges.submit(() => decide(context, infos));
}

/**
 * Weights at the start of a master: those of the registry, or, when it has none, those of the flag,
 * which are recorded and applied.
 */
export function recoverWeights(
  context: MasterContext,
  recorded: ReadonlyMap<string, number>,
): void {
  const { cluster, config, registry, log } = context;
  const isFirst = recorded.size === 0;
  const initial = isFirst ? config.weights : recorded;
  if (!isFirst && config.weights.size > 0) {
    log.warn('--weights is ignored: the registry has weights; change them with `plateau weights`');
  }
  if (initial.size === 0) return;
  if (isFirst) {
    registry.commit({ puts: [...initial].map(([role, weight]) => putWeight(role, weight)) });
  }
  for (const [role, weight] of initial) cluster.weights.set(role, weight);
  context.allocator.updateWeights(new Map(cluster.weights));
}

function decide(context: MasterContext, infos: readonly WeightInfo[]): OperatorDecision {
  const problem = weightsProblem(context, infos);
  if (problem !== undefined) return { status: 400, message: problem };
  return {
    change: { puts: infos.map(({ role = '*', weight }) => putWeight(role, weight)) },
    apply() {
      const { weights } = context.cluster;
      const changed = infos.filter(({ role = '*', weight }) => (weights.get(role) ?? 1) !== weight);
      for (const { role = '*', weight } of infos) weights.set(role, weight);
      context.allocator.updateWeights(new Map(weights));
      rescindOfCompetitors(context, changed);
      return { status: 200 };
    },
  };
}

function weightsProblem(
  { config, cluster }: MasterContext,
  infos: readonly WeightInfo[],
): string | undefined {
  for (const info of infos) {
    const problem = validateWeight(info) ?? recordedRoleProblem(config, info.role ?? '*');
    if (problem !== undefined) return problem;
  }
  const roles = infos.map(({ role = '*' }) => role);
  return roleListProblem(roles, cluster.weights);
}

/**
 * Takes offers back where shares have changed, so that the next ones are divided anew: a weight
 * matters to the role and to those that share with it below the same parent, and it does so only
 * when somebody is in the role or below it.
 */
function rescindOfCompetitors(context: MasterContext, changed: readonly WeightInfo[]): void {
  const { frameworks, offers } = context.cluster;
  const used = new Set<string>();
  for (const framework of frameworks.values()) {
    for (const role of framework.roles) for (const one of withAncestors(role)) used.add(one);
  }
  const inUse = changed.map(({ role = '*' }) => role).filter((role) => used.has(role));
  if (inUse.length === 0) return;
  const parents = new Set(inUse.map((role) => ancestorsOf(role).at(-1)));
  for (const offer of offers) {
    const isAffected = [...parents].some(
      (parent) => parent === undefined || isSubrole(offer.role, parent),
    );
    if (isAffected) rescindOffer(context, offer);
  }
}

function withAncestors(role: string): readonly string[] {
  return [...ancestorsOf(role), role];
}
