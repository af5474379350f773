/** What people and programs may look at while a framework runs. */
import type { ConnectionState } from '../framework/index.js';
import { NO_TASKS, type TaskView, type Want } from '../decisions/index.js';
import type { DaemonView } from './daemon-state.js';
import type { DecisionRecord, Explanation } from './decision-log.js';
import type { RetryingView } from './retries.js';
import type { RuntimeCore } from './runtime-core.js';
import { roleOf } from './offers-in-hand.js';

/** An offer that the framework holds. */
export interface HeldOfferView {
  readonly offerId: string;
  readonly agentId: string;
  readonly hostname: string;
  readonly role: string;
}

/** The runtime as it is when it is asked. `tasks` shows what is true at any time. */
export interface RuntimeView {
  readonly connection: ConnectionState;
  readonly isPaused: boolean;
  readonly frameworkId: string | undefined;
  readonly master: string | undefined;
  readonly tasks: TaskView;
  /** Undefined: the framework has not said what it wants. */
  readonly wants: readonly Want[] | undefined;
  /** The newest first. */
  readonly decisions: readonly DecisionRecord[];
  /** By name of the task: why it waits. */
  readonly unplaced: readonly Explanation[];
  readonly heldOffers: readonly HeldOfferView[];
  /** Handlers that have failed and are to be called again. */
  readonly retrying: readonly RetryingView[];
  readonly daemons: readonly DaemonView[];
  /** Tasks that were asked to end and have not. */
  readonly openKills: number;
  /** Operations (RESERVE, CREATE, …) whose outcome is not known. */
  readonly openOperations: number;
  /** Tasks that the master was asked about and has not answered. */
  readonly unreconciled: number;
  /** Turns that wait. */
  readonly queueDepth: number;
  /** Turns that are not durable yet. */
  readonly uncommitted: number;
  readonly counters: Readonly<Record<string, number>>;
}

export function viewOfCore(core: RuntimeCore, daemons: readonly DaemonView[]): RuntimeView {
  const { subscription, ledger, demand, log, hand, kills, reconciliation, outbox } = core.parts;
  const { operations } = core.parts;
  return {
    connection: subscription.state,
    isPaused: core.isPaused,
    frameworkId: core.connection.frameworkId,
    master: core.connection.master,
    tasks: ledger,
    wants: demand.wants,
    decisions: log.last,
    unplaced: log.explanations,
    heldOffers: hand.heldOffers.map((offer) => ({
      offerId: offer.id.value,
      agentId: offer.agent_id.value,
      hostname: offer.hostname,
      role: roleOf(offer),
    })),
    retrying: core.retrying,
    daemons,
    openKills: kills.size,
    openOperations: operations.size,
    unreconciled: reconciliation.unanswered,
    queueDepth: core.queueDepth,
    uncommitted: outbox.length,
    counters: core.counters.read(),
  };
}

/** What there is to see before the stored state has been read. */
export const EMPTY_VIEW: RuntimeView = {
  connection: 'standby',
  isPaused: false,
  frameworkId: undefined,
  master: undefined,
  tasks: NO_TASKS,
  wants: undefined,
  decisions: [],
  unplaced: [],
  heldOffers: [],
  retrying: [],
  daemons: [],
  openKills: 0,
  openOperations: 0,
  unreconciled: 0,
  queueDepth: 0,
  uncommitted: 0,
  counters: {},
};
