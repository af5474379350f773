/**
 * Operations on offers (RESERVE, CREATE, …). Each gets an id, is recorded with the turn that decided it, and
 * the master is asked about it after each subscription until its outcome was told. What was told last stays
 * in the record, so that a repetition is known as one; of those whose outcome is known, the oldest are forgotten.
 */
import type {
  OfferOperation,
  OperationState,
  OperationStatus,
  SchedulerCall,
} from '../../core/api/index.js';
import { type CoreContext, clearTimer, setTimer } from './core-context.js';
import { MAX_RECONCILED_PER_CALL, RECONCILE_BASE_MS, RECONCILE_MAX_MS } from './limits.js';
import type { Changes } from './task-ledger.js';

export const OPERATIONS_PREFIX = 'operations/';
export const OPERATIONS_TIMER = 'operations';

/** An operation that was decided. Times are wall times in milliseconds since 1970. */
export interface OperationRecord {
  readonly id: string;
  /** Such as `RESERVE`. */
  readonly type: string;
  readonly agentId: string;
  readonly since: number;
  /** What was told last, and the id of that update. */
  readonly state?: OperationState | undefined;
  readonly updateUuid?: string | undefined;
}

/** Operations with a known outcome that are remembered. */
export const MAX_ENDED_OPERATIONS = 1_000;

/** `repeated`: this very update was dealt with. `no-news`: it says what is known. Only `news` reaches handlers. */
export type OperationVerdict = 'news' | 'repeated' | 'no-news';

/** States after which nothing more is to be heard. */
const OVER: ReadonlySet<OperationState> = new Set([
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
  'OPERATION_DROPPED',
  'OPERATION_GONE_BY_OPERATOR',
  'OPERATION_UNSUPPORTED',
  'OPERATION_UNKNOWN',
]);

/** What the agent itself said at last: nothing that is heard afterwards changes it. */
const FINAL: ReadonlySet<OperationState> = new Set([
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
]);

export class OperationLedger {
  readonly #context: CoreContext;
  readonly #send: (message: SchedulerCall) => void;
  readonly #open = new Map<string, OperationRecord>();
  /** Those with a known outcome, the one that was told longest ago first. */
  readonly #ended = new Map<string, OperationRecord>();
  #changed = new Set<string>();
  /** Decided, and not sent yet: the master cannot know them. */
  readonly #unsent = new Set<string>();
  #waitMs = RECONCILE_BASE_MS;

  constructor(
    context: CoreContext,
    options: {
      readonly stored: readonly OperationRecord[];
      readonly send: (message: SchedulerCall) => void;
    },
  ) {
    this.#context = context;
    this.#send = options.send;
    for (const operation of options.stored) {
      (isOver(operation) ? this.#ended : this.#open).set(operation.id, operation);
    }
  }

  /** Operations whose outcome is not known. */
  get size(): number {
    return this.#open.size;
  }

  ids(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** The operations of an ACCEPT with ids where they lack them; launches have ids of their own. */
  record(operations: readonly OfferOperation[], agentId: string): readonly OfferOperation[] {
    const { world } = this.#context;
    return operations.map((operation) => {
      const { type = 'UNKNOWN' } = operation;
      if (type === 'LAUNCH' || type === 'LAUNCH_GROUP') return operation;
      const id = operation.id?.value ?? `${type.toLowerCase()}.${world.ids.uuid()}`;
      this.#open.set(id, { id, type, agentId, since: world.clock.now() });
      this.#changed.add(id);
      this.#unsent.add(id);
      return { ...operation, id: { value: id } };
    });
  }

  /** Its ACCEPT is on its way. */
  sent(operationId: string): void {
    this.#unsent.delete(operationId);
  }

  /** Something was said about an operation: remembers it, and says whether it is new. */
  note(status: OperationStatus): OperationVerdict {
    const id = status.operation_id?.value;
    if (id === undefined) return 'news';
    const known = this.#open.get(id) ?? this.#ended.get(id);
    const verdict = judge(known, status);
    const uuid = status.uuid?.value;
    if (verdict === 'repeated' || (verdict === 'no-news' && uuid === undefined)) return verdict;
    const { clock } = this.#context.world;
    const {
      type = 'UNKNOWN',
      agentId = status.agent_id?.value ?? '',
      since = clock.now(),
    } = known ?? {};
    const state = verdict === 'news' ? status.state : known?.state;
    this.#put({ id, type, agentId, since, state, updateUuid: uuid ?? known?.updateUuid });
    return verdict;
  }

  #put(record: OperationRecord): void {
    const { id } = record;
    this.#changed.add(id);
    this.#ended.delete(id);
    if (!isOver(record)) {
      this.#open.set(id, record);
      return;
    }
    this.#open.delete(id);
    this.#ended.set(id, record);
    if (this.#open.size === 0) clearTimer(this.#context, OPERATIONS_TIMER);
    if (this.#ended.size <= MAX_ENDED_OPERATIONS) return;
    for (const oldest of this.#ended.keys()) {
      this.#ended.delete(oldest);
      this.#changed.add(oldest);
      return;
    }
  }

  /** What is to be told of an operation that certainly did not reach the master. */
  dropped(operationId: string, message: string): OperationStatus | undefined {
    const operation = this.#open.get(operationId);
    if (operation === undefined) return undefined;
    return {
      operation_id: { value: operationId },
      agent_id: { value: operation.agentId },
      state: 'OPERATION_DROPPED',
      message,
    };
  }

  subscribed(): void {
    this.#waitMs = RECONCILE_BASE_MS;
    this.#ask();
  }

  disconnected(): void {
    clearTimer(this.#context, OPERATIONS_TIMER);
  }

  onTimer(): void {
    this.#waitMs = Math.min(RECONCILE_MAX_MS, this.#waitMs * 2);
    this.#ask();
  }

  /** What has changed since the last time it was taken. */
  takeChanges(): Changes {
    const changes: Changes = { puts: [], deletes: [] };
    for (const id of this.#changed) {
      const key = OPERATIONS_PREFIX + id;
      const operation = this.#open.get(id) ?? this.#ended.get(id);
      if (operation === undefined) changes.deletes.push(key);
      else changes.puts.push({ key, value: JSON.stringify(operation) });
    }
    this.#changed.clear();
    return changes;
  }

  /**
   * What has changed so far is not taken until the function that is returned was called: it belongs to a turn
   * that is not over.
   */
  setAside(): () => void {
    const aside = this.#changed;
    this.#changed = new Set();
    return () => {
      for (const id of aside) this.#changed.add(id);
    };
  }

  /** What has changed is not to be written: the framework is about to end. */
  dropChanges(): void {
    this.#changed.clear();
  }

  /** An agent that works on an operation says so itself; what was lost on the way has to be asked for. */
  #ask(): void {
    const operations = [...this.#open.values()]
      .filter(({ id }) => !this.#unsent.has(id))
      .map(({ id, agentId }) => ({ operation_id: { value: id }, agent_id: { value: agentId } }));
    for (let from = 0; from < operations.length; from += MAX_RECONCILED_PER_CALL) {
      this.#context.counters.count('reconcile_calls');
      this.#send({
        type: 'RECONCILE_OPERATIONS',
        reconcile_operations: {
          operations: operations.slice(from, from + MAX_RECONCILED_PER_CALL),
        },
      });
    }
    if (this.#open.size > 0) setTimer(this.#context, OPERATIONS_TIMER, this.#waitMs);
  }
}

function isOver({ state }: OperationRecord): boolean {
  return state !== undefined && OVER.has(state);
}

function judge(
  known: OperationRecord | undefined,
  { state, uuid }: OperationStatus,
): OperationVerdict {
  if (known?.state === undefined) return 'news';
  if (uuid !== undefined && uuid.value === known.updateUuid) return 'repeated';
  if (state === known.state || FINAL.has(known.state)) return 'no-news';
  // Whoever was told the outcome has no use for the master's not knowing the operation any more.
  return isOver(known) && uuid === undefined ? 'no-news' : 'news';
}
