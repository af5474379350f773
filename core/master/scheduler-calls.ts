/** Calls of a subscribed scheduler: who may call, and where each type is handled. */
import { type SchedulerCall, ACCEPTED, type CallAnswer } from '../api/index.js';
import { type StreamId, id } from '../base/index.js';
import { accept } from './accept.js';
import type { MasterContext } from './context.js';
import { removeFramework } from './framework-removal.js';
import { type SchedulerAnswer, revive, suppress, updateFramework } from './framework-update.js';
import type { Framework } from './framework.js';
import { answerInverseOffers } from './inverse-offers.js';
import { killTask, shutdownExecutor } from './kill.js';
import { messageToExecutor } from './messages.js';
import { declineOffers, offerIdsOf } from './offers.js';
import { acknowledgeOperation } from './operation-feedback.js';
import { reconcile, reconcileOperations } from './reconcile.js';
import { acknowledge } from './updates.js';

/** Who calls. */
export interface Caller {
  readonly streamId: StreamId | undefined;
  readonly principal: string | undefined;
}

/** Handles any call but SUBSCRIBE. What goes wrong after 202 is told by events, or not at all. */
export function schedulerCall(
  context: MasterContext,
  call: SchedulerCall,
  caller: Caller,
): SchedulerAnswer {
  const frameworkId = call.framework_id?.value ?? '';
  const framework = context.cluster.frameworks.get(id<'FrameworkId'>(frameworkId));
  if (framework === undefined) {
    return { status: 400, message: `Framework ${frameworkId} cannot be found` };
  }
  const { principal } = caller;
  return callerProblem(framework, caller) ?? handle(context, framework, { ...call, principal });
}

function callerProblem(framework: Framework, caller: Caller): CallAnswer | undefined {
  const { principal } = framework.info;
  if (caller.principal !== undefined && caller.principal !== principal) {
    const message = `Authenticated principal '${caller.principal}' is not that of framework ${framework.id}`;
    return { status: 400, message };
  }
  if (framework.stream === undefined) {
    return { status: 403, message: `Framework ${framework.id} is not subscribed` };
  }
  if (caller.streamId === undefined) {
    return { status: 400, message: "All non-subscribe calls need the 'Mesos-Stream-Id' header" };
  }
  if (caller.streamId !== framework.stream.id) {
    const message = `The 'Mesos-Stream-Id' header is not that of framework ${framework.id}`;
    return { status: 400, message };
  }
  return undefined;
}

type OwnedCall = SchedulerCall & { readonly principal: string | undefined };

type Handler = (context: MasterContext, framework: Framework, call: OwnedCall) => void;

/** Calls that are answered by 202. A missing payload was refused by validation. */
const HANDLERS: Readonly<Partial<Record<NonNullable<SchedulerCall['type']>, Handler>>> = {
  TEARDOWN(context, framework) {
    context.metrics.count('messages_unregister_framework');
    removeFramework(context, framework);
  },
  ACCEPT(context, framework, call) {
    const given = { accept: call.accept ?? {}, principal: call.principal };
    accept(context, framework, given);
  },
  DECLINE(context, framework, { decline }) {
    const offerIds = offerIdsOf(decline?.offer_ids);
    declineOffers(context, framework, { offerIds, filters: decline?.filters });
  },
  REVIVE: (context, framework, call) => revive(context, framework, call.revive?.roles ?? []),
  SUPPRESS: (context, framework, call) => suppress(context, framework, call.suppress?.roles ?? []),
  KILL(context, framework, { kill }) {
    if (kill !== undefined) killTask(context, framework, kill);
  },
  SHUTDOWN(context, framework, { shutdown }) {
    if (shutdown !== undefined) shutdownExecutor(context, framework, shutdown);
  },
  ACKNOWLEDGE(context, framework, call) {
    if (call.acknowledge !== undefined) acknowledge(context, framework, call.acknowledge);
  },
  RECONCILE: (context, framework, call) => reconcile(context, framework, call.reconcile ?? {}),
  RECONCILE_OPERATIONS(context, framework, call) {
    reconcileOperations(context, framework, call.reconcile_operations ?? {});
  },
  MESSAGE(context, framework, { message }) {
    if (message !== undefined) messageToExecutor(context, framework, message);
  },
  ACCEPT_INVERSE_OFFERS(context, framework, { accept_inverse_offers: accepted }) {
    const offerIds = offerIdsOf(accepted?.inverse_offer_ids);
    const filters = accepted?.filters;
    answerInverseOffers(context, framework, { offerIds, filters, status: 'ACCEPT' });
  },
  DECLINE_INVERSE_OFFERS(context, framework, { decline_inverse_offers: declined }) {
    const offerIds = offerIdsOf(declined?.inverse_offer_ids);
    const filters = declined?.filters;
    answerInverseOffers(context, framework, { offerIds, filters, status: 'DECLINE' });
  },
  ACKNOWLEDGE_OPERATION_STATUS(context, framework, call) {
    const given = call.acknowledge_operation_status;
    if (given !== undefined) acknowledgeOperation(context, framework, given);
  },
  // No allocator reads requests: they are taken and have no effect.
  REQUEST: ({ metrics }) => metrics.count('messages_resource_request'),
};

function handle(context: MasterContext, framework: Framework, call: OwnedCall): SchedulerAnswer {
  const { type = 'UNKNOWN', update_framework: update } = call;
  framework.counts.call(type);
  if (type === 'UPDATE_FRAMEWORK' && update !== undefined) {
    return updateFramework(context, framework, update);
  }
  const handler = HANDLERS[type];
  if (handler === undefined) {
    return { status: 501, message: `Calls of type ${type} are not supported` };
  }
  handler(context, framework, call);
  return ACCEPTED;
}
