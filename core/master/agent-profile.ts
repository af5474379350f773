/** Reads what an agent says about itself when it registers. */
import type { AgentInfo, AgentInfoCapability, Resource } from '../api/index.js';
import type { AgentId } from '../base/index.js';
import { Resources, validateResources } from '../resources/index.js';
import { type AgentProfile, DEFAULT_AGENT_PORT } from './agent.js';
import { oversubscriptionProblem } from './oversubscription.js';
import { isAgentRecordable } from './registry-records.js';

/** Agents before this major version do not speak the protocol. */
export const MINIMUM_AGENT_MAJOR_VERSION = 1;

/** Longest version of an agent, in characters. */
export const MAX_VERSION_LENGTH = 255;

/** Capabilities that an agent may announce; there are eight. */
export const MAX_AGENT_CAPABILITIES = 64;

/** The part that REGISTER and REREGISTER have in common. */
export interface AgentPresentation {
  readonly agent_info: AgentInfo;
  readonly version: string;
  readonly capabilities?: readonly AgentInfoCapability[] | undefined;
  readonly checkpointed_resources?: readonly Resource[] | undefined;
  readonly oversubscribed_resources?: readonly Resource[] | undefined;
}

/** Why an agent cannot be admitted, or undefined. */
export function presentationProblem(presentation: AgentPresentation): string | undefined {
  const major = Number.parseInt(presentation.version, 10);
  if (!(major >= MINIMUM_AGENT_MAJOR_VERSION)) {
    return `agent version '${presentation.version}' is too old: 1.0.0 or later is needed`;
  }
  const { agent_info: info, capabilities = [], checkpointed_resources: reserved } = presentation;
  if (!isAgentRecordable(info)) return "'agent_info' is too large to be recorded";
  if (presentation.version.length > MAX_VERSION_LENGTH) return "'version' is too long";
  if (capabilities.length > MAX_AGENT_CAPABILITIES) return "'capabilities' has too many entries";
  return (
    validateResources(info.resources ?? []) ??
    validateResources(reserved ?? []) ??
    oversubscriptionProblem(presentation.oversubscribed_resources ?? [])
  );
}

/** Under which a registration that is retried is recognised. */
export function hostPort(info: AgentInfo): string {
  return `${info.hostname}:${info.port ?? DEFAULT_AGENT_PORT}`;
}

/**
 * The profile of a valid presentation. Reservations that do not fit into what the agent has (it was
 * given less) are left out.
 */
export function profileOf(agentId: AgentId, presentation: AgentPresentation): AgentProfile {
  const { agent_info: info, version, capabilities } = presentation;
  return {
    info: { ...info, id: { value: agentId } },
    version,
    capabilities: capabilities ?? [],
    total: totalOf(info.resources ?? [], presentation.checkpointed_resources ?? []).plus(
      Resources.fromWire(presentation.oversubscribed_resources ?? []).unallocated(),
    ),
  };
}

/** Static resources with dynamic reservations and volumes applied. */
function totalOf(fixed: readonly Resource[], checkpointed: readonly Resource[]): Resources {
  let total = Resources.fromWire(fixed);
  for (const resource of Resources.fromWire(checkpointed).unallocated().toWire()) {
    const base = Resources.fromWire([withoutOperations(resource)]);
    if (total.contains(base)) total = total.minus(base).plus(Resources.fromWire([resource]));
  }
  return total.common();
}

/** What a resource was before it was reserved dynamically or made a volume. */
function withoutOperations(resource: Resource): Resource {
  const { disk } = resource;
  const isVolume = disk?.persistence !== undefined;
  const source = disk?.source;
  return {
    ...resource,
    reservations: resource.reservations?.filter(({ type }) => type !== 'DYNAMIC'),
    disk: isVolume ? (source === undefined ? undefined : { source }) : disk,
    shared: isVolume ? undefined : resource.shared,
  };
}

/** The host part of a peer such as `127.0.0.1:40112` or `[::1]:40112`. */
export function hostOf(peer: string): string {
  const end = peer.lastIndexOf(':');
  const host = end === -1 ? peer : peer.slice(0, end);
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
