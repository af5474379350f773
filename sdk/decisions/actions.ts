/**
 * What handlers return: plain data that says what is to be done. The runtime records what must not be
 * lost, and only then speaks to the master. Whatever a decision does not mention is left as it is; an
 * offer that it does not mention is declined.
 */
import type { OfferID, OfferOperation } from '../../core/api/index.js';
import { type Duration } from './duration.js';
import type { Json } from './task-spec.js';

/** What an action needs to know of an offer; `Offer` of the wire and `OfferView` both have it. */
export interface OfferReference {
  readonly id: OfferID;
}

/** What the runtime records of a task before it is launched. */
export interface PlannedTask {
  readonly id: string;
  readonly name: string;
  readonly key?: string | undefined;
  readonly role: string;
  readonly agentId: string;
  readonly hostname: string;
  /** Where the agent serves its API and files, such as `http://10.0.0.7:5051`, as it was at launch. */
  readonly agentUrl?: string | undefined;
  /** Values of what constraints look at, as the agent had them at launch. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly cpus: number;
  readonly memMiB: number;
  readonly ports: readonly number[];
  readonly executorId?: string | undefined;
  readonly data?: Json | undefined;
}

/** Use offers of one agent and role: the operations are done in order. Tasks of LAUNCH are in `tasks` too. */
export interface AcceptAction {
  readonly kind: 'accept';
  readonly offerIds: readonly OfferID[];
  readonly operations: readonly OfferOperation[];
  readonly tasks: readonly PlannedTask[];
  /** For how long what is left is declined; without it the runtime chooses. */
  readonly refuseFor?: Duration;
}

/** Keep offers for later: they are given to `@OnOffers` again, and declined when the time is over. */
export interface HoldAction {
  readonly kind: 'hold';
  readonly offerIds: readonly OfferID[];
  readonly for: Duration;
}

/** Decline offers for a time of the framework's own choice. */
export interface DeclineAction {
  readonly kind: 'decline';
  readonly offerIds: readonly OfferID[];
  readonly for?: Duration;
}

export interface KillAction {
  readonly kind: 'kill';
  readonly taskId: string;
  readonly grace?: Duration;
}

/** Send bytes (base64) to an executor. */
export interface MessageAction {
  readonly kind: 'message';
  readonly agentId: string;
  readonly executorId: string;
  readonly data: string;
}

export interface ShutdownExecutorAction {
  readonly kind: 'shutdown-executor';
  readonly agentId: string;
  readonly executorId: string;
}

/** What the framework would use offers for. */
export interface Want {
  /** What it is for: a later want of the same name replaces it. */
  readonly name: string;
  /** How many; 0 takes the want back. */
  readonly count: number;
  /** Role whose offers are wanted. Default: all roles of the framework. */
  readonly role?: string;
  readonly cpus?: number;
  readonly memMiB?: number;
}

/**
 * Says what offers are wanted for. With wants, the roles that none of them names are suppressed; `[]`
 * suppresses all. Until a framework has said anything, it wants offers.
 */
export interface WantAction {
  readonly kind: 'want';
  /** `all`: replaces every want so far; `some`: only those of the same names. */
  readonly replaces: 'all' | 'some';
  readonly wants: readonly Want[];
}

/** Call `@OnOffers` when the time is over, though nothing else has happened: something waits for that long. */
export interface WakeAction {
  readonly kind: 'wake';
  readonly after: Duration;
}

/** Promise to leave agents before their maintenance, or refuse to. */
export interface MaintenanceAction {
  readonly kind: 'accept-maintenance' | 'decline-maintenance';
  readonly inverseOfferIds: readonly OfferID[];
  readonly refuseFor?: Duration;
}

/** Ask the master for the true states of tasks now; without ids, of all. */
export interface ReconcileAction {
  readonly kind: 'reconcile';
  readonly taskIds?: readonly string[];
}

/** Drop ended tasks from the store, by key: their keys can be run again. */
export interface ForgetAction {
  readonly kind: 'forget';
  readonly taskIds: readonly string[];
}

/** Leave the cluster. `teardown`: all tasks are killed and the framework is over; else they go on. */
export interface StopAction {
  readonly kind: 'stop';
  readonly teardown: boolean;
}

export type Action =
  | AcceptAction
  | HoldAction
  | DeclineAction
  | KillAction
  | MessageAction
  | ShutdownExecutorAction
  | WantAction
  | WakeAction
  | MaintenanceAction
  | ReconcileAction
  | ForgetAction
  | StopAction;

/** Something with actions, such as a `Placement`. */
export interface HasActions {
  readonly actions: readonly Action[];
}

/** What a handler returns: nothing, an action, or several. */
// oxlint-disable-next-line typescript/no-invalid-void-type -- a handler without `return` returns void
export type Decision = void | undefined | Action | HasActions | readonly Decision[];

/** The actions of a decision, in order. */
export function actionsOf(decision: Decision): readonly Action[] {
  if (decision === undefined) return [];
  if (isList(decision)) return decision.flatMap((part) => actionsOf(part));
  return 'actions' in decision ? decision.actions : [decision];
}

function isList(decision: Exclude<Decision, void>): decision is readonly Decision[] {
  return Array.isArray(decision);
}

function idsOf(offers: OfferReference | readonly OfferReference[]): readonly OfferID[] {
  return [offers].flat().map((offer) => offer.id);
}

/** Keeps offers until the time is over or they are rescinded. */
export function hold(
  offers: OfferReference | readonly OfferReference[],
  options: { readonly for: Duration },
): HoldAction {
  return { kind: 'hold', offerIds: idsOf(offers), for: options.for };
}

/** Declines offers. Needed only to choose the time: offers that nobody mentions are declined anyway. */
export function decline(
  offers: OfferReference | readonly OfferReference[],
  options: { readonly for?: Duration } = {},
): DeclineAction {
  return { kind: 'decline', offerIds: idsOf(offers), ...options };
}

/** Ends a task: SIGTERM, then SIGKILL after the grace period. Asked again until it has ended. */
export function kill(
  task: string | { readonly id: string },
  options: { readonly grace?: Duration } = {},
): KillAction {
  return { kind: 'kill', taskId: typeof task === 'string' ? task : task.id, ...options };
}

/** Sends bytes to an executor. Best effort: it may be lost. */
export function message(
  to: { readonly agentId: string; readonly executorId: string },
  data: Uint8Array | string,
): MessageAction {
  const { agentId, executorId } = to;
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  return { kind: 'message', agentId, executorId, data: base64(bytes) };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Adds wants, or replaces those of the same names. */
export function want(...wants: readonly Want[]): WantAction {
  return { kind: 'want', replaces: 'some', wants };
}

/** Wants nothing: offers are suppressed until a decision wants something. */
export function wantNothing(): WantAction {
  return { kind: 'want', replaces: 'all', wants: [] };
}

/** Has `@OnOffers` called again after a while. Of several the soonest counts, and each later call forgets them. */
export function wake(options: { readonly after: Duration }): WakeAction {
  return { kind: 'wake', after: options.after };
}

/** Asks for the true states of tasks. */
export function reconcile(...taskIds: readonly string[]): ReconcileAction {
  return taskIds.length === 0 ? { kind: 'reconcile' } : { kind: 'reconcile', taskIds };
}

/** Drops ended tasks from the store. */
export function forget(...tasks: readonly { readonly id: string }[]): ForgetAction {
  return { kind: 'forget', taskIds: tasks.map((task) => task.id) };
}

/** Leaves the cluster; tasks go on for the failover timeout. */
export function stop(): StopAction {
  return { kind: 'stop', teardown: false };
}

/** Ends the framework and all of its tasks. It can never come back under its id. */
export function teardown(): StopAction {
  return { kind: 'stop', teardown: true };
}

/** Agrees to an inverse offer: the framework will have left the agent in time. */
export function acceptMaintenance(inverse: OfferReference): MaintenanceAction {
  return { kind: 'accept-maintenance', inverseOfferIds: [inverse.id] };
}

/** Refuses an inverse offer; asked again after the time, default 5 s. */
export function declineMaintenance(
  inverse: OfferReference,
  options: { readonly for?: Duration } = {},
): MaintenanceAction {
  const refuse = options.for === undefined ? {} : { refuseFor: options.for };
  return { kind: 'decline-maintenance', inverseOfferIds: [inverse.id], ...refuse };
}
