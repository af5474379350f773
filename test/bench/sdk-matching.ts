/**
 * What a decision of a framework on the SDK takes: from the offers as they came to the actions, in CPU time.
 * Each sample is one round over 1,000 offers of agents with reserved and unreserved resources and ports.
 */
import { type Offer, type Resource, decodeJson, encodeJson } from '../../core/api/index.js';
import { VirtualWorld } from '../../core/base/index.js';
import { NO_TASKS, type TaskSpec, task } from '../../sdk/decisions/index.js';
import { type Offers, offersOf, spreadFitness } from '../../sdk/matching/index.js';
import type { Bench } from './bench.js';
import { type BenchResult, percentile } from './result.js';

const OFFERS = 1_000;
const TASKS = 200;
const WARM_UPS = 100;
const ROUNDS = 1_000;
/** Rounds have the offers of one of these sets. */
const SETS = 8;

function offer(index: number): Offer {
  const allocation = { allocation_info: { role: 'web' } };
  const cpus = (value: number): Resource => ({
    ...allocation,
    name: 'cpus',
    type: 'SCALAR',
    scalar: { value },
  });
  return {
    id: { value: `offer-${index}` },
    framework_id: { value: 'framework' },
    agent_id: { value: `agent-${index}` },
    hostname: `host-${index}.example`,
    allocation_info: { role: 'web' },
    attributes: [{ name: 'rack', type: 'TEXT', text: { value: `r${index % 20}` } }],
    resources: [
      cpus(2 + (index % 7)),
      { ...cpus(1), reservations: [{ type: 'STATIC', role: 'web' }] },
      { ...allocation, name: 'mem', type: 'SCALAR', scalar: { value: 4096 + (index % 5) * 512 } },
      { ...allocation, name: 'disk', type: 'SCALAR', scalar: { value: 10_000 } },
      {
        ...allocation,
        name: 'ports',
        type: 'RANGES',
        ranges: { range: [{ begin: 31_000n, end: 32_000n }] },
      },
    ],
  };
}

const WEB: TaskSpec = { name: 'web', cpus: 0.5, memMiB: 128, command: 'sleep 1000' };

/** By name: what a handler does in the round. */
const DECISIONS: Readonly<Record<string, (offers: Offers) => unknown>> = {
  'nothing fits': (offers) => offers.keep(TASKS, task({ ...WEB, cpus: 64 })).actions,
  'keep 200': (offers) => offers.keep(TASKS, task({ ...WEB })).actions,
  'keep 200, spread, 2 ports each': (offers) =>
    offers.keep(TASKS, task({ ...WEB, ports: 2 }), { fitness: spreadFitness }).actions,
  'keep 200, one a host, even over racks': (offers) =>
    offers.keep(
      TASKS,
      task({
        ...WEB,
        constraints: [
          ['@hostname', 'UNIQUE'],
          ['rack', 'GROUP_BY', '20'],
          ['rack', 'LIKE', 'r[0-9]+'],
        ],
      }),
    ).actions,
  'keep 200, even over hosts': (offers) =>
    offers.keep(TASKS, task({ ...WEB, constraints: [['@hostname', 'GROUP_BY']] })).actions,
  'complete 200 keys': (offers) =>
    offers.complete(
      Array.from({ length: TASKS }, (_, index) =>
        task({ name: 'work', key: String(index), cpus: 1, memMiB: 64, command: 'true' }),
      ),
    ).actions,
  'fit 200 of different sizes': (offers) =>
    offers.fit(
      Array.from({ length: TASKS }, (_, index) =>
        task({ ...WEB, name: `web-${index}`, memMiB: 64 + index }),
      ),
    ).actions,
  'fit 200 of different sizes, a port each, on some racks': (offers) =>
    offers.fit(
      Array.from({ length: TASKS }, (_, index) =>
        task({
          ...WEB,
          name: `web-${index}`,
          memMiB: 64 + index,
          ports: 1,
          constraints: [['rack', 'LIKE', 'r1.*']],
        }),
      ),
    ).actions,
};

/** Runs all rounds; takes some seconds. */
export function benchMatching(): BenchResult[] {
  return Object.entries(DECISIONS).flatMap(([name, decide]) => {
    const samples: number[] = [];
    for (let round = -WARM_UPS; round < ROUNDS; round++) {
      const ms = roundMs(decide, round);
      if (round >= 0) samples.push(ms);
    }
    const figure = `${name}, 1,000 offers`;
    return [
      { name: figure, value: percentile(samples, 0.5), unit: 'ms' },
      { name: `${figure}, p90`, value: percentile(samples, 0.9), unit: 'ms' },
      { name: `${figure}, p99`, value: percentile(samples, 0.99), unit: 'ms' },
    ];
  });
}

/**
 * Offers as the reader of messages makes them, made before: what they leave to the collector would be
 * measured with the rest. Objects written by hand have other shapes, which are slower to read.
 */
const OFFER_SETS = Array.from({ length: SETS }, (_, set) =>
  Array.from({ length: OFFERS }, (__, index) =>
    decodeJson('Offer', encodeJson('Offer', offer(index + set))),
  ),
);

/** Milliseconds of one round. */
function roundMs(decide: (offers: Offers) => unknown, round: number): number {
  const { clock, random, ids } = new VirtualWorld({ seed: `matching-${round}` });
  const offers = OFFER_SETS[(round + WARM_UPS) % SETS] ?? [];
  const beforeMs = performance.now();
  decide(offersOf(offers, { tasks: NO_TASKS, clock, random, ids }));
  return performance.now() - beforeMs;
}

export const SDK_MATCHING: Bench = { name: 'sdk-matching', run: benchMatching };
