/** Frameworks as the pages from before the v1 API show them. */
import { encodeJson } from '../../api/index.js';
import type { ClusterView, ExecutorRecord, OutstandingOffer } from '../../master/index.js';
import { Resources, legacyObject } from '../../resources/index.js';
import { listPieces, listText, objectText, optionalText, seconds, valueText } from './json-text.js';
import { taskText } from './tasks.js';

/** A framework of the view. */
export type FrameworkView =
  ClusterView['frameworks'] extends ReadonlyMap<unknown, infer Framework> ? Framework : never;

/** What the summary and the full page have in common. */
export function frameworkBasics(framework: FrameworkView): Record<string, string> {
  const { info } = framework;
  const isActive = framework.state === 'active';
  return {
    id: valueText(framework.id),
    name: valueText(info.name),
    used_resources: valueText(legacyObject(usedBy(framework))),
    offered_resources: valueText(legacyObject(offeredTo(framework))),
    capabilities: valueText((info.capabilities ?? []).flatMap(({ type }) => type ?? [])),
    hostname: valueText(info.hostname ?? ''),
    webui_url: valueText(info.webui_url ?? ''),
    active: valueText(isActive),
    connected: valueText(isActive),
    recovered: valueText(framework.state === 'recovered'),
  };
}

/** The text of a framework with everything about it, in pieces: it may have very many tasks. */
export function* frameworkPieces(framework: FrameworkView): Generator<string> {
  yield objectText(wholeMembers(framework)).slice(0, -1);
  yield ',"tasks":';
  yield* listPieces(mapped(framework.tasks.values(), (record) => taskText(record.message)));
  yield ',"unreachable_tasks":';
  yield* listPieces(mapped(framework.unreachableTasks.values(), taskText));
  yield ',"completed_tasks":';
  // The newest first: a reader looks for what has just ended.
  yield* listPieces(mapped([...framework.completedTasks].toReversed(), taskText));
  yield '}';
}

/** Everything but the tasks. */
function wholeMembers(framework: FrameworkView): Record<string, string | undefined> {
  const { info } = framework;
  const all = usedBy(framework).plus(offeredTo(framework));
  return {
    ...frameworkBasics(framework),
    user: valueText(info.user),
    principal: optionalText(info.principal),
    failover_timeout: valueText(info.failover_timeout ?? 0),
    checkpoint: valueText(info.checkpoint ?? false),
    registered_time: valueText(seconds(framework.registeredMs ?? 0)),
    unregistered_time: valueText(seconds(framework.unregisteredMs ?? 0)),
    reregistered_time: timeText(framework.reregisteredMs),
    resources: valueText(legacyObject(all)),
    ...rolesMember(framework),
    offers: listText([...framework.offers.values()].map(offerText)),
    executors: listText(executorsOf(framework).map(executorText)),
    labels: optionalText(info.labels?.labels),
    offer_constraints: encodeJson('SchedulerOfferConstraints', framework.offerConstraints ?? {}),
  };
}

function* mapped<T>(items: Iterable<T>, render: (item: T) => string): Generator<string> {
  for (const item of items) yield render(item);
}

/** What the tasks and executors of a framework hold. */
export function usedBy(framework: FrameworkView): Resources {
  return Resources.sum(framework.used.values()).unallocated();
}

/** What the framework is offered. */
export function offeredTo(framework: FrameworkView): Resources {
  const offers = [...framework.offers.values()];
  return Resources.sum(offers.map((offer) => offer.resources)).unallocated();
}

/** A time in milliseconds as a member, or none. */
export function timeText(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : valueText(seconds(milliseconds));
}

function rolesMember(framework: FrameworkView): Record<string, string> {
  const isMultiRole = framework.has('MULTI_ROLE');
  if (isMultiRole) return { roles: valueText(framework.roles) };
  return { role: valueText(framework.roles[0] ?? '*') };
}

function offerText(offer: Readonly<OutstandingOffer>): string {
  return objectText({
    id: valueText(offer.id),
    framework_id: valueText(offer.frameworkId),
    allocation_info: valueText({ role: offer.role }),
    slave_id: valueText(offer.agentId),
    resources: valueText(legacyObject(offer.resources.unallocated())),
  });
}

function executorsOf(framework: FrameworkView): readonly ExecutorRecord[] {
  return [...framework.executors.values()].flatMap((executors) => [...executors.values()]);
}

function executorText({ info, agentId, frameworkId, resources }: ExecutorRecord): string {
  return objectText({
    executor_id: valueText(info.executor_id.value),
    name: valueText(info.name ?? ''),
    framework_id: valueText(frameworkId),
    command: info.command === undefined ? '{}' : encodeJson('CommandInfo', info.command),
    resources: valueText(legacyObject(resources.unallocated())),
    role: optionalText(resources.allocationRoles()[0]),
    type: optionalText(info.type),
    source: optionalText(info.source),
    labels: optionalText(info.labels?.labels),
    slave_id: valueText(agentId),
  });
}
