/**
 * The life of a framework: subscribed, failed over to another stream, disconnected, and removed when
 * its failover timeout has passed or it is torn down. Admission is recorded in the registry before
 * the scheduler learns of it, so that a restarted master never meets a framework it must know.
 */
import type { FrameworkInfo, SchedulerCallSubscribe } from '../api/index.js';
import { type FrameworkId, id } from '../base/index.js';
import type { MasterContext } from './context.js';
import { nowSeconds, sendEvent } from './context.js';
import { type Subscription, subscriptionProblem } from './framework-validation.js';
import { Framework } from './framework.js';
import { dropInverseOffers } from './inverse-offers.js';
import { returnOffer } from './offers.js';
import type { SchedulerStream } from './ports.js';
import { frameworkKey, putFramework } from './registry-records.js';
import { removeFramework } from './framework-removal.js';

/** Digits of the number in the id of a framework. */
const FRAMEWORK_ID_DIGITS = 4;

/** SUBSCRIBE: refuses with an ERROR event, or records the framework and opens the stream. */
export function subscribe(
  context: MasterContext,
  call: SchedulerCallSubscribe,
  from: { readonly stream: SchedulerStream; readonly principal: string | undefined },
): void {
  const { stream, principal } = from;
  const given = call.framework_info;
  const subscription = {
    ...call,
    framework_info: { ...given, principal: given.principal ?? principal },
  };
  const isNew = (given.id?.value ?? '') === '';
  context.metrics.count(isNew ? 'messages_register_framework' : 'messages_reregister_framework');
  const problem = subscriptionProblem(context, subscription);
  if (problem !== undefined) {
    refuse(context, stream, problem);
    return;
  }
  const frameworkId = isNew ? nextId(context) : id<'FrameworkId'>(given.id?.value ?? '');
  const info = mergedInfo(context, frameworkId, subscription.framework_info);
  context.pendingStreams.set(stream, frameworkId);
  recordFramework(context, info, () => {
    admit(context, { ...subscription, framework_info: info }, stream);
  });
}

function nextId({ info, next }: MasterContext): FrameworkId {
  const number = String(next.framework++).padStart(FRAMEWORK_ID_DIGITS, '0');
  return id<'FrameworkId'>(`${info.id}-${number}`);
}

/** User and checkpoint of a known framework stay as they were. */
function mergedInfo(
  context: MasterContext,
  frameworkId: FrameworkId,
  given: FrameworkInfo,
): FrameworkInfo {
  const info = { ...given, id: { value: frameworkId } };
  const known = context.cluster.frameworks.get(frameworkId)?.info;
  return known === undefined ? info : { ...info, user: known.user, checkpoint: known.checkpoint };
}

function refuse(context: MasterContext, stream: SchedulerStream, message: string): void {
  context.log.warn('refusing a subscription', { peer: stream.peer, message });
  stream.send({ type: 'ERROR', error: { message } });
  stream.close();
}

/** The framework is recorded: what was checked before the write is checked again. */
function admit(context: MasterContext, subscription: Subscription, stream: SchedulerStream): void {
  const isOpen = context.pendingStreams.delete(stream);
  const frameworkId = id<'FrameworkId'>(subscription.framework_info.id?.value ?? '');
  const known = context.cluster.frameworks.get(frameworkId);
  const problem = subscriptionProblem(context, subscription);
  if (problem !== undefined) {
    restoreRecord(context, frameworkId);
    if (isOpen) refuse(context, stream, problem);
    return;
  }
  if (!isOpen) {
    restoreRecord(context, frameworkId);
    return;
  }
  if (known === undefined) addFramework(context, subscription, stream);
  else resume(context, known, { subscription, stream });
}

/** Undoes the record of a subscription that came to nothing. */
function restoreRecord(context: MasterContext, frameworkId: FrameworkId): void {
  const removed = context.cluster.removedFrameworks.get(frameworkId);
  const known = context.cluster.frameworks.get(frameworkId)?.info;
  if (removed !== undefined) {
    const record = { framework_info: removed.info, state: 'REMOVED' as const };
    const put = putFramework(frameworkId, { ...record, removed_time: nowSeconds(context) });
    context.registry.commit({ puts: [put] });
  } else if (known !== undefined) recordFramework(context, known);
  else if (![...context.pendingStreams.values()].includes(frameworkId)) {
    // Nobody learned of the new id.
    context.registry.commit({ deletes: [frameworkKey(frameworkId)] });
  }
}

/** Writes the record of a framework; `then` runs when it is durable. */
export function recordFramework(
  context: MasterContext,
  info: FrameworkInfo,
  then?: () => void,
): void {
  const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
  const registeredMs =
    context.cluster.frameworks.get(frameworkId)?.registeredMs ?? context.world.clock.now();
  const put = putFramework(frameworkId, {
    framework_info: info,
    state: 'ACTIVE',
    registered_time: registeredMs / 1000,
  });
  context.registry.commit({ puts: [put] }, then);
}

function addFramework(
  context: MasterContext,
  subscription: Subscription,
  stream: SchedulerStream,
): void {
  const info = subscription.framework_info;
  const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
  const framework = new Framework(frameworkId, info, context.config);
  framework.registeredMs = context.world.clock.now();
  framework.suppressedRoles = new Set(subscription.suppressed_roles);
  framework.offerConstraints = subscription.offer_constraints;
  context.cluster.frameworks.set(frameworkId, framework);
  openStream(context, framework, stream);
  const state = {
    info,
    suppressedRoles: [...framework.suppressedRoles],
    active: true,
    offerConstraints: framework.offerConstraints,
  };
  context.allocator.addFramework(frameworkId, state, new Map());
  context.notify({ kind: 'framework-added', frameworkId });
}

/** A known framework subscribes again: it was away, or another scheduler takes over. */
function resume(
  context: MasterContext,
  framework: Framework,
  given: { readonly subscription: Subscription; readonly stream: SchedulerStream },
): void {
  const { subscription, stream } = given;
  const { id: frameworkId } = framework;
  const now = context.world.clock.now();
  const wasActive = framework.stream !== undefined;
  const wasRecovered = framework.state === 'recovered';
  closeFormerStream(context, framework);
  framework.failover?.dispose();
  framework.info = subscription.framework_info;
  framework.suppressedRoles = new Set(subscription.suppressed_roles);
  framework.offerConstraints = subscription.offer_constraints;
  if (framework.registeredMs === undefined) framework.registeredMs = now;
  framework.reregisteredMs = now;
  openStream(context, framework, stream);
  tellAllocator(context, framework);
  if (!wasActive) context.allocator.activateFramework(frameworkId);
  tellAgents(context, framework);
  context.notify({ kind: wasRecovered ? 'framework-added' : 'framework-updated', frameworkId });
}

/** What a known framework says of itself has changed. */
export function tellAllocator({ allocator }: MasterContext, framework: Framework): void {
  const { id: frameworkId, info, suppressedRoles, offerConstraints } = framework;
  allocator.updateFramework(frameworkId, info, [...suppressedRoles], offerConstraints);
}

function closeFormerStream(context: MasterContext, framework: Framework): void {
  const former = framework.stream;
  if (former === undefined) return;
  sendEvent(framework, { type: 'ERROR', error: { message: 'Framework failed over' } });
  former.close();
  dropStream(context, framework);
  dropInverseOffers(context, framework);
  for (const offer of framework.offers.values()) returnOffer(context, offer);
}

/** Binds a stream to a framework and sends what every stream begins with. */
function openStream(context: MasterContext, framework: Framework, stream: SchedulerStream): void {
  framework.stream = stream;
  framework.state = 'active';
  framework.counts.call('SUBSCRIBE');
  context.cluster.streams.set(stream, framework);
  const { heartbeatMs } = context.config;
  sendEvent(framework, {
    type: 'SUBSCRIBED',
    subscribed: {
      framework_id: { value: framework.id },
      heartbeat_interval_seconds: heartbeatMs / 1000,
      master_info: context.info,
    },
  });
  const beat = (): void => sendEvent(framework, { type: 'HEARTBEAT' });
  beat();
  framework.heartbeat = context.timers.every(heartbeatMs, beat);
}

/** Forgets the stream of a framework, without closing it. */
export function dropStream(context: MasterContext, framework: Framework): void {
  framework.heartbeat?.dispose();
  if (framework.stream !== undefined) context.cluster.streams.delete(framework.stream);
  framework.stream = undefined;
}

/** Agents learn of a changed framework and repeat their unacknowledged updates. */
export function tellAgents(context: MasterContext, framework: Framework): void {
  for (const agentId of framework.agentsUsed) {
    context.cluster.agents.get(agentId)?.connection?.send({
      type: 'UPDATE_FRAMEWORK',
      update_framework: { framework_info: framework.info },
    });
  }
}

/** The stream has ended: the framework has its failover timeout to come back. */
export function schedulerDisconnected(context: MasterContext, stream: SchedulerStream): void {
  context.pendingStreams.delete(stream);
  const framework = context.cluster.streams.get(stream);
  if (framework === undefined) return;
  dropStream(context, framework);
  framework.state = 'disconnected';
  dropInverseOffers(context, framework);
  context.allocator.deactivateFramework(framework.id);
  for (const offer of framework.offers.values()) returnOffer(context, offer);
  startFailover(context, framework);
}

/** From now on the framework has its failover timeout to subscribe; then it is removed. */
export function startFailover(context: MasterContext, framework: Framework): void {
  const timeoutMs = (framework.info.failover_timeout ?? 0) * 1000;
  framework.failover = context.timers.after(timeoutMs, () => {
    context.log.info('the failover timeout of a framework has passed', { framework: framework.id });
    removeFramework(context, framework);
  });
}

/** Adds a framework that this master has not seen: from the registry, or from an agent. */
export function addRecoveredFramework(
  context: MasterContext,
  info: FrameworkInfo,
  registeredMs?: number,
): Framework {
  const frameworkId = id<'FrameworkId'>(info.id?.value ?? '');
  const framework = new Framework(frameworkId, info, context.config);
  framework.registeredMs = registeredMs;
  context.cluster.frameworks.set(frameworkId, framework);
  const state = { info, suppressedRoles: [], active: false };
  context.allocator.addFramework(frameworkId, state, new Map());
  startFailover(context, framework);
  return framework;
}
