/**
 * The quota of one role and how much of it is consumed. What a run asks for each agent and role, it
 * reads from fields that are brought up to date whenever the amount changes.
 */
import type { Quantities } from '../resources/index.js';
import { type RoleQuota, quotaVector } from './quota.js';
import { type ScalarNames, type ScalarVector, accumulate } from './scalar-vectors.js';

/** What quota means to a role's own clients, as a run goes along. */
export interface QuotaStanding {
  /** Something of the guarantee is lacking. */
  readonly isUnmet: boolean;
  /**
   * The limits leave less than every minimum of the configuration, so that nothing unreserved is worth
   * offering; never so without minimums.
   */
  readonly isExhausted: boolean;
}

export class QuotaEntry implements QuotaStanding {
  readonly role: string;
  readonly quota: RoleQuota;
  readonly isTopLevel: boolean;
  readonly guarantees: ScalarVector;
  readonly limits: ScalarVector;
  isUnmet = false;
  isExhausted = false;
  #consumed: ScalarVector = new Float64Array(0);
  readonly #minimums: readonly ScalarVector[];

  constructor(role: string, quota: RoleQuota, options: QuotaEntryOptions) {
    const { names, minimums } = options;
    this.role = role;
    this.quota = quota;
    this.isTopLevel = !role.includes('/');
    this.guarantees = quotaVector(quota.guarantees, names, 0);
    this.limits = quotaVector(quota.limits, names, Number.POSITIVE_INFINITY);
    this.#minimums = minimums.map((minimum) => quotaVector(minimum, names, 0));
    this.#update();
  }

  /** What the role's subtree has of its quota. */
  get consumed(): ScalarVector {
    return this.#consumed;
  }

  /** More (1) or less (-1) is consumed. */
  change(amounts: ScalarVector, sign: 1 | -1): void {
    this.#consumed = accumulate(this.#consumed, amounts, sign);
    this.#update();
  }

  /** Nothing is consumed. */
  clear(): void {
    this.#consumed = new Float64Array(0);
    this.#update();
  }

  /** How much of a resource is lacking of the guarantee. */
  unmet(index: number): number {
    return Math.max(0, (this.guarantees[index] ?? 0) - (this.#consumed[index] ?? 0));
  }

  /** How much more of a resource may be held; infinite when it is not limited. */
  room(index: number): number {
    const limit = this.limits[index] ?? Number.POSITIVE_INFINITY;
    return Math.max(0, limit - (this.#consumed[index] ?? 0));
  }

  #update(): void {
    this.isUnmet = false;
    for (let index = 0; index < this.guarantees.length && !this.isUnmet; index++) {
      this.isUnmet = this.unmet(index) > 0;
    }
    this.isExhausted = this.#minimums.length > 0;
    for (const minimum of this.#minimums) {
      if (!this.isExhausted) return;
      this.isExhausted = isShort(minimum, (index) => this.room(index));
    }
  }
}

export interface QuotaEntryOptions {
  readonly names: ScalarNames;
  /** See `AllocatorConfig.minAllocatable`. */
  readonly minimums: readonly Quantities[];
}

/** Whether there is less than the minimum of anything. */
export function isShort(minimum: ScalarVector, amountOf: (index: number) => number): boolean {
  for (let index = 0; index < minimum.length; index++) {
    if ((minimum[index] ?? 0) > amountOf(index)) return true;
  }
  return false;
}
