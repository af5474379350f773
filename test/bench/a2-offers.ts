/** The benchmarks of Mesos' allocator over a grid of agents and frameworks, as far as they are about offers. */
import type { FrameworkInfoCapabilityType, Resource } from '../../core/api/index.js';
import { Resources } from '../../core/resources/index.js';
import { type Size, isSize, sizeText, sizesOf } from './a2-agents.js';
import type { Bench } from './bench.js';
import { type BenchResult, summarise } from './result.js';
import { Rig, type RigAgent, amounts, fragmentedPorts, portsOf } from './rig.js';

const FOREVER_SECONDS = 2 ** 31;
const ALL_PORTS = '31000-32000';
const PIECES = 16;
/** Rounds of declines beyond which a size stops unless the whole grid is run. */
const DECLINE_ROUNDS = 20;

/** What a benchmark fills the cluster with. */
interface Filling {
  readonly role: string;
  readonly capabilities?: readonly FrameworkInfoCapabilityType[];
  readonly agentOf: (index: number, frameworks: number) => RigAgent;
}

function used(scalars: Readonly<Record<string, number>>): Filling['agentOf'] {
  return (index, frameworks) => ({
    total: amounts({ cpus: 24, mem: 4096, disk: 4096 }, ALL_PORTS),
    used: [[index % frameworks, amounts(scalars, fragmentedPorts(PIECES)).allocatedTo('*')]],
  });
}

const PARTLY_USED: Filling = { role: '*', agentOf: used({ cpus: 16, mem: 2014, disk: 1024 }) };
const LESS_USED: Filling = { role: '*', agentOf: used({ cpus: 16, mem: 1024, disk: 1024 }) };

/** Agents whose used cpus are reserved with labels, one of which no other agent has. */
const LABELLED: Filling = {
  role: 'role1',
  capabilities: ['RESERVATION_REFINEMENT'],
  agentOf(index, frameworks) {
    const same = Array.from({ length: 11 }, (_, label) => ({
      key: `key-${label}`,
      value: 'value',
    }));
    const reserved = [0, 1].map((part): Resource => ({
      name: 'cpus',
      type: 'SCALAR',
      scalar: { value: 8 },
      reservations: [
        {
          type: 'DYNAMIC',
          role: 'role1',
          principal: 'principal1',
          labels: { labels: [...same, { key: 'unique', value: `${index}-${part}` }] },
        },
      ],
    }));
    const cpus = Resources.fromWire(reserved);
    const held = amounts({ mem: 2014, disk: 1024 }, fragmentedPorts(PIECES)).plus(cpus);
    return {
      total: amounts({ cpus: 8, mem: 4096, disk: 4096 }, ALL_PORTS).plus(cpus),
      used: [[index % frameworks, held.allocatedTo('role1')]],
    };
  },
};

function fill(size: Size, { role, capabilities, agentOf }: Filling): Rig {
  const rig = new Rig();
  for (let each = 0; each < size.frameworks; each++) rig.addFramework(role, capabilities);
  for (let each = 0; each < size.agents; each++) rig.addAgent(agentOf(each, size.frameworks));
  return rig;
}

const DECLINED_SIZES: readonly Size[] = [
  { agents: 1_000, frameworks: 50 },
  { agents: 10_000, frameworks: 1_000 },
  { agents: 10_000, frameworks: 3_000 },
];

/** All offers are declined for ever, in round after round. */
export const DECLINE_OFFERS = declineBench('DeclineOffers', PARTLY_USED, DECLINED_SIZES);

/** The same with resources that no two agents have alike. */
export const RESOURCE_LABELS = declineBench('ResourceLabels', LABELLED, DECLINED_SIZES.slice(0, 2));

function declineBench(name: string, filling: Filling, usual: readonly Size[]): Bench {
  return {
    name,
    run: (options) =>
      sizesOf(options, usual).flatMap((size) => {
        const all = 2 * size.frameworks;
        const rounds = options.isFull || size.agents <= 1_000 ? all : Math.min(DECLINE_ROUNDS, all);
        return decline(name, { filling, size, rounds });
      }),
  };
}

function decline(
  name: string,
  given: { readonly filling: Filling; readonly size: Size; readonly rounds: number },
): readonly BenchResult[] {
  const { filling, size, rounds } = given;
  const rig = fill(size, filling);
  const offering: number[] = [];
  const refused: number[] = [];
  for (let round = 0; round < rounds; round++) {
    rig.unsettle();
    const tookMs = rig.run();
    if (rig.outstanding.length > 0) offering.push(tookMs);
    else refused.push(tookMs);
    rig.recover(undefined, FOREVER_SECONDS);
  }
  rig.dispose();
  const isDecline = name === 'DeclineOffers';
  const results = [
    summarise(`${name}, cycle with offers, ${sizeText(size)}`, offering.slice(1), {
      note: `${offering.length} rounds, all offers declined for ever`,
      ...(isDecline && isSize(size, 10_000, 3_000) ? { published: 2_470 } : {}),
    }),
  ];
  if (refused.length === 0) return results;
  const mesos = isDecline && isSize(size, 1_000, 50) ? { mesos: 300 } : {};
  const note = `every agent looked at for every framework, ${size.agents * size.frameworks} filters`;
  return [
    ...results,
    summarise(`${name}, cycle, all filtered, ${sizeText(size)}`, refused, { note, ...mesos }),
  ];
}

const SUPPRESSED_SIZES: readonly Size[] = [
  { agents: 1_000, frameworks: 50 },
  { agents: 10_000, frameworks: 1_000 },
];

/** A fifth of the frameworks more suppresses offers in each of five rounds. */
export const SUPPRESS_OFFERS: Bench = {
  name: 'SuppressOffers',
  run: (options) => sizesOf(options, SUPPRESSED_SIZES).flatMap(suppress),
};

function suppress(size: Size): readonly BenchResult[] {
  const rounds: number[][] = Array.from({ length: 5 }, () => []);
  for (let repetition = -2; repetition < 5; repetition++) {
    const rig = fill(size, LESS_USED);
    rig.run();
    for (let round = 0; round < 5; round++) {
      rig.recover();
      const part = size.frameworks / 5;
      for (const frameworkId of rig.frameworks.slice(round * part, (round + 1) * part)) {
        rig.allocator.suppress(frameworkId, []);
      }
      const tookMs = rig.run();
      if (repetition >= 0) rounds[round]?.push(tookMs);
    }
    rig.dispose();
  }
  const isMeasured = isSize(size, 10_000, 1_000);
  return rounds.map((samples, round) =>
    summarise(`SuppressOffers, ${20 * (round + 1)} % suppressed, ${sizeText(size)}`, samples, {
      mesos: isMeasured ? (round === 4 ? 31 : 420) : undefined,
    }),
  );
}

/** 99 % of the frameworks want nothing. */
export const EXTREME_SUPPRESS_OFFERS: Bench = {
  name: 'ExtremeSuppressOffers',
  run: (options) => sizesOf(options, SUPPRESSED_SIZES).map(extremeSuppress),
};

function extremeSuppress(size: Size): BenchResult {
  const rig = fill(size, LESS_USED);
  for (const frameworkId of rig.frameworks.slice(0, Math.floor(size.frameworks * 0.99))) {
    rig.allocator.suppress(frameworkId, []);
  }
  const samples: number[] = [];
  for (let round = -2; round < 5; round++) {
    const tookMs = rig.run();
    rig.recover();
    if (round >= 0) samples.push(tookMs);
  }
  rig.dispose();
  return summarise(`ExtremeSuppressOffers, ${sizeText(size)}`, samples);
}

const VOLUME_KINDS = ['regular', 'shared', 'mixed'] as const;

/** Reserved agents with a persistent volume each. */
export const PERSISTENT_VOLUMES: Bench = {
  name: 'PersistentVolumes',
  run: (options) =>
    sizesOf(options, SUPPRESSED_SIZES).flatMap((size) =>
      VOLUME_KINDS.map((kind) => volumes(size, kind)),
    ),
};

function volumes(size: Size, kind: (typeof VOLUME_KINDS)[number]): BenchResult {
  const isShared = (index: number): boolean =>
    kind === 'shared' || (kind === 'mixed' && index % 2 === 0);
  const rig = fill(size, {
    role: 'test',
    capabilities: kind === 'regular' ? [] : ['SHARED_RESOURCES'],
    agentOf(index, frameworks) {
      const reservations = [{ type: 'STATIC' as const, role: 'test' }];
      const reserved = (list: readonly Resource[]): Resources =>
        Resources.fromWire(list.map((resource) => ({ ...resource, reservations })));
      const scalar = (name: string, value: number): Resource => ({
        name,
        type: 'SCALAR',
        scalar: { value },
      });
      const volume: Resource = {
        ...scalar('disk', 1024),
        disk: {
          persistence: { id: `volume-${index}` },
          volume: { mode: 'RW', container_path: 'data' },
        },
        ...(isShared(index) ? { shared: {} } : {}),
      };
      return {
        total: reserved([
          scalar('cpus', 24),
          scalar('mem', 4096),
          scalar('disk', 3072),
          portsOf(ALL_PORTS),
          volume,
        ]),
        used: [
          [
            index % frameworks,
            reserved([
              scalar('cpus', 16),
              scalar('mem', 1024),
              scalar('disk', 1024),
              portsOf(fragmentedPorts(PIECES)),
            ]).allocatedTo('test'),
          ],
        ],
      };
    },
  });
  const samples: number[] = [];
  for (let round = 0; round < 8; round++) {
    const tookMs = rig.run();
    rig.recover();
    if (round >= 2) samples.push(tookMs);
  }
  rig.dispose();
  return summarise(`PersistentVolumes, ${kind}, ${sizeText(size)}`, samples);
}
