/**
 * Durable first, sent afterwards: turns are gathered while a commit is under way, written together
 * by the next one, and only then are their calls sent, in order.
 */
import type { SchedulerCall } from '../../core/api/index.js';
import type { StoreTransaction } from '../../core/base/index.js';
import type { CoreContext } from './core-context.js';

/** A call that waits for what it stands on to be durable. */
export interface OutgoingCall {
  readonly message: SchedulerCall;
  /** Ids of tasks that the call launches. */
  readonly launched?: readonly string[];
  /** Ids of its other operations. */
  readonly operations?: readonly string[];
  /** Role of the offers that are accepted. */
  readonly role?: string | undefined;
  /** The session outside of which it makes no sense. */
  readonly session?: number | undefined;
}

interface Put {
  readonly key: string;
  readonly value: string;
}

/** What a turn leaves behind. */
export interface Entry {
  readonly puts?: readonly Put[];
  readonly deletes?: readonly string[];
  readonly calls?: readonly OutgoingCall[];
  /** Called when it is durable, after its calls were sent. */
  readonly onDurable?: () => void;
}

interface Batch {
  /** By key: what is put there; undefined: it is deleted. */
  readonly changes: Map<string, Put | undefined>;
  readonly entries: Entry[];
}

export class Outbox {
  readonly #context: CoreContext;
  readonly #epoch: number | undefined;
  readonly #send: (call: OutgoingCall) => void;
  #gathered: Batch = { changes: new Map(), entries: [] };
  #committing: Batch | undefined;
  #commit = 0;

  constructor(
    context: CoreContext,
    options: {
      readonly epoch: number | undefined;
      readonly send: (call: OutgoingCall) => void;
    },
  ) {
    this.#context = context;
    this.#epoch = options.epoch;
    this.#send = options.send;
  }

  /** Entries that are not durable yet. */
  get length(): number {
    return this.#gathered.entries.length + (this.#committing?.entries.length ?? 0);
  }

  add(entry: Entry): void {
    const { changes, entries } = this.#gathered;
    for (const put of entry.puts ?? []) changes.set(put.key, put);
    for (const key of entry.deletes ?? []) changes.set(key, undefined);
    entries.push(entry);
  }

  /** Begins to write what was gathered, unless a commit is under way. */
  flush(): void {
    while (this.#committing === undefined && this.#gathered.entries.length > 0) {
      const batch = this.#gathered;
      this.#gathered = { changes: new Map(), entries: [] };
      if (batch.changes.size === 0) {
        this.#release(batch);
      } else {
        this.#committing = batch;
        this.#commit++;
        this.#context.counters.count('commits');
        const transaction = this.#transaction(batch.changes);
        this.#context.emit({ kind: 'commit', commit: this.#commit, transaction });
      }
    }
  }

  committed(commit: number): void {
    const batch = this.#committing;
    if (batch === undefined || commit !== this.#commit) return;
    this.#committing = undefined;
    this.#release(batch);
  }

  #release(batch: Batch): void {
    for (const { calls = [], onDurable } of batch.entries) {
      for (const call of calls) this.#send(call);
      onDurable?.();
    }
  }

  #transaction(changes: ReadonlyMap<string, Put | undefined>): StoreTransaction {
    const puts: Put[] = [];
    const deletes: string[] = [];
    for (const [key, put] of changes) {
      if (put === undefined) deletes.push(key);
      else puts.push(put);
    }
    return { epoch: this.#epoch, puts, deletes };
  }
}
