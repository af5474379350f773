/**
 * A framework as the allocator knows it, and its clients: one for each role that it is in, or still
 * holds resources in. A client is what is served, suppressed and filtered.
 */
import type { FrameworkInfo, FrameworkInfoCapabilityType } from '../api/index.js';
import type { FrameworkId } from '../base/index.js';
import { DEFAULT_ROLE, type Quantities, Resources } from '../resources/index.js';
import type { DecisionRing } from './decision-ring.js';
import type { RoleConstraints } from './offer-constraints.js';
import type { ShareNode } from './share-node.js';
import type { ShareTree } from './share-tree.js';

export class FrameworkEntry {
  readonly id: FrameworkId;
  isActive = false;
  /** What it states; `isMultiRole` follows. */
  #capabilities: ReadonlySet<FrameworkInfoCapabilityType> = new Set();
  isMultiRole = false;
  readonly clients = new Map<string, Client>();

  constructor(id: FrameworkId) {
    this.id = id;
  }

  get capabilities(): ReadonlySet<FrameworkInfoCapabilityType> {
    return this.#capabilities;
  }

  set capabilities(capabilities: ReadonlySet<FrameworkInfoCapabilityType>) {
    this.#capabilities = capabilities;
    this.isMultiRole = capabilities.has('MULTI_ROLE');
  }
}

export class Client {
  readonly framework: FrameworkEntry;
  readonly role: string;
  readonly isNestedRole: boolean;
  readonly node: ShareNode<Client>;
  /** False: the framework left the role and holds resources in it still. */
  isSubscribed = false;
  isSuppressed = false;
  /** An offer has to contain one of these; undefined: the minimum of the configuration. */
  minimum: readonly Quantities[] | undefined;
  /** What agents have to be like; undefined: every agent will do. */
  constraints: RoleConstraints | undefined;
  /** The number of the change that last made it eligible for more; see `AllocationCycle`. */
  changedAt = 0;
  /** How many filters it has, on all agents. */
  filterCount = 0;
  /** How many agents it was offered in the window of time numbered `offeredWindow`. */
  offeredAgents = 0;
  offeredWindow = 0;
  /** What was last decided about it: written and made by the `DecisionLog`, if there is one. */
  decisions: DecisionRing | undefined;
  #offer = Resources.EMPTY;
  #bound = Resources.EMPTY;
  /** How many runs there had been when it was made. */
  readonly firstRun: number;

  constructor(framework: FrameworkEntry, role: string, place: ClientPlace) {
    this.framework = framework;
    this.role = role;
    this.isNestedRole = role.includes('/');
    this.firstRun = place.runs;
    this.node = place.tree.addClient(role, framework.id, this);
    framework.clients.set(role, this);
  }

  /** The same bound to its role. Most agents have the same to offer as the last one: it is kept. */
  bind(offer: Resources): Resources {
    if (this.#offer !== offer) {
      this.#offer = offer;
      this.#bound = offer.allocatedTo(this.role);
    }
    return this.#bound;
  }

  /** Whether it wants to be served and may be. */
  get isEligible(): boolean {
    return this.framework.isActive && this.isSubscribed && !this.isSuppressed;
  }
}

export interface ClientPlace {
  readonly tree: ShareTree<Client>;
  readonly runs: number;
}

/** The roles that a framework subscribes to. */
export function rolesOf(info: FrameworkInfo): ReadonlySet<string> {
  const isMultiRole = info.capabilities?.some(({ type }) => type === 'MULTI_ROLE') === true;
  return new Set(isMultiRole ? info.roles : [info.role ?? DEFAULT_ROLE]);
}

/** The types of the capabilities that a framework states. */
export function capabilitiesOf(info: FrameworkInfo): ReadonlySet<FrameworkInfoCapabilityType> {
  return new Set(info.capabilities?.flatMap(({ type }) => (type === undefined ? [] : [type])));
}

/** The minimum that a framework sets for its offers in a role; an empty list: anything goes. */
export function minimumOf(info: FrameworkInfo, role: string): readonly Quantities[] | undefined {
  const minimum = info.offer_filters?.[role]?.min_allocatable_resources;
  if (minimum === undefined) return undefined;
  return (minimum.quantities ?? []).map(
    ({ quantities }) =>
      new Map(
        Object.entries(quantities ?? {}).map(([name, scalar]) => [
          name,
          // The framework's own number: one that makes no sense hides offers from it alone.
          Math.round(scalar.value * 1000),
        ]),
      ),
  );
}
