/** Facts of a framework that is well, to be changed by tests. */
import type {
  DoctorFacts,
  FrameworkFacts,
  MasterFacts,
  RuntimeFacts,
  StoreFacts,
  WhyFacts,
} from '../../../../../sdk/hosting/doctor/facts.js';
import type { StateReport } from '../../../../../sdk/hosting/index.js';

export const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

export function framework(change: Partial<FrameworkFacts> = {}): FrameworkFacts {
  return {
    id: 'F1',
    name: 'web',
    state: 'connected',
    url: 'http://h:1',
    failoverTimeoutMs: 24 * HOUR_MS,
    subscribedMs: NOW_MS - HOUR_MS,
    removedMs: undefined,
    ...change,
  };
}

export const AGENTS = { registered: 3, active: 3, deactivated: 0, unreachable: 0 };

export function master(
  frameworks: readonly FrameworkFacts[] = [framework()],
  agents: Partial<typeof AGENTS> = {},
): MasterFacts {
  return { kind: 'answers', frameworks, agents: { ...AGENTS, ...agents } };
}

export function why(change: Partial<WhyFacts> = {}): WhyFacts {
  return { suppressedRoles: [], outstandingOffers: 0, roles: [], ...change };
}

export function role(
  name: string,
  ...reasons: readonly (readonly [reason: string, agents: number])[]
): WhyFacts['roles'][number] {
  return {
    role: name,
    decisions: [],
    reasons: reasons.map(([reason, agents]) => ({
      reason,
      agents,
      meaning: `the meaning of ${reason}`,
      change: `change ${reason}`,
    })),
  };
}

export function runtime(change: Partial<RuntimeFacts> = {}): RuntimeFacts {
  return {
    kind: 'answers',
    url: 'http://h:1',
    connection: 'subscribed',
    isPaused: false,
    wants: [],
    waiting: [],
    heldOffers: 0,
    unreconciled: 0,
    queued: 0,
    kills: [],
    retrying: [],
    daemons: [],
    ...change,
  };
}

export function store(change: Partial<StoreFacts> = {}): StoreFacts {
  return {
    url: 'lmdb:./state',
    problem: undefined,
    frameworkId: 'F1',
    holder: { info: "framework 'web', pid 7 on h", isRunning: true },
    report: undefined,
    ...change,
  };
}

export function report(change: Partial<StateReport> = {}): StateReport {
  return {
    isReady: true,
    isNew: false,
    frameworkId: 'F1',
    registrations: 0,
    tasks: {},
    operations: 0,
    stored: [],
    unclaimed: [],
    problemCount: 0,
    problems: [],
    ...change,
  };
}

/** Connected, and wanting nothing. */
export function facts(change: Partial<DoctorFacts> = {}): DoctorFacts {
  return {
    nowMs: NOW_MS,
    asked: { word: 'web', storedId: undefined },
    master: master(),
    choice: { kind: 'one', framework: framework(), namesakes: [] },
    why: why(),
    admin: runtime(),
    store: undefined,
    ...change,
  };
}
