/**
 * Decisions about what offers hold: reserving, and persistent volumes. Each is an operation of the ACCEPT
 * of its offer; several in one decision are done in their order, before what is launched after them.
 * Their outcome is told to `@OnOperation`.
 */
import type {
  Label,
  Offer,
  OfferOperation,
  Resource,
  ResourceReservationInfo,
  TaskInfo,
} from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import type { AcceptAction } from '../decisions/index.js';
import type { OfferView } from './offers.js';

/** Amounts of scalar resources. */
export interface Amounts {
  readonly cpus?: number;
  readonly memMiB?: number;
  readonly diskMiB?: number;
  readonly gpus?: number;
  readonly scalars?: Readonly<Record<string, number>>;
}

/** What a reservation is known by: the same has to be given to whatever uses or ends it. */
export interface ReservationOptions {
  readonly principal?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Id of the operation, for `@OnOperation`. Default: one is made. */
  readonly operationId?: string;
}

/** Reserves for the role of the offer what nobody has reserved in it. */
export function reserve(
  view: OfferView,
  amounts: Amounts,
  options: ReservationOptions = {},
): AcceptAction {
  return accept(view, options, {
    type: 'RESERVE',
    reserve: { resources: reserved(view, amounts, options) },
  });
}

/** Gives a reservation, or a part of it, back. Volumes in it have to be destroyed first. */
export function unreserve(
  view: OfferView,
  amounts: Amounts,
  options: ReservationOptions = {},
): AcceptAction {
  const resources = reserved(view, amounts, options);
  return accept(view, options, { type: 'UNRESERVE', unreserve: { resources } });
}

export interface VolumeOptions extends ReservationOptions {
  /** Unique among the volumes of the role on an agent. */
  readonly id: string;
  readonly diskMiB: number;
  /** Where tasks find it, below their sandbox. */
  readonly containerPath: string;
}

/** Makes a persistent volume of disk that is reserved, with these options, in the offer or before in this decision. */
export function createVolume(view: OfferView, options: VolumeOptions): AcceptAction {
  const { id, diskMiB, containerPath, principal } = options;
  const [disk] = reserved(view, { diskMiB }, options);
  if (disk === undefined)
    throw invalid(`volume '${id}': diskMiB is ${diskMiB}, it must be positive`);
  const volume: Resource = {
    ...disk,
    disk: {
      persistence: { id, principal },
      volume: { container_path: containerPath, mode: 'RW' },
    },
  };
  return accept(view, options, { type: 'CREATE', create: { volumes: [volume] } });
}

/**
 * Destroys a persistent volume of the offer, and all data in it.
 * @throws PlateauError `INVALID_DECISION` when the offer has no such volume: a task may use it.
 */
export function destroyVolume(
  view: OfferView,
  id: string,
  options: Pick<ReservationOptions, 'operationId'> = {},
): AcceptAction {
  const volume = findVolume(view.offer, id);
  if (volume === undefined) {
    throw invalid(`the offer of ${view.hostname} has no volume '${id}': a task may use it`);
  }
  return accept(view, options, { type: 'DESTROY', destroy: { volumes: [volume] } });
}

/** Whether an offer has a persistent volume that no task uses. For `where` of a placement. */
export function hasVolume(view: OfferView, id: string): boolean {
  return findVolume(view.offer, id) !== undefined;
}

/**
 * Gives a persistent volume of the offer to a task: for `adapt` of its spec, together with
 * `where: (view) => hasVolume(view, id)`.
 */
export function withVolume(id: string): (info: TaskInfo, offer: Offer) => TaskInfo {
  return (info, offer) => {
    const volume = findVolume(offer, id);
    return volume === undefined
      ? info
      : { ...info, resources: [...(info.resources ?? []), volume] };
  };
}

function findVolume({ resources = [] }: Offer, id: string): Resource | undefined {
  return resources.find(({ disk }) => disk?.persistence?.id === id);
}

function accept(
  view: OfferView,
  { operationId }: Pick<ReservationOptions, 'operationId'>,
  operation: OfferOperation,
): AcceptAction {
  const named =
    operationId === undefined ? operation : { ...operation, id: { value: operationId } };
  return { kind: 'accept', offerIds: [view.id], operations: [named], tasks: [] };
}

/** Amounts as resources that the role of the offer has reserved. */
function reserved(view: OfferView, amounts: Amounts, options: ReservationOptions): Resource[] {
  const { cpus, memMiB, diskMiB, gpus, scalars = {} } = amounts;
  const named = { cpus, mem: memMiB, disk: diskMiB, gpus, ...scalars };
  const reservation = reservationOf(view.role, options);
  const resources: Resource[] = [];
  for (const [name, value] of Object.entries(named)) {
    if (value === undefined || value === 0) continue;
    if (!Number.isFinite(value) || value < 0) {
      throw invalid(`${name} is ${value}, it must be a positive number`);
    }
    resources.push({
      name,
      type: 'SCALAR',
      scalar: { value },
      reservations: [reservation],
      allocation_info: view.offer.allocation_info,
    });
  }
  if (resources.length === 0) throw invalid('no amount is given');
  return resources;
}

function reservationOf(
  role: string,
  { principal, labels = {} }: ReservationOptions,
): ResourceReservationInfo {
  if (role === '*') {
    throw invalid(
      "offers of the role '*' cannot be reserved: give the framework a role of its own",
    );
  }
  const list: Label[] = Object.entries(labels).map(([key, value]) => ({ key, value }));
  return {
    type: 'DYNAMIC',
    role,
    principal,
    labels: list.length === 0 ? undefined : { labels: list },
  };
}

function invalid(problem: string): PlateauError {
  return new PlateauError('INVALID_DECISION', `${problem}.`);
}
