/** Agents as the master's pages from before the v1 API show them. */
import { type AgentInfo, type Resource, encodeJson } from '../../api/index.js';
import type { AbsentAgent, AgentSnapshot } from '../../master/index.js';
import { Resources, legacyAttributes, legacyObject } from '../../resources/index.js';
import { timeText } from './frameworks.js';
import type { TextPiece } from '../pages/text-store.js';
import { joinedPieces, keptText, listText, objectText, valueText } from './json-text.js';

/** The text of an agent with what all pages show. */
export const agentText = keptText((agent: AgentSnapshot): string =>
  objectText({
    id: valueText(agent.id),
    hostname: valueText(agent.info.hostname),
    port: valueText(agent.port),
    attributes: valueText(legacyAttributes(agent.info.attributes ?? [])),
    domain: domainText(agent.info),
    pid: valueText(agent.pid),
    registered_time: timeText(agent.registeredMs),
    reregistered_time: timeText(agent.reregisteredMs),
    ...amountMembers(agent),
    active: valueText(agent.isConnected && agent.deactivation === undefined),
    deactivated: valueText(agent.deactivation !== undefined),
    ...drainMembers(agent),
    version: valueText(agent.version),
    capabilities: valueText(agent.capabilities.flatMap(({ type }) => type ?? [])),
  }),
);

function drainMembers({ deactivation }: AgentSnapshot): Record<string, string | undefined> {
  const drain = deactivation?.drain;
  return {
    drain_info: drain && encodeJson('DrainInfo', drain.info),
    estimated_drain_start_time_seconds: timeText(drain?.startedMs),
  };
}

function amountMembers({ total, usedTotal, offered }: AgentSnapshot): Record<string, string> {
  const all = amountsText(total);
  const isReserved = total.items.some((item) => item.isReserved);
  return {
    resources: all,
    used_resources: amountsText(usedTotal),
    offered_resources: amountsText(offered),
    reserved_resources: isReserved ? reservedText(total, amountsText) : '{}',
    unreserved_resources: isReserved ? amountsText(total.unreserved()) : all,
  };
}

const NO_AMOUNTS = valueText(legacyObject(Resources.EMPTY));

/** The object form of amounts. Most agents are idle, or offered nothing, at most times. */
function amountsText(part: Resources): string {
  return part.items.length === 0 ? NO_AMOUNTS : valueText(legacyObject(part));
}

/** An agent with the whole description of its resources, as `/slaves` shows it. */
export function wholeAgentPieces(agent: AgentSnapshot): Iterable<TextPiece> {
  return joinedPieces(agentText(agent), fullResourcesText(agent));
}

const fullResourcesText = keptText(({ total, used, offers }: AgentSnapshot): string =>
  objectText({
    reserved_resources_full: reservedText(total, (part) => resourcesText(part)),
    unreserved_resources_full: resourcesText(total.unreserved()),
    used_resources_full: resourcesText(Resources.sum(used)),
    offered_resources_full: resourcesText(Resources.sum(offers)),
  }),
);

/** An agent of the registry that has not come back yet. */
export function absentAgentText({ info }: AbsentAgent): string {
  return objectText({
    id: valueText(info.id?.value ?? ''),
    hostname: valueText(info.hostname),
    port: valueText(info.port ?? 0),
    attributes: valueText(legacyAttributes(info.attributes ?? [])),
    resources: valueText(legacyObject(Resources.fromWire(info.resources ?? []))),
  });
}

/** The fault domain of an agent; undefined: it has none. */
export function domainText({ domain }: Pick<AgentInfo, 'domain'>): string | undefined {
  return domain === undefined ? undefined : encodeJson('DomainInfo', domain);
}

/** The text of an object with one member for each role that something is reserved for. */
export function reservedText(total: Resources, render: (part: Resources) => string): string {
  const roles = new Set(total.reserved().items.map((item) => item.role));
  const members = [...roles]
    .toSorted()
    .map((role) => [role, render(total.reserved(role))] as const);
  const texts = members.map(([role, text]) => `${valueText(role)}:${text}`);
  return `{${texts.join(',')}}`;
}

/** The v1 form of resources, with both the older and the newer fields of reservations. */
export function resourcesText(resources: Resources): string {
  const list: readonly Resource[] = resources.toEndpoint();
  return listText(list.map((resource) => encodeJson('Resource', resource)));
}
