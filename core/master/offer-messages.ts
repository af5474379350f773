/**
 * Offers as frameworks see them. What is the same in every offer of an agent, or of a round of one
 * framework, is made once: a round may be of ten thousand offers.
 */
import type { Offer, Resource, ResourceAllocationInfo } from '../api/index.js';
import type { ResourceItem, Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { Framework, OutstandingOffer } from './framework.js';

/** Makes the offers of one framework, by what it says of itself now. */
export class OfferWriter {
  readonly #framework: Readonly<Framework>;
  readonly #frameworkId: Offer['framework_id'];
  readonly #isMultiRole: boolean;
  readonly #canRefine: boolean;
  /** What was written last, of what many offers of a round have. */
  #resources: Resources | undefined;
  #written: readonly Resource[] = [];
  #allocation: ResourceAllocationInfo | undefined;

  constructor(framework: Readonly<Framework>) {
    this.#framework = framework;
    this.#frameworkId = { value: framework.id };
    this.#isMultiRole = framework.has('MULTI_ROLE');
    this.#canRefine = framework.has('RESERVATION_REFINEMENT');
  }

  write(agent: Readonly<Agent>, offer: Readonly<OutstandingOffer>): Offer {
    const { agent_id, hostname, url, domain, attributes } = agent.reference;
    return {
      id: { value: offer.id },
      framework_id: this.#frameworkId,
      agent_id,
      hostname,
      url,
      domain,
      unavailability: agent.unavailability,
      resources: this.#write(offer.resources),
      attributes,
      executor_ids: this.#executorIds(agent),
      allocation_info: this.#isMultiRole ? this.#allocate(offer.role) : undefined,
    };
  }

  #executorIds(agent: Readonly<Agent>): Offer['executor_ids'] {
    const executors = this.#framework.executors.get(agent.id);
    if (executors === undefined) return undefined;
    return [...executors.keys()].map((value) => ({ value }));
  }

  #allocate(role: string): ResourceAllocationInfo {
    if (this.#allocation?.role !== role) this.#allocation = { role };
    return this.#allocation;
  }

  #write(resources: Resources): readonly Resource[] {
    if (this.#resources === resources) return this.#written;
    const visible = resources.filter(this.#canRefine ? isVisible : isVisibleUnrefined);
    const wire = visible.wire(this.#canRefine ? 'post-refinement' : 'pre-refinement');
    this.#resources = resources;
    this.#written = this.#isMultiRole
      ? wire
      : wire.map((resource) => ({ ...resource, allocation_info: undefined }));
    return this.#written;
  }
}

/**
 * The writers of frameworks, each as long as the framework says the same of itself. Were they made anew
 * for each round, the engine would drop the code that it compiled for them whenever it collects garbage.
 */
export class OfferWriters {
  readonly #writers = new WeakMap<Framework['info'], OfferWriter>();

  of(framework: Readonly<Framework>): OfferWriter {
    const known = this.#writers.get(framework.info);
    if (known !== undefined) return known;
    const made = new OfferWriter(framework);
    this.#writers.set(framework.info, made);
    return made;
  }
}

/** One offer as its framework sees it. */
export function offerMessage(
  framework: Readonly<Framework>,
  agent: Readonly<Agent>,
  offer: Readonly<OutstandingOffer>,
): Offer {
  return new OfferWriter(framework).write(agent, offer);
}

/** Resources that only agents need to know. */
const HIDDEN_RESOURCE = 'ephemeral_ports';

function isVisible({ name }: ResourceItem): boolean {
  return name !== HIDDEN_RESOURCE;
}

function isVisibleUnrefined(item: ResourceItem): boolean {
  return isVisible(item) && item.reservations.length <= 1;
}
