/**
 * What RESERVE, UNRESERVE, CREATE, DESTROY, GROW_VOLUME and SHRINK_VOLUME make of resources: the same
 * amount of something else.
 * The same for schedulers, who act on what they were offered, and operators, who act on what is free;
 * whether the resources can be had is for the caller to find out.
 */
import type { AgentInfoCapability, OfferOperation, Resource } from '../api/index.js';
import {
  type Resize,
  Resources,
  type VolumeContext,
  growVolume,
  popReservation,
  shrinkVolume,
  validateCreate,
  validateDestroy,
  validateReservationUpdate,
  validateReserve,
  validateUnreserve,
  withoutVolumes,
} from '../resources/index.js';
import type { Agent } from './agent.js';

/** On whose behalf an operation is asked for, and where. */
export interface OperationPlace {
  readonly agent: Readonly<Agent>;
  /** The authenticated principal of the caller, if any. */
  readonly principal: string | undefined;
  /** The framework and what it was offered; undefined for an operator. */
  readonly offer:
    | {
        readonly role: string;
        readonly frameworkRoles: readonly string[];
        /** Whether the framework can use volumes that are shared. */
        readonly canShare: boolean;
        /** Whether it understands reservations on top of others. */
        readonly canRefine: boolean;
      }
    | undefined;
}

/** What an operation changes, or why it is not valid. */
export type Conversion =
  | { readonly problem: string }
  | { readonly problem: undefined; readonly from: Resources; readonly to: Resources };

/** What an operation would change; both sides are bound to the role of the offer, if there is one. */
export function convert(operation: OfferOperation, place: OperationPlace): Conversion {
  switch (operation.type) {
    case 'RESERVE':
      return reserve(operation.reserve, place);
    case 'UNRESERVE':
      return unreserve(operation.unreserve, place);
    case 'CREATE':
      return create(operation.create, place);
    case 'DESTROY':
      return destroy(operation.destroy, place);
    case 'GROW_VOLUME':
      return grow(operation.grow_volume, place);
    case 'SHRINK_VOLUME':
      return shrink(operation.shrink_volume, place);
    default:
      return { problem: `operations of type ${operation.type ?? 'UNKNOWN'} convert nothing` };
  }
}

function reserve(payload: OfferOperation['reserve'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'reserve' is not set" };
  const { source = [], resources = [] } = payload;
  const { offer, principal } = place;
  const context = {
    principal,
    allocationRole: offer?.role,
    frameworkRoles: offer?.frameworkRoles,
  };
  if (source.length > 0) {
    if (offer !== undefined) {
      return { problem: "'reserve.source' is for operators; a scheduler unreserves first" };
    }
    const problem =
      validateReservationUpdate(source, resources, context) ?? stackProblem(resources, place);
    if (problem !== undefined) return { problem };
    return { problem, from: bound(source, place), to: bound(resources, place) };
  }
  const problem = validateReserve(resources, context) ?? stackProblem(resources, place);
  if (problem !== undefined) return { problem };
  const to = bound(resources, place);
  return { problem, from: popReservation(to), to };
}

/** Why agent or framework would not understand whom resources are reserved for, or undefined. */
function stackProblem(
  list: readonly Resource[],
  { agent, offer }: OperationPlace,
): string | undefined {
  const { items } = Resources.fromWire(list);
  const can = (wanted: AgentInfoCapability['type']): boolean =>
    agent.capabilities.some(({ type }) => type === wanted);
  const refined = items.find(({ reservations }) => reservations.length > 1);
  if (refined !== undefined) {
    const what = `resource '${refined.name}' would have a reservation on top of another`;
    if (offer?.canRefine === false) {
      return `${what}, which needs the capability RESERVATION_REFINEMENT of the framework`;
    }
    if (!can('RESERVATION_REFINEMENT')) return `${what}, which agent ${agent.id} cannot have`;
  }
  const nested = items.find(({ role }) => role.includes('/'));
  if (nested === undefined || can('HIERARCHICAL_ROLE')) return undefined;
  return `agent ${agent.id} cannot reserve for the nested role '${nested.role}'`;
}

function unreserve(payload: OfferOperation['unreserve'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'unreserve' is not set" };
  const { resources = [] } = payload;
  const problem = validateUnreserve(resources);
  if (problem !== undefined) return { problem };
  const from = bound(resources, place);
  return { problem, from, to: popReservation(from) };
}

function create(payload: OfferOperation['create'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'create' is not set" };
  const { volumes = [] } = payload;
  const problem = validateCreate(volumes, volumeContext(place));
  if (problem !== undefined) return { problem };
  const to = bound(volumes, place);
  return { problem, from: withoutVolumes(to), to };
}

function destroy(payload: OfferOperation['destroy'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'destroy' is not set" };
  const { volumes = [] } = payload;
  const problem = validateDestroy(volumes, volumeContext(place));
  if (problem !== undefined) return { problem };
  const from = bound(volumes, place);
  return { problem, from, to: withoutVolumes(from) };
}

function grow(payload: OfferOperation['grow_volume'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'grow_volume' is not set" };
  return resize(growVolume(payload.volume, payload.addition), place);
}

function shrink(payload: OfferOperation['shrink_volume'], place: OperationPlace): Conversion {
  if (payload === undefined) return { problem: "'shrink_volume' is not set" };
  return resize(shrinkVolume(payload.volume, payload.subtract.value), place);
}

function resize(resized: Resize, place: OperationPlace): Conversion {
  const { agent } = place;
  if (!agent.capabilities.some(({ type }) => type === 'RESIZE_VOLUME')) {
    return { problem: `agent ${agent.id} cannot resize volumes` };
  }
  if (resized.problem !== undefined) return { problem: resized.problem };
  const { problem, from, to } = resized;
  return { problem, from: bound(from, place), to: bound(to, place) };
}

function volumeContext({ agent, principal, offer }: OperationPlace): VolumeContext {
  return { principal, total: agent.total, used: agent.usedTotal, canShare: offer?.canShare };
}

/** The resources of an operation, bound to the role of the offer or to none. */
function bound(list: readonly Resource[], { offer }: OperationPlace): Resources {
  const resources = Resources.fromWire(list);
  return offer === undefined ? resources.unallocated() : resources.allocatedTo(offer.role);
}

/** Says that what an operation needs is not there. */
export function shortage(needed: Resources, available: Resources): string {
  const isMount = needed.toWire().some(({ disk }) => disk?.source?.type === 'MOUNT');
  const hint = isMount ? '; a disk of type MOUNT is taken as a whole' : '';
  return `${needed.toString()} is needed and ${available.toString()} is available${hint}`;
}
