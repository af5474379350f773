/** Faults that happen to a simulation: a plan, or what is drawn from its seed. */
import { PlateauError } from '../../core/base/index.js';
import {
  type AppliedFaults,
  FAULT_KINDS,
  type FaultKind,
  type FaultPlan,
  type SimulatedCluster,
  applyFaults,
  drawFaults,
  isFaultKind,
} from '../../core/simulation/index.js';
import { type Duration, durationMs } from '../decisions/index.js';

/** What faults to draw from the seed. */
export interface FaultsToDraw {
  /** All of them begin within this time. */
  readonly for: Duration;
  /** Default: all. */
  readonly kinds?: readonly FaultKind[];
  /** How many of a kind in a minute, in the mean over all seeds that have it. Default 1. */
  readonly intensity?: number;
}

export class Disturbance {
  readonly plan: FaultPlan;
  readonly #applied: AppliedFaults;

  /** @param processes nodes of frameworks, which may be hit. */
  constructor(
    cluster: SimulatedCluster,
    faults: FaultPlan | FaultsToDraw,
    processes: readonly string[],
  ) {
    const { agents, world } = cluster;
    if (isPlan(faults)) checkKinds(faults);
    this.plan = isPlan(faults)
      ? faults
      : drawFaults(world.seed, {
          ...faults,
          durationMs: durationMs(faults.for, 'faults.for'),
          agents: agents.length,
          processes,
        });
    this.#applied = applyFaults(cluster, this.plan);
  }

  /** When everything is healed, in milliseconds since the start. */
  get endMs(): number {
    return this.#applied.endMs;
  }

  get isHealed(): boolean {
    return this.#applied.isHealed;
  }

  /** Nothing more goes wrong, and everything but lost hosts is well again. */
  heal(): void {
    this.#applied.heal();
  }
}

/** @throws PlateauError `INVALID_REQUEST`: a fault that never happens proves nothing. */
function checkKinds(plan: FaultPlan): void {
  for (const [index, { kind }] of plan.entries()) {
    if (isFaultKind(kind)) continue;
    const kinds = Object.keys(FAULT_KINDS).join(', ');
    const message = `fault ${index + 1} is of the kind '${String(kind)}': there are ${kinds}`;
    throw new PlateauError('INVALID_REQUEST', message);
  }
}

function isPlan(faults: FaultPlan | FaultsToDraw): faults is FaultPlan {
  return Array.isArray(faults);
}
