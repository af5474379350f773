/** Carries a plan of faults out on a simulated cluster, on its virtual clock. */
import type { Disposable } from '../base/index.js';
import { type Fault, type FaultKind, type FaultPlan, endOfPlan } from './faults.js';
import { MASTER_NODE, type SimulatedCluster } from './simulated-cluster.js';

/** So long after the last fault everything is healed: one that has no duration has its time. */
const LAST_MS = 5_000;

/** A plan that is being carried out. */
export interface AppliedFaults {
  /** On the virtual clock: when everything is healed. */
  readonly endMs: number;
  readonly isHealed: boolean;
  /** Ends the plan early: nothing more goes wrong, and everything but lost hosts is well again. */
  heal(): void;
}

/**
 * Lets the faults of a plan happen as virtual time passes, from now on. Each ends after its time, and
 * when the last one is over everything is healed: see `SimulatedCluster.restore`. A fault whose target
 * is not there, is lost or is down already does nothing, so that any part of a plan is a plan.
 */
export function applyFaults(cluster: SimulatedCluster, plan: FaultPlan): AppliedFaults {
  return new RunningPlan(cluster, plan);
}

class RunningPlan implements AppliedFaults {
  readonly endMs: number;
  isHealed = false;
  readonly #cluster: SimulatedCluster;
  readonly #timers: Disposable[];

  constructor(cluster: SimulatedCluster, plan: FaultPlan) {
    const { clock } = cluster.world;
    const durationMs = endOfPlan(plan) + LAST_MS;
    this.#cluster = cluster;
    this.endMs = clock.elapsed() + durationMs;
    this.#timers = plan.flatMap((fault) => {
      let end: (() => void) | undefined;
      const begin = clock.setTimer(fault.atMs, () => {
        end = begins(cluster, fault);
      });
      if (fault.durationMs === undefined) return [begin];
      return [begin, clock.setTimer(fault.atMs + fault.durationMs, () => end?.())];
    });
    this.#timers.push(clock.setTimer(durationMs, () => this.heal()));
  }

  heal(): void {
    if (this.isHealed) return;
    this.isHealed = true;
    for (const timer of this.#timers) timer.dispose();
    this.#cluster.restore();
  }
}

/** Lets a fault begin; returns how it ends. */
function begins(cluster: SimulatedCluster, fault: Fault): (() => void) | undefined {
  return BEGINNINGS[fault.kind](cluster, fault);
}

type Beginning = (cluster: SimulatedCluster, fault: Fault) => (() => void) | undefined;

const BEGINNINGS: Readonly<Record<FaultKind, Beginning>> = {
  'slow-network': (cluster, { target, amount = 0 }) => {
    cluster.slowNetwork(target, amount);
    return () => cluster.slowNetwork(target, 0);
  },
  reset: (cluster, { target }) => {
    cluster.cut(target, MASTER_NODE);
    return undefined;
  },
  duplicate: (cluster, { target, amount = 0 }) => {
    cluster.duplicateConnection(target, amount);
    return undefined;
  },
  'half-open': (cluster, { target, direction = 'both' }) => {
    const told = { both: undefined, from: target, to: MASTER_NODE }[direction];
    cluster.halfOpen(target, MASTER_NODE, told);
    return () => cluster.network.mend(target, MASTER_NODE);
  },
  partition: (cluster, { target, direction = 'both' }) => {
    const directions = [
      ...(direction === 'to' ? [] : [[target, MASTER_NODE] as const]),
      ...(direction === 'from' ? [] : [[MASTER_NODE, target] as const]),
    ];
    for (const [from, to] of directions) cluster.partition(from, to, 'one-way');
    return () => {
      for (const [from, to] of directions) cluster.network.unblock(from, to);
    };
  },
  crash: (cluster, { target }) => {
    cluster.crash(target);
    return () => cluster.restart(target);
  },
  depose: (cluster) => {
    cluster.deposeMaster();
    return () => cluster.endDeposition();
  },
  reboot: (cluster, { target }) => {
    cluster.agentNamed(target)?.reboot();
    return () => cluster.restart(target);
  },
  lose: (cluster, { target }) => {
    cluster.agentNamed(target)?.lose();
    return undefined;
  },
  'crash-task': (cluster, { target, amount = 0 }) => {
    const agent = cluster.agentNamed(target);
    if (agent !== undefined) cluster.crashTask(cluster.agents.indexOf(agent), amount);
    return undefined;
  },
  'jump-clock': (cluster, { amount = 0 }) => {
    cluster.jumpClock(amount);
    return undefined;
  },
  'slow-disk': (cluster, { target, amount = 0 }) => {
    cluster.slowDisk(target, amount);
    return () => cluster.slowDisk(target, 0);
  },
  'fail-disk': (cluster, { target }) => {
    cluster.failDisk(target);
    return () => {
      cluster.failDisk(target, false);
      cluster.restart(target);
    };
  },
};
