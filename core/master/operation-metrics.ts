/** How many operations of each type came to which state, under the names of Mesos. */
import type { OfferOperationType, OperationState } from '../api/index.js';

/** The types that are counted: those that convert resources. */
const TYPES: readonly OfferOperationType[] = [
  'RESERVE',
  'UNRESERVE',
  'CREATE',
  'DESTROY',
  'GROW_VOLUME',
  'SHRINK_VOLUME',
  'CREATE_DISK',
  'DESTROY_DISK',
];

const STATES: readonly OperationState[] = [
  'OPERATION_PENDING',
  'OPERATION_RECOVERING',
  'OPERATION_UNREACHABLE',
  'OPERATION_FINISHED',
  'OPERATION_FAILED',
  'OPERATION_ERROR',
  'OPERATION_DROPPED',
  'OPERATION_GONE_BY_OPERATOR',
];

/** Counts states; how many are pending is looked up when the figures are read. */
export class OperationCounts {
  readonly #counts = new Map<string, number>();

  /** An operation has come to a state. */
  count(type: OfferOperationType | undefined, state: OperationState): void {
    const key = `${type}/${state}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** All figures, zeros included. `pending` tells how many of a type the agents have not answered. */
  *entries(pending: (type: OfferOperationType) => number): Iterable<readonly [string, number]> {
    const ofState = new Map<OperationState, number>();
    let all = 0;
    for (const type of TYPES) {
      const name = `master/operations/${type.toLowerCase()}`;
      let ofType = 0;
      for (const state of STATES) {
        const value =
          state === 'OPERATION_PENDING'
            ? pending(type)
            : (this.#counts.get(`${type}/${state}`) ?? 0);
        yield [`${name}/${shortName(state)}`, value];
        ofType += value;
        ofState.set(state, (ofState.get(state) ?? 0) + value);
      }
      yield [`${name}/total`, ofType];
      all += ofType;
    }
    for (const [state, value] of ofState) yield [`master/operations/${shortName(state)}`, value];
    yield ['master/operations/total', all];
  }
}

/** `OPERATION_GONE_BY_OPERATOR` is `gone_by_operator`. */
function shortName(state: OperationState): string {
  return state.slice('OPERATION_'.length).toLowerCase();
}
