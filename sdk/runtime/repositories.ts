/**
 * The stored state of a framework: what its repositories hold in memory, and what of it is not part
 * of a turn yet. Values are written as JSON.
 */
import { PlateauError, errorMessage } from '../../core/base/index.js';
import { checkRecord } from '../../core/store/index.js';
import type { Repository, StoredDefinition } from '../framework/index.js';
import { storedJson } from './stored-json.js';
import type { Changes } from './task-ledger.js';

/** First part of the keys of values. */
export const STATE_PREFIX = 'state/';

/** The key of a value in the store. */
export function stateKey(name: string, key: string): string {
  return `${STATE_PREFIX}${name}/${key}`;
}

/** All repositories of one framework. */
export class Repositories {
  readonly #all: ReadonlyMap<StoredDefinition, StoredRepository>;

  /** @param values what the store held, by name of the repository. */
  constructor(
    definitions: readonly StoredDefinition[],
    values: ReadonlyMap<string, ReadonlyMap<string, unknown>>,
  ) {
    this.#all = new Map(
      definitions.map((definition) => [
        definition,
        new StoredRepository(definition.name, values.get(definition.name) ?? new Map()),
      ]),
    );
  }

  /** Puts the repositories into the properties of the instance. */
  attach(instance: object): void {
    for (const [{ property }, repository] of this.#all) {
      Object.defineProperty(instance, property, {
        value: repository,
        enumerable: true,
        configurable: true,
      });
    }
  }

  get isChanged(): boolean {
    for (const repository of this.#all.values()) if (repository.isChanged) return true;
    return false;
  }

  /** Undoes what was changed since changes were last taken. */
  rollback(): void {
    for (const repository of this.#all.values()) repository.rollback();
  }

  /**
   * What was changed since the last time, to be written.
   * @throws PlateauError `INVALID_STATE` when a value is not JSON or too large for a store; nothing has been taken then.
   */
  takeChanges(): Changes {
    const changes: Changes = { puts: [], deletes: [] };
    for (const repository of this.#all.values()) repository.addChanges(changes);
    for (const repository of this.#all.values()) repository.settle();
    return changes;
  }
}

class StoredRepository implements Repository<unknown> {
  readonly #name: string;
  readonly #values: Map<string, unknown>;
  /** Values before the change, of the keys that were changed; absent ones are `ABSENT`. */
  readonly #before = new Map<string, unknown>();
  #sorted: readonly (readonly [string, unknown])[] | undefined;

  constructor(name: string, values: ReadonlyMap<string, unknown>) {
    this.#name = name;
    this.#values = new Map(values);
  }

  get size(): number {
    return this.#values.size;
  }

  get isChanged(): boolean {
    return this.#before.size > 0;
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  entries(): readonly (readonly [string, unknown])[] {
    this.#sorted ??= [...this.#values].toSorted(([one], [other]) => (one < other ? -1 : 1));
    return this.#sorted;
  }

  values(): readonly unknown[] {
    return this.entries().map(([, value]) => value);
  }

  set(key: string, value: unknown): void {
    this.#remember(key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (!this.#values.has(key)) return;
    this.#remember(key);
    this.#values.delete(key);
  }

  rollback(): void {
    for (const [key, value] of this.#before) {
      if (value === ABSENT) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    this.settle();
  }

  addChanges(changes: Changes): void {
    for (const key of this.#before.keys()) {
      const stored = stateKey(this.#name, key);
      if (this.#values.has(key)) changes.puts.push({ key: stored, value: this.#text(key, stored) });
      else changes.deletes.push(stored);
    }
  }

  settle(): void {
    if (this.#before.size > 0) this.#sorted = undefined;
    this.#before.clear();
  }

  #remember(key: string): void {
    this.#sorted = undefined;
    if (this.#before.has(key)) return;
    this.#before.set(key, this.#values.has(key) ? this.#values.get(key) : ABSENT);
  }

  /** The value as it is stored: refused here, it fails one handler; refused by the store, the framework. */
  #text(key: string, stored: string): string {
    const value = this.#json(key);
    try {
      checkRecord(stored, value);
    } catch (error) {
      throw new PlateauError(
        'INVALID_STATE',
        `${this.#where(key)} cannot be stored: ${errorMessage(error)}. Divide it among several keys.`,
      );
    }
    return value;
  }

  #json(key: string): string {
    try {
      return storedJson(this.#values.get(key));
    } catch (error) {
      throw notJson(this.#where(key), errorMessage(error));
    }
  }

  #where(key: string): string {
    const shown =
      key.length > MAX_SHOWN_KEY_LENGTH ? `${key.slice(0, MAX_SHOWN_KEY_LENGTH)}…` : key;
    return `The value of '${shown}' in the repository '${this.#name}'`;
  }
}

/** Of longer keys, errors show the beginning. */
const MAX_SHOWN_KEY_LENGTH = 64;

const ABSENT = Symbol('absent');

function notJson(where: string, reason: string): PlateauError {
  return new PlateauError(
    'INVALID_STATE',
    `${where} cannot be stored: ${reason}. Use plain objects, lists, texts, numbers and booleans.`,
  );
}
