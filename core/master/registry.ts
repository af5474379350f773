/**
 * The durable part of the master's knowledge, one record per object: admitted, unreachable and gone
 * agents, frameworks and the ids of removed ones, weights. Every write carries the epoch that this
 * master claimed, so that a deposed leader is refused. A write that fails ends the master: it must
 * never go on with state that is not recorded.
 */
import {
  type AgentInfo,
  type FrameworkInfo,
  MESOS_VERSION,
  type MasterInfo,
  type RegistryAgent,
  type RegistryFramework,
  decodeJson,
  encodeJson,
} from '../api/index.js';
import {
  type AgentId,
  type FrameworkId,
  type Store,
  type StoreEntry,
  PlateauError,
  id,
} from '../base/index.js';

/** Version of the layout below; a registry of a newer one is refused. */
export const REGISTRY_FORMAT = 1;

const ROOT = 'registry/';
const MASTER_KEY = `${ROOT}master`;
const AGENTS = `${ROOT}agents/`;
const FRAMEWORKS = `${ROOT}frameworks/`;
const WEIGHTS = `${ROOT}weights/`;

/** Longest role that can have a weight, in characters: keys of a store are bounded. */
export const MAX_WEIGHTED_ROLE_LENGTH = 120;

/** Changes that are written together at most; each may hold a thousand records. */
export const MAX_CHANGES_PER_TRANSACTION = 1_000;

/** What a transaction of the registry changes. */
export interface RegistryChange {
  readonly puts?: readonly RegistryPut[];
  readonly deletes?: readonly string[];
}

/** One record to write. */
export interface RegistryPut {
  readonly key: string;
  readonly value: string;
}

/** Longest record, in characters (they are ASCII): values of a store are bounded. */
export const MAX_RECORD_LENGTH = 1_000_000;

/** Whether what a client sent fits into a record. A write that the store refuses ends the master. */
export function isRecordable(info: FrameworkInfo): boolean {
  return encodeJson('FrameworkInfo', info).length < MAX_RECORD_LENGTH - RECORD_OVERHEAD;
}

/** The same for an agent. */
export function isAgentRecordable(info: AgentInfo): boolean {
  return encodeJson('AgentInfo', info).length < MAX_RECORD_LENGTH - RECORD_OVERHEAD;
}

/** Room for what a record holds beside the info that a client sent. */
const RECORD_OVERHEAD = 10_000;

export function agentKey(agentId: AgentId): string {
  return AGENTS + agentId;
}

export function frameworkKey(frameworkId: FrameworkId): string {
  return FRAMEWORKS + frameworkId;
}

export function putAgent(agentId: AgentId, record: RegistryAgent): RegistryPut {
  return { key: agentKey(agentId), value: encodeJson('RegistryAgent', record) };
}

export function putFramework(frameworkId: FrameworkId, record: RegistryFramework): RegistryPut {
  return { key: frameworkKey(frameworkId), value: encodeJson('RegistryFramework', record) };
}

export function putWeight(role: string, weight: number): RegistryPut {
  return { key: WEIGHTS + role, value: encodeJson('RegistryWeight', { role, weight }) };
}

/** What a former master left. */
export interface RegistryContents {
  readonly agents: ReadonlyMap<AgentId, RegistryAgent>;
  readonly frameworks: ReadonlyMap<FrameworkId, RegistryFramework>;
  readonly weights: ReadonlyMap<string, number>;
}

/** The registry of one master. */
export class Registry {
  readonly #store: Store;
  readonly #onFatal: (error: unknown) => void;
  #epoch: number | undefined;
  #isStopped = false;
  #isWriting = false;
  readonly #waiting: WaitingChange[] = [];

  /** @param onFatal called once, when a write or what followed it failed: the master has to stop. */
  constructor(store: Store, onFatal: (error: unknown) => void) {
    this.#store = store;
    this.#onFatal = onFatal;
  }

  /**
   * Takes the registry over from any former master and reads it.
   * @throws PlateauError of the store, or `WORK_DIR_FORMAT` when a newer version has written it.
   */
  async recover(info: MasterInfo): Promise<RegistryContents> {
    this.#epoch = await this.#store.claimEpoch();
    const contents = readContents(await this.#store.list(ROOT));
    const value = encodeJson('RegistryMaster', { info, format: REGISTRY_FORMAT });
    await this.#store.transact({ epoch: this.#epoch, puts: [{ key: MASTER_KEY, value }] });
    return contents;
  }

  /**
   * Writes, and calls `then` when the change is durable; `then`s run in the order of the commits.
   * Never calls it when the write failed, or when the master was stopped meanwhile. Changes that
   * come while a write is under way are written together by the next one.
   */
  commit(change: RegistryChange, then?: () => void): void {
    if (this.#isStopped) return;
    this.#waiting.push({ change, onDurable: then });
    if (!this.#isWriting) void this.#writeAll();
  }

  /** Changes that are not durable yet. */
  get pendingChanges(): number {
    return this.#waiting.length;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0 && !this.#isStopped) {
        const group = this.#waiting.slice(0, MAX_CHANGES_PER_TRANSACTION);
        // oxlint-disable-next-line no-await-in-loop -- one write at a time keeps them in order
        await this.#store.transact({ epoch: this.#epoch, ...merged(group) });
        this.#waiting.splice(0, group.length);
        for (const { onDurable } of group) if (!this.#isStopped) onDurable?.();
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isWriting = false;
  }

  /** From now on nothing is written and nothing that waits for a write happens. */
  stop(): void {
    this.#isStopped = true;
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#onFatal(error);
  }
}

interface WaitingChange {
  readonly change: RegistryChange;
  readonly onDurable: (() => void) | undefined;
}

/** One change that does what a list of changes does in order: the last word about a key counts. */
function merged(group: readonly WaitingChange[]): RegistryChange {
  const last = new Map<string, string | undefined>();
  for (const { change } of group) {
    for (const key of change.deletes ?? []) last.set(key, undefined);
    for (const { key, value } of change.puts ?? []) last.set(key, value);
  }
  const puts: RegistryPut[] = [];
  const deletes: string[] = [];
  for (const [key, value] of last) {
    if (value === undefined) deletes.push(key);
    else puts.push({ key, value });
  }
  return { puts, deletes };
}

function readContents(entries: readonly StoreEntry[]): RegistryContents {
  const agents = new Map<AgentId, RegistryAgent>();
  const frameworks = new Map<FrameworkId, RegistryFramework>();
  const weights = new Map<string, number>();
  for (const { key, value } of entries) {
    if (key === MASTER_KEY) checkFormat(decodeJson('RegistryMaster', value).format);
    else if (key.startsWith(AGENTS)) {
      agents.set(id<'AgentId'>(key.slice(AGENTS.length)), decodeJson('RegistryAgent', value));
    } else if (key.startsWith(FRAMEWORKS)) {
      const frameworkId = id<'FrameworkId'>(key.slice(FRAMEWORKS.length));
      frameworks.set(frameworkId, decodeJson('RegistryFramework', value));
    } else if (key.startsWith(WEIGHTS)) {
      const { role, weight } = decodeJson('RegistryWeight', value);
      weights.set(role, weight);
    }
  }
  return { agents, frameworks, weights };
}

function checkFormat(format: number): void {
  if (format <= REGISTRY_FORMAT) return;
  throw new PlateauError(
    'WORK_DIR_FORMAT',
    `the registry has format ${format}; this version (Mesos ${MESOS_VERSION}) knows formats up to ` +
      `${REGISTRY_FORMAT}: start the version that wrote it, or use another store`,
    { context: { format } },
  );
}
