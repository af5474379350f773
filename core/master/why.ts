/** Why a framework is, or is not, offered resources: from the code that decides it. */
import type { AllocationExplanation } from '../allocator/index.js';
import { type FrameworkId, id } from '../base/index.js';
import type { MasterContext } from './context.js';
import type { FrameworkState } from './framework.js';

/** The answer to "why does my framework get nothing?". */
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

/** Explains a framework; undefined when the master has never heard of it. */
export function explainFramework(
  context: MasterContext,
  text: string,
): FrameworkExplanation | undefined {
  const frameworkId = id<'FrameworkId'>(text);
  const { cluster, allocator } = context;
  const framework =
    cluster.frameworks.get(frameworkId) ??
    [...cluster.completedFrameworks].find((one) => one.id === frameworkId);
  if (framework === undefined) return undefined;
  const { state } = framework;
  return {
    frameworkId,
    name: framework.info.name,
    state,
    summary: SUMMARIES[state],
    roles: framework.roles,
    suppressedRoles: [...framework.suppressedRoles],
    outstandingOffers: framework.offers.size,
    tasks: framework.tasks.size,
    allocation: state === 'removed' ? undefined : allocator.explain(frameworkId),
  };
}
