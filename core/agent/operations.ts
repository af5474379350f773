/**
 * Operations with an id, from the master's order to the framework's acknowledgement: each is carried
 * out once, its outcome is on record together with what it changed, and is told to the master after
 * 10 s, 20 s and so on up to every 10 minutes, until it is acknowledged.
 */
import type { LinkMasterMessageApplyOperation, Operation, OperationStatus } from '../api/index.js';
import type { Disposable, FrameworkId, Timers, World } from '../base/index.js';
import { type Batch, type Checkpoint, KEYS } from './checkpoint.js';
import type { AgentConfig } from './config.js';
import type { AgentState } from './state.js';

/** What became of an operation. */
export type OperationOutcome =
  | { readonly state: 'OPERATION_FINISHED' }
  | {
      /** It was tried, or not even tried. */
      readonly state: 'OPERATION_FAILED' | 'OPERATION_DROPPED';
      readonly message: string;
    };

/** An order of the master, without the state that it leads to. */
export type OperationOrder = Pick<LinkMasterMessageApplyOperation, 'operation' | 'converted'>;

export interface OperationsOptions {
  readonly world: World;
  readonly config: AgentConfig;
  readonly timers: Timers;
  readonly checkpoint: Checkpoint;
  readonly state: AgentState;
  /** Hands an outcome to the master; only called between `resume` and `pause`. */
  readonly send: (operation: Operation) => void;
}

export class Operations {
  readonly #options: OperationsOptions;
  /** Ordered, and not on record yet. */
  readonly #ordered = new Set<string>();
  readonly #retries = new Map<string, Disposable>();
  #isFlowing = false;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** Whether an order is new; a master that is not sure repeats it. */
  begin({ operation }: OperationOrder): boolean {
    const uuid = operation.uuid.value;
    if (this.#ordered.has(uuid) || this.#options.state.operations.has(uuid)) return false;
    this.#ordered.add(uuid);
    return true;
  }

  /** Puts the outcome of an order on record, with the batch, and then on its way. */
  finish(batch: Batch, order: OperationOrder, outcome: OperationOutcome): void {
    const { state } = this.#options;
    const latest_status = this.#statusOf(order, outcome);
    const operation = { ...order.operation, latest_status, statuses: [latest_status] };
    const uuid = operation.uuid.value;
    batch.put(KEYS.operation(uuid), 'CheckpointOperation', { operation });
    batch.afterwards(() => {
      this.#ordered.delete(uuid);
      state.operations.set(uuid, operation);
      this.#deliver(uuid);
    });
  }

  /** Takes over an operation from before the restart. */
  restore(operation: Operation): void {
    this.#options.state.operations.set(operation.uuid.value, operation);
  }

  /** Forgets the operation whose status has that uuid, if there is one: it is acknowledged. */
  acknowledge(statusUuid: string): void {
    for (const [uuid, operation] of this.#options.state.operations) {
      if (operation.latest_status.uuid?.value === statusUuid) this.#forget(uuid);
    }
  }

  /** There is a master: tells it everything that is not acknowledged. */
  resume(): void {
    this.#isFlowing = true;
    for (const uuid of this.#options.state.operations.keys()) this.#deliver(uuid);
  }

  /** There is no master: nothing is told until `resume`. */
  pause(): void {
    this.#isFlowing = false;
    for (const retry of this.#retries.values()) retry.dispose();
    this.#retries.clear();
  }

  /** Tells the outcomes of a framework at once: its scheduler may be a new one. */
  resend(frameworkId: FrameworkId): void {
    for (const uuid of this.#of(frameworkId)) this.#deliver(uuid);
  }

  /** Nobody wants to hear of the operations of a framework that was removed. */
  dropFramework(frameworkId: FrameworkId): void {
    for (const uuid of this.#of(frameworkId)) this.#forget(uuid);
  }

  #of(frameworkId: FrameworkId): readonly string[] {
    return [...this.#options.state.operations]
      .filter(([, operation]) => operation.framework_id?.value === frameworkId)
      .map(([uuid]) => uuid);
  }

  #statusOf({ operation, converted }: OperationOrder, outcome: OperationOutcome): OperationStatus {
    const { world, state } = this.#options;
    const isFinished = outcome.state === 'OPERATION_FINISHED';
    return {
      operation_id: operation.info.id,
      state: outcome.state,
      ...(!isFinished && { message: outcome.message }),
      ...(isFinished && converted !== undefined && { converted_resources: converted }),
      uuid: { value: world.ids.uuidBytes() },
      ...(state.agentId !== undefined && { agent_id: { value: state.agentId } }),
    };
  }

  #deliver(uuid: string): void {
    if (this.#isFlowing) this.#attempt(uuid, this.#options.config.statusRetryMinMs);
  }

  #attempt(uuid: string, retryMs: number): void {
    const { config, send, state, timers } = this.#options;
    const operation = state.operations.get(uuid);
    if (operation === undefined) return;
    this.#retries.get(uuid)?.dispose();
    send(operation);
    const next = Math.min(2 * retryMs, config.statusRetryMaxMs);
    this.#retries.set(
      uuid,
      timers.after(retryMs, () => this.#attempt(uuid, next)),
    );
  }

  #forget(uuid: string): void {
    this.#retries.get(uuid)?.dispose();
    this.#retries.delete(uuid);
    this.#options.state.operations.delete(uuid);
    this.#options.checkpoint.deleteLazily([KEYS.operation(uuid)]);
  }
}
