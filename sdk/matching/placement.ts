/** From what was placed, and what was not, to the actions of a decision. */
import type { OfferID, TaskInfo } from '../../core/api/index.js';
import {
  type AcceptAction,
  type Action,
  type PlannedTask,
  type TaskRecord,
  type Want,
  kill,
  wake,
} from '../decisions/index.js';
import type { Placement } from './offers.js';
import type { Placed } from './place-tasks.js';
import type { Unplaced } from './refusals.js';
import { plannedTaskOf, taskInfoOf } from './task-info.js';

export interface PlacementParts {
  readonly placed: readonly Placed[];
  readonly unplaced: readonly Unplaced[];
  readonly surplus?: readonly TaskRecord[];
  /** When something that waits is to be looked at again, in milliseconds from now. */
  readonly wakeMs?: number | undefined;
}

/** See `Placement`. */
export function placementOf(parts: PlacementParts): Placement {
  const { placed, unplaced, surplus = [], wakeMs } = parts;
  const actions: Action[] = [
    ...acceptsOf(placed),
    ...surplus.map((task) => kill(task)),
    { kind: 'want', replaces: 'all', wants: wantsOf(parts) },
  ];
  if (wakeMs !== undefined) actions.push(wake({ after: Math.ceil(wakeMs) }));
  return { placed, unplaced, surplus, actions };
}

/** One for each offer, with all of its tasks in one operation. */
function acceptsOf(placed: readonly Placed[]): readonly AcceptAction[] {
  const byOffer = new Map<OfferID, { readonly infos: TaskInfo[]; readonly tasks: PlannedTask[] }>();
  for (const one of placed) {
    const info = taskInfoOf(one);
    const planned = plannedTaskOf(one);
    const launch = byOffer.get(one.view.id);
    if (launch === undefined) byOffer.set(one.view.id, { infos: [info], tasks: [planned] });
    else {
      launch.infos.push(info);
      launch.tasks.push(planned);
    }
  }
  return [...byOffer].map(([offerId, { infos, tasks }]) => ({
    kind: 'accept',
    offerIds: [offerId],
    operations: [{ type: 'LAUNCH', launch: { task_infos: infos } }],
    tasks,
  }));
}

/** Reasons that no offer can help with: they wait for time, or for other tasks. */
const NO_HELP: ReadonlySet<string> = new Set(['BACKOFF', 'PARALLEL', 'ATTEMPTS', 'UNCERTAIN']);

interface OpenWant {
  readonly name: string;
  count: number;
  cpus: number;
  memMiB: number;
  role: string | undefined;
}

/** One for each name of which something is still wanted: how many, and the least that one of them takes. */
function wantsOf({ unplaced }: PlacementParts): readonly Want[] {
  const wants = new Map<string, OpenWant>();
  for (const { spec, count, refusals } of unplaced) {
    if (refusals.every(({ reason }) => NO_HELP.has(reason))) continue;
    const { name, cpus, memMiB, role } = spec;
    const known = wants.get(name);
    if (known === undefined) wants.set(name, { name, count, cpus, memMiB, role });
    else {
      known.count += count;
      known.cpus = Math.min(known.cpus, cpus);
      known.memMiB = Math.min(known.memMiB, memMiB);
      // Different roles: offers of every role are wanted.
      if (known.role !== role) known.role = undefined;
    }
  }
  return [...wants.values()].map(({ role, ...rest }) =>
    role === undefined ? rest : { ...rest, role },
  );
}
