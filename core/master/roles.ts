/** Roles in use: those of frameworks and their ancestors, and those with a weight. */
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
  for (const role of cluster.weights.keys()) draftOf(drafts, role);
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
