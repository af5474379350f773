/**
 * The durable key-value store that the registry of a master, the checkpoint of an agent and the
 * state of a framework stand on. Implementations are in `core/store`; one contract suite runs
 * against all of them.
 */

/** One record. */
export interface StoreEntry {
  readonly key: string;
  readonly value: string;
  /** Changes with every write of the key, and never returns to an earlier number. */
  readonly version: number;
}

/** What must hold for a transaction to be applied: the key has this version; 0: the key is absent. */
export interface StoreCheck {
  readonly key: string;
  readonly version: number;
}

export interface StoreTransaction {
  /** The epoch of the writer, if the store was claimed: a lower one than the store's is refused. */
  readonly epoch?: number | undefined;
  readonly checks?: readonly StoreCheck[];
  readonly puts?: readonly { readonly key: string; readonly value: string }[];
  /** Keys to remove; an absent one is no error. */
  readonly deletes?: readonly string[];
}

/** The part of a store that changes nothing. */
export interface StoreReader {
  /** The record of a key, or undefined. */
  get(key: string): Promise<StoreEntry | undefined>;
  /** All records whose key starts with the prefix, ordered by the bytes of their keys. */
  list(prefix: string): Promise<readonly StoreEntry[]>;
}

/**
 * Small transactional key-value store. Keys are non-empty, `/`-separated texts of at most 512
 * bytes in UTF-8; values are texts of at most 1 MiB unless the implementation states more.
 */
export interface Store extends StoreReader {
  /**
   * Applies all of the transaction or nothing, and resolves when it is durable. Transactions of one
   * caller are applied in the order of the calls; the implementation commits many at once.
   * @throws PlateauError `STORE_CONFLICT` when a check fails, `FENCED` when the epoch is too low,
   *   `STORE_FAILED` when the medium refuses.
   */
  transact(transaction: StoreTransaction): Promise<void>;
  /** Raises the store's epoch by one and returns it: from now on lower epochs are refused. */
  claimEpoch(): Promise<number>;
  /** Waits for pending writes and closes. */
  close(): Promise<void>;
}
