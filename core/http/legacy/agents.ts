/** Agents as the master's pages from before the v1 API show them. */
import { type AgentInfo, type Resource, encodeJson } from '../../api/index.js';
import type { AbsentAgent, ClusterView } from '../../master/index.js';
import { Resources, legacyAttributes, legacyObject } from '../../resources/index.js';
import { timeText } from './frameworks.js';
import { listText, objectText, valueText } from './json-text.js';

/** An agent of the view. */
export type AgentView =
  ClusterView['agents'] extends ReadonlyMap<unknown, infer Agent> ? Agent : never;

/** Members of an agent that all pages show. */
export function agentBasics(agent: AgentView): Record<string, string | undefined> {
  const { info, total } = agent;
  const isActive = agent.isConnected;
  return {
    id: valueText(agent.id),
    hostname: valueText(info.hostname),
    port: valueText(agent.port),
    attributes: valueText(legacyAttributes(info.attributes ?? [])),
    domain: domainText(info),
    pid: valueText(agent.pid),
    registered_time: timeText(agent.registeredMs),
    reregistered_time: timeText(agent.reregisteredMs),
    resources: valueText(legacyObject(total)),
    used_resources: valueText(legacyObject(agent.usedTotal)),
    offered_resources: valueText(legacyObject(agent.offered)),
    reserved_resources: reservedText(total, (part) => valueText(legacyObject(part))),
    unreserved_resources: valueText(legacyObject(total.unreserved())),
    active: valueText(isActive),
    deactivated: valueText(false),
    version: valueText(agent.version),
    capabilities: valueText(agent.capabilities.flatMap(({ type }) => type ?? [])),
  };
}

/** The text of an agent with the whole description of its resources, as `/slaves` shows it. */
export function agentText(agent: AgentView): string {
  const { total } = agent;
  const used = Resources.sum(agent.used.values());
  const offered = Resources.sum([...agent.offers.values()].map((offer) => offer.resources));
  return objectText({
    ...agentBasics(agent),
    reserved_resources_full: reservedText(total, (part) => resourcesText(part)),
    unreserved_resources_full: resourcesText(total.unreserved()),
    used_resources_full: resourcesText(used),
    offered_resources_full: resourcesText(offered),
  });
}

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
  const texts = members.map(([role, text]) => `${JSON.stringify(role)}:${text}`);
  return `{${texts.join(',')}}`;
}

/** The v1 form of resources, with both the older and the newer fields of reservations. */
export function resourcesText(resources: Resources): string {
  const list: readonly Resource[] = resources.toEndpoint();
  return listText(list.map((resource) => encodeJson('Resource', resource)));
}
