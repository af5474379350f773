/** Why a framework is, or is not, offered resources or what a task needs: from the code that decides. */
import {
  type AllocationExplanation,
  type AllocationQuestion,
  DescribedTask,
  type TaskDescription,
} from '../allocator/index.js';
import { type FrameworkId, PlateauError, id } from '../base/index.js';
import { Resources } from '../resources/index.js';
import type { MasterContext } from './context.js';
import type { Framework, FrameworkState, OutstandingOffer } from './framework.js';
import type { OfferAnswers } from './offer-answers.js';

/** Outstanding offers that an answer names. */
export const MAX_FITTING_OFFERS = 5;

/** What is asked beside the framework. */
export interface WhyQuestion {
  /** One role of the framework. */
  readonly role?: string | undefined;
  /** A task that would not start. */
  readonly task?: TaskDescription | undefined;
}

/** Offers of one agent and role that the framework holds and that contain the task. */
export interface FittingOffer {
  /** One offer, or several that have to be accepted together. */
  readonly offerIds: readonly string[];
  readonly agentId: string;
  readonly hostname: string;
  readonly role: string;
}

/**
 * The answer to "why does my framework get nothing?" and "why does my task not start?". JSON as it is:
 * the page `/plateau/v1/why` serves it, and the command reads it.
 */
export interface FrameworkExplanation {
  readonly frameworkId: FrameworkId;
  readonly name: string;
  readonly state: FrameworkState;
  /** One sentence about the state of the framework. */
  readonly summary: string;
  readonly roles: readonly string[];
  readonly suppressedRoles: readonly string[];
  readonly outstandingOffers: number;
  readonly tasks: number;
  /** The task that was asked about. */
  readonly task: TaskDescription | undefined;
  /** Offers that the framework could start the task with now; the first `MAX_FITTING_OFFERS`. */
  readonly fittingOffers: readonly FittingOffer[];
  /** What became of its offers so far. */
  readonly answers: OfferAnswers;
  /** What the allocator decided; undefined for a removed framework. */
  readonly allocation: AllocationExplanation | undefined;
}

const SUMMARIES: Readonly<Record<FrameworkState, string>> = {
  active: 'the framework is connected; the allocator decides what it is offered',
  disconnected:
    'the framework is not connected: it is removed when its failover timeout has passed',
  recovered: 'the framework has not subscribed since this master started',
  removed: 'the framework was removed: it has to subscribe without an id',
};

/**
 * Explains a framework; undefined when the master has never heard of it.
 * @param text its id, or its name if no other framework that is not removed has the same.
 * @throws PlateauError `INVALID_MESSAGE` naming the field that is not valid.
 */
export function explainFramework(
  context: MasterContext,
  text: string,
  { role, task: description }: WhyQuestion = {},
): FrameworkExplanation | undefined {
  const framework = findFramework(context, text);
  if (framework === undefined) return undefined;
  const { state, roles } = framework;
  if (role !== undefined && !roles.includes(role)) {
    const list = roles.join(', ');
    throw invalid(`role '${role}' is none of framework ${framework.id}: it is in ${list}`);
  }
  const task = description === undefined ? undefined : new DescribedTask(description);
  return {
    frameworkId: framework.id,
    name: framework.info.name,
    state,
    summary: SUMMARIES[state],
    roles,
    suppressedRoles: [...framework.suppressedRoles],
    outstandingOffers: framework.offers.size,
    tasks: framework.tasks.size,
    task: description,
    fittingOffers: task === undefined ? [] : fittingOffers(context, framework, { role, task }),
    answers: framework.answers.read(context.world.clock.now()),
    allocation:
      state === 'removed'
        ? undefined
        : context.allocator.explain(framework.id, { role, task, offered: offeredOf(context) }),
  };
}

function findFramework({ cluster }: MasterContext, text: string): Framework | undefined {
  const frameworkId = id<'FrameworkId'>(text);
  const known =
    cluster.frameworks.get(frameworkId) ??
    [...cluster.completedFrameworks].find((one) => one.id === frameworkId);
  if (known !== undefined) return known;
  const named = [...cluster.frameworks.values()].filter(({ info }) => info.name === text);
  if (named.length > 1) {
    const ids = named.slice(0, MAX_FITTING_OFFERS).map((one) => one.id);
    const list = `${ids.join(', ')}${named.length > ids.length ? ', …' : ''}`;
    throw invalid(`framework: ${named.length} are called '${text}': give one of the ids ${list}`);
  }
  return named[0];
}

/** What a framework holds of an agent as offers. */
function offeredOf({ cluster }: MasterContext): NonNullable<AllocationQuestion['offered']> {
  return (frameworkId, agentId) => {
    let sum = Resources.EMPTY;
    for (const offer of cluster.agents.get(agentId)?.offers ?? []) {
      if (offer.frameworkId === frameworkId) sum = sum.plus(offer.resources);
    }
    return sum;
  };
}

/** Offers of an agent may be used together if they are of one role. */
function fittingOffers(
  context: MasterContext,
  framework: Framework,
  { role, task }: { readonly role: string | undefined; readonly task: DescribedTask },
): FittingOffer[] {
  const groups = new Map<string, OutstandingOffer[]>();
  for (const offer of framework.offers.values()) {
    if (role !== undefined && offer.role !== role) continue;
    const key = `${offer.agentId} ${offer.role}`;
    groups.set(key, [...(groups.get(key) ?? []), offer]);
  }
  const found: FittingOffer[] = [];
  for (const offers of groups.values()) {
    if (found.length >= MAX_FITTING_OFFERS) break;
    const one = fitting(context, offers, task);
    if (one !== undefined) found.push(one);
  }
  return found;
}

function fitting(
  { cluster }: MasterContext,
  offers: readonly OutstandingOffer[],
  task: DescribedTask,
): FittingOffer | undefined {
  const [first] = offers;
  const agent = first === undefined ? undefined : cluster.agents.get(first.agentId);
  if (first === undefined || agent === undefined) return undefined;
  if (!task.takes(agent.info, first.role)) return undefined;
  const alone = offers.find(({ resources }) => task.wanted.fits(resources));
  const all = Resources.sum(offers.map(({ resources }) => resources));
  if (alone === undefined && !task.wanted.fits(all)) return undefined;
  const used = alone === undefined ? offers : [alone];
  const { agentId, role } = first;
  return { offerIds: used.map((one) => one.id), agentId, hostname: agent.info.hostname, role };
}

function invalid(message: string): PlateauError {
  return new PlateauError('INVALID_MESSAGE', message);
}
