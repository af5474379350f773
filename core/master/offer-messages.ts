/**
 * Offers as frameworks see them. What is the same in every offer of an agent, or of a round of one
 * framework, is made once: a round may be of ten thousand offers.
 */
import type { Offer, Resource } from '../api/index.js';
import type { Resources } from '../resources/index.js';
import type { Agent } from './agent.js';
import type { Framework, OutstandingOffer } from './framework.js';

/** Makes the offers of one framework. */
export class OfferWriter {
  readonly #framework: Readonly<Framework>;
  readonly #frameworkId: Offer['framework_id'];
  readonly #isMultiRole: boolean;
  readonly #canRefine: boolean;
  readonly #isVisible: (item: Resources['items'][number]) => boolean;
  /** What was written of resources that many offers have. */
  readonly #resources = new Map<Resources, readonly Resource[]>();
  readonly #allocations = new Map<string, Offer['allocation_info']>();

  constructor(framework: Readonly<Framework>) {
    this.#framework = framework;
    this.#frameworkId = { value: framework.id };
    this.#isMultiRole = framework.has('MULTI_ROLE');
    const canRefine = framework.has('RESERVATION_REFINEMENT');
    this.#canRefine = canRefine;
    this.#isVisible = (item) =>
      item.name !== HIDDEN_RESOURCE && (canRefine || item.reservations.length <= 1);
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
      resources: this.#written(offer.resources),
      attributes,
      executor_ids: this.#executorIds(agent),
      allocation_info: this.#isMultiRole ? this.#allocation(offer.role) : undefined,
    };
  }

  #executorIds(agent: Readonly<Agent>): Offer['executor_ids'] {
    const executors = this.#framework.executors.get(agent.id);
    if (executors === undefined) return undefined;
    return [...executors.keys()].map((value) => ({ value }));
  }

  #allocation(role: string): Offer['allocation_info'] {
    const known = this.#allocations.get(role);
    if (known !== undefined) return known;
    const made = { role };
    this.#allocations.set(role, made);
    return made;
  }

  #written(resources: Resources): readonly Resource[] {
    const known = this.#resources.get(resources);
    if (known !== undefined) return known;
    const visible = resources.filter(this.#isVisible);
    const wire = visible.wire(this.#canRefine ? 'post-refinement' : 'pre-refinement');
    const written = this.#isMultiRole
      ? wire
      : wire.map((resource) => ({ ...resource, allocation_info: undefined }));
    this.#resources.set(resources, written);
    return written;
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
