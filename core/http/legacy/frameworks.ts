/** Frameworks as the pages from before the v1 API show them. */
import { type Task, encodeJson, frameworkRoles, hasCapability } from '../../api/index.js';
import { at } from '../../base/index.js';
import type {
  ExecutorRecord,
  FrameworkSnapshot,
  OutstandingOffer,
  TasksSnapshot,
  WholeFramework,
} from '../../master/index.js';
import { type Resources, legacyObject, legacySum } from '../../resources/index.js';
import { type TextPiece, trimmed } from '../pages/text-store.js';
import {
  keptText,
  listPieces,
  objectText,
  optionalText,
  rendered,
  seconds,
  valueText,
} from './json-text.js';
import { taskTextsOf } from './tasks.js';

/** The text of a framework with what the summary and the full page have in common. */
export const frameworkText = keptText((framework: FrameworkSnapshot): string => {
  const { info, isConnected } = framework;
  return objectText({
    id: valueText(framework.id),
    name: valueText(info.name),
    used_resources: valueText(legacySum(framework.used)),
    offered_resources: valueText(legacySum(offeredTo(framework))),
    capabilities: valueText((info.capabilities ?? []).flatMap(({ type }) => type ?? [])),
    hostname: valueText(info.hostname ?? ''),
    webui_url: valueText(info.webui_url ?? ''),
    active: valueText(isConnected),
    connected: valueText(isConnected),
    recovered: valueText(framework.state === 'recovered'),
  });
});

/** The text of a framework with everything about it, in pieces: it may have very many tasks. */
export function* frameworkPieces({ head, tasks }: WholeFramework): Generator<TextPiece> {
  yield trimmed(frameworkText(head), 0, 1);
  yield ',';
  yield trimmed(ownText(head), 1, 1);
  yield* offerPieces(head);
  yield* taskListPieces(tasks, taskTextsOf(head.framework));
  yield '}';
}

function* offerPieces({ offers, executors }: FrameworkSnapshot): Generator<TextPiece> {
  yield ',"offers":';
  yield* listPieces(rendered(offers, ({ offer }) => offerText(offer)));
  yield ',"executors":';
  yield* listPieces(rendered(executors, executorText));
}

function* taskListPieces(
  { active, unreachable, completed }: TasksSnapshot,
  textOf: (task: Task) => TextPiece,
): Generator<TextPiece> {
  yield ',"tasks":';
  yield* listPieces(rendered(active, textOf));
  yield ',"unreachable_tasks":';
  yield* listPieces(rendered(unreachable, textOf));
  yield ',"completed_tasks":';
  // The newest first: a reader looks for what has just ended.
  yield* listPieces(rendered(newestFirst(completed), textOf));
}

function* newestFirst<T>(items: readonly T[]): Generator<T> {
  for (let index = items.length - 1; index >= 0; index--) yield at(items, index);
}

/** What only the full page shows, but offers, executors and tasks. */
const ownText = keptText((framework: FrameworkSnapshot): string => {
  const { info } = framework;
  return objectText({
    user: valueText(info.user),
    principal: optionalText(info.principal),
    failover_timeout: valueText(info.failover_timeout ?? 0),
    checkpoint: valueText(info.checkpoint ?? false),
    registered_time: valueText(seconds(framework.registeredMs ?? 0)),
    unregistered_time: valueText(seconds(framework.unregisteredMs ?? 0)),
    reregistered_time: timeText(framework.reregisteredMs),
    resources: valueText(legacySum([...framework.used, ...offeredTo(framework)])),
    ...rolesMember(framework),
    labels: optionalText(info.labels?.labels),
    offer_constraints: encodeJson('SchedulerOfferConstraints', framework.offerConstraints ?? {}),
  });
});

function offeredTo({ offers }: FrameworkSnapshot): readonly Resources[] {
  return offers.map(({ offer }) => offer.resources);
}

/** A time in milliseconds as a member, or none. */
export function timeText(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : valueText(seconds(milliseconds));
}

function rolesMember({ info }: FrameworkSnapshot): Record<string, string> {
  const roles = frameworkRoles(info);
  if (hasCapability(info, 'MULTI_ROLE')) return { roles: valueText(roles) };
  return { role: valueText(roles[0] ?? '*') };
}

const offerText = keptText((offer: Readonly<OutstandingOffer>): string =>
  objectText({
    id: valueText(offer.id),
    framework_id: valueText(offer.frameworkId),
    allocation_info: valueText({ role: offer.role }),
    slave_id: valueText(offer.agentId),
    resources: valueText(legacyObject(offer.resources)),
  }),
);

const executorText = keptText(({ info, agentId, frameworkId, resources }: ExecutorRecord): string =>
  objectText({
    executor_id: valueText(info.executor_id.value),
    name: valueText(info.name ?? ''),
    framework_id: valueText(frameworkId),
    command: info.command === undefined ? '{}' : encodeJson('CommandInfo', info.command),
    resources: valueText(legacyObject(resources)),
    role: optionalText(resources.allocationRoles()[0]),
    type: optionalText(info.type),
    source: optionalText(info.source),
    labels: optionalText(info.labels?.labels),
    slave_id: valueText(agentId),
  }),
);
