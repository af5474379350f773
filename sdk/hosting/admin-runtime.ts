/** The runtime as the admin interface sees it. */
import type { AdminRuntime, AdminView } from '../admin/index.js';
import { NO_TASKS } from '../decisions/index.js';
import type { FrameworkRuntime } from '../runtime/index.js';

/** @param resign gives the place of this copy up. */
export function adminRuntimeOf(runtime: FrameworkRuntime, resign: () => void): AdminRuntime {
  return {
    resign,
    get view() {
      return viewOf(runtime);
    },
    context: runtime.context,
    pause: () => runtime.pause(),
    resume: () => runtime.resume(),
    turn: (run) => runtime.turn(run),
  };
}

function viewOf(runtime: FrameworkRuntime): AdminView {
  const view = runtime.view;
  // Its state is being read.
  if (view === undefined) return NOTHING_YET;
  const { connection, isPaused, frameworkId, tasks, decisions, heldOffers, queueDepth } = view;
  const { retrying, daemons } = view;
  const gauges = {
    open_kills: view.openKills,
    unreconciled_tasks: view.unreconciled,
    uncommitted_turns: view.uncommitted,
    held_offers: heldOffers.length,
    paused: isPaused ? 1 : 0,
    retrying_handlers: retrying.length,
    daemons_running: daemons.filter(({ state }) => state === 'running').length,
    daemons_waiting: daemons.filter(({ state }) => state === 'waiting').length,
  };
  return {
    connection,
    isPaused,
    frameworkId,
    tasks,
    wants: view.wants,
    decisions,
    explanations: view.unplaced,
    heldOffers,
    retrying,
    daemons,
    counters: new Map(Object.entries(view.counters)),
    gauges: new Map(Object.entries(gauges)),
    queued: queueDepth,
  };
}

const NOTHING_YET: AdminView = {
  connection: 'connecting',
  isPaused: false,
  frameworkId: undefined,
  tasks: NO_TASKS,
  wants: undefined,
  decisions: [],
  explanations: [],
  heldOffers: [],
  retrying: [],
  daemons: [],
  counters: new Map(),
  gauges: new Map(),
  queued: 0,
};
