/**
 * Roles in use: those of frameworks, those with a weight, a quota or a reservation, and those that the
 * master is limited to. What is held or reserved in a role shows in the roles above as well.
 */
import type { Resource, Role } from '../api/index.js';
import type { FrameworkId } from '../base/index.js';
import { Resources, ancestorsOf, fromThousandths } from '../resources/index.js';
import type { ClusterView } from './cluster.js';

/** What is known of one role. */
export interface RoleView {
  readonly name: string;
  readonly weight: number;
  /** Frameworks that are subscribed to exactly this role. */
  readonly frameworks: readonly FrameworkId[];
  /** Offered to or used in this role and those below it. */
  readonly resources: Resources;
}

interface Draft {
  readonly frameworks: FrameworkId[];
  resources: Resources;
}

/** All roles in use, sorted by name. */
export function viewRoles(cluster: ClusterView): readonly RoleView[] {
  const drafts = new Map<string, Draft>();
  for (const role of settledRoles(cluster)) draftOf(drafts, role);
  for (const { total } of cluster.agents.values()) {
    for (const { role, isReserved } of total.hasReserved ? total.items : []) {
      if (isReserved) for (const one of [role, ...ancestorsOf(role)]) draftOf(drafts, one);
    }
  }
  for (const framework of cluster.frameworks.values()) {
    for (const role of framework.roles) draftOf(drafts, role).frameworks.push(framework.id);
    const offered = [...framework.offers.values()].map((offer) => offer.resources);
    const held = Resources.sum([...framework.used.values(), ...offered]);
    for (const [role, resources] of held.byAllocationRole()) {
      const plain = resources.unallocated();
      for (const one of [role, ...ancestorsOf(role)]) {
        const draft = draftOf(drafts, one);
        draft.resources = draft.resources.plus(plain);
      }
    }
  }
  return [...drafts]
    .map(([name, draft]) => ({ name, weight: cluster.weights.get(name) ?? 1, ...draft }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** Roles that are there although nobody may be in them and nothing be reserved for them. */
export function* settledRoles(
  cluster: Pick<ClusterView, 'weights' | 'quotas' | 'listedRoles'>,
): Generator<string> {
  yield* cluster.listedRoles;
  yield* cluster.weights.keys();
  yield* cluster.quotas.keys();
}

function draftOf(drafts: Map<string, Draft>, role: string): Draft {
  const known = drafts.get(role);
  if (known !== undefined) return known;
  const made = { frameworks: [], resources: Resources.EMPTY };
  drafts.set(role, made);
  return made;
}

/** The answer to GET_ROLES shows scalar amounts alone. */
export function roleMessage({ name, weight, frameworks, resources }: RoleView): Role {
  const amounts = [...resources.quantities()].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    name,
    weight,
    frameworks: frameworks.map((value) => ({ value })),
    resources: amounts.map(([resource, amount]): Resource => ({
      name: resource,
      type: 'SCALAR',
      scalar: { value: fromThousandths(amount) },
    })),
  };
}
