import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  type Offer,
  type Resource,
  type TaskInfo,
  validateCommandInfo,
  validateId,
} from '../../../core/api/index.js';
import { SeededIds, SeededRandom } from '../../../core/base/index.js';
import { Resources, validateTaskResources } from '../../../core/resources/index.js';
import {
  type Constraint,
  NO_TASKS,
  type TaskRecord,
  type TaskSpec,
  type TaskStateName,
  isEnded,
} from '../../../sdk/decisions/index.js';
import {
  type Offers,
  type PlacedTask,
  type Placement,
  mixFitness,
  offersOf,
  packFitness,
  spreadFitness,
} from '../../../sdk/matching/index.js';
import {
  NOW_MS,
  offer,
  record,
  reserved,
  scalar,
  viewOfTasks,
} from '../../unit/sdk/matching/support.js';

const RACKS = ['r1', 'r2', 'r3'] as const;

const tenths = fc.integer({ min: 0, max: 40 }).map((amount) => amount / 10);

interface AgentFacts {
  readonly cpus: number;
  readonly ownCpus: number;
  readonly mem: number;
  readonly ports: number;
  readonly rack: string | undefined;
  readonly agent: number;
}

const agent: fc.Arbitrary<AgentFacts> = fc.record({
  cpus: tenths,
  ownCpus: tenths,
  mem: fc.integer({ min: 0, max: 512 }),
  ports: fc.integer({ min: 0, max: 6 }),
  rack: fc.option(fc.constantFrom(...RACKS), { nil: undefined }),
  agent: fc.integer({ min: 0, max: 9 }),
});

const cluster = fc.array(agent, { maxLength: 12 }).map((facts) => facts.map(offerOf));

function offerOf(facts: AgentFacts, index: number): Offer {
  const { cpus, ownCpus, mem, ports, rack } = facts;
  const own = ownCpus === 0 ? [] : [reserved(scalar('cpus', ownCpus), 'web')];
  const end = 31_000 + ports - 1;
  return offer(String(index), {
    // Some agents have several offers.
    agent: `agent-${facts.agent}`,
    hostname: `host-${facts.agent}`,
    cpus,
    mem,
    ports: ports === 0 ? [] : [[31_000, end]],
    more: own,
    attributes: rack === undefined ? {} : { rack },
  });
}

const constraint: fc.Arbitrary<Constraint> = fc.constantFrom<Constraint>(
  ['@hostname', 'UNIQUE'],
  ['@hostname', 'MAX_PER', '2'],
  ['rack', 'UNIQUE'],
  ['rack', 'CLUSTER'],
  ['rack', 'CLUSTER', 'r2'],
  ['rack', 'GROUP_BY'],
  ['rack', 'GROUP_BY', '3'],
  ['rack', 'LIKE', 'r[12]'],
  ['rack', 'UNLIKE', 'r[12]'],
  ['rack', 'MAX_PER', '3'],
  ['rack', 'IS', 'r3'],
);

const spec: fc.Arbitrary<TaskSpec> = fc.record({
  name: fc.constant('web'),
  cpus: fc.integer({ min: 1, max: 15 }).map((amount) => amount / 10),
  memMiB: fc.integer({ min: 1, max: 128 }),
  command: fc.constant('true'),
  ports: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constant([31_001, { name: 'http' }] as const)),
  constraints: fc.array(constraint, { maxLength: 2 }),
  preferences: fc.array(fc.record({ constraint }), { maxLength: 2 }),
});

const fitness = fc.constantFrom(
  packFitness,
  spreadFitness,
  mixFitness([packFitness, 1], [spreadFitness, 2]),
  () => 0.5,
);

const STATES: readonly TaskStateName[] = [
  'LAUNCHING',
  'RUNNING',
  'KILLING',
  'FINISHED',
  'FAILED',
  'KILLED',
  'ERROR',
  'LOST',
  'DROPPED',
  'UNREACHABLE',
  'GONE',
  'UNKNOWN',
];

const tasks = fc
  .array(
    fc.record({
      state: fc.constantFrom(...STATES),
      rack: fc.constantFrom(...RACKS),
      host: fc.integer({ min: 0, max: 9 }),
      key: fc.integer({ min: 0, max: 5 }),
      killed: fc.boolean(),
      age: fc.integer({ min: 0, max: 100_000 }),
    }),
    { maxLength: 12 },
  )
  .map((list) =>
    list.map(({ state, rack, host, key, killed, age }, index): TaskRecord =>
      record({
        id: `web.${key}.${index}`,
        key: String(key),
        state,
        agentId: `agent-${host}`,
        hostname: `host-${host}`,
        attributes: { '@hostname': `host-${host}`, rack },
        launchedAt: NOW_MS - 2 * age,
        updatedAt: NOW_MS - age,
        ...(killed && isEnded(state) ? { killedAt: 1 } : {}),
      }),
    ),
  );

function turn(offers: readonly Offer[], known: readonly TaskRecord[] = [], seed = 'seed'): Offers {
  const random = new SeededRandom(seed);
  return offersOf(offers, {
    tasks: known.length === 0 ? NO_TASKS : viewOfTasks(known),
    clock: { now: () => NOW_MS },
    random,
    ids: new SeededIds(random.fork('ids')),
  });
}

function infosByOffer({ actions }: Placement): ReadonlyMap<string, readonly TaskInfo[]> {
  const infos = new Map<string, readonly TaskInfo[]>();
  for (const action of actions) {
    if (action.kind !== 'accept') continue;
    const [offerId] = action.offerIds;
    expect(infos.has(offerId?.value ?? ''), 'one accept for each offer').to.equal(false);
    infos.set(
      offerId?.value ?? '',
      action.operations.flatMap(({ launch }) => launch?.task_infos ?? []),
    );
  }
  return infos;
}

/** What the kernel checks of each task, and that all of an offer together fit into it; gives what is left. */
function expectValid(
  offers: readonly Offer[],
  placement: Placement,
): ReadonlyMap<string, Resources> {
  const infos = infosByOffer(placement);
  const left = new Map<string, Resources>();
  for (const { id, resources = [], agent_id: agentId } of offers) {
    let rest = Resources.fromWire(resources);
    for (const info of infos.get(id.value) ?? []) {
      const taken: readonly Resource[] = info.resources ?? [];
      expect(validateId(info.task_id.value)).to.equal(undefined);
      expect(validateTaskResources(taken)).to.equal(undefined);
      expect(validateCommandInfo(info.command)).to.equal(undefined);
      expect(info.agent_id).to.deep.equal(agentId);
      const bag = Resources.fromWire(taken);
      expect(bag.isEmpty).to.equal(false);
      expect(rest.contains(bag), `${rest.toString()} has ${bag.toString()}`).to.equal(true);
      rest = rest.minus(bag);
    }
    left.set(id.value, rest);
  }
  return left;
}

type Values = Readonly<Record<string, string>>;

/** The rules again, in the plainest words. */
function holds(
  [field, operator, argument]: Constraint,
  values: Values,
  others: readonly Values[],
): boolean {
  const value = values[field];
  if (value === undefined) return operator === 'UNLIKE';
  const known = others.flatMap((one) => one[field] ?? []);
  const count = (of: string): number => known.filter((one) => one === of).length;
  const sizes = [...new Set(known)].map(count);
  switch (operator) {
    case 'UNIQUE':
      return count(value) === 0;
    case 'MAX_PER':
      return count(value) < Number(argument);
    case 'CLUSTER':
      return value === (argument ?? known[0] ?? value);
    case 'GROUP_BY':
      if (sizes.length < Number(argument ?? 0)) return count(value) === 0;
      return sizes.length === 0 || count(value) <= Math.min(...sizes);
    case 'IS':
      return value === argument;
    default:
      return new RegExp(`^(?:${argument})$`).test(value) === (operator === 'LIKE');
  }
}

function allHold(one: TaskSpec, values: Values, others: readonly Values[]): boolean {
  return (one.constraints ?? []).every((rule) => holds(rule, values, others));
}

function valuesOf(placed: readonly PlacedTask[]): readonly Values[] {
  return placed.map(({ view }) => view.attributes);
}

/** Whether what is left of an offer has room for one more, with its ports. */
function hasRoom({ cpus, memMiB, ports = 0 }: TaskSpec, left: Resources): boolean {
  const free = left.items.flatMap((item) => (item.type === 'RANGES' ? item.value : []));
  const size = free.reduce((sum, [begin, end]) => sum + end - begin + 1, 0);
  const isThere = (port: number): boolean =>
    free.some(([begin, end]) => begin <= port && port <= end);
  const fits = typeof ports === 'number' ? size >= ports : size >= ports.length && isThere(31_001);
  return (
    left.scalar('cpus') >= Math.round(cpus * 1000) && left.scalar('mem') >= memMiB * 1000 && fits
  );
}

describe('Matching', () => {
  it('never overdraws an offer, over several calls, and makes tasks that are valid', () => {
    fc.assert(
      fc.property(cluster, fc.array(spec, { maxLength: 4 }), fitness, (offers, specs, fit) => {
        const set = turn(offers);
        const parts = specs.map((one) => set.fit(one, { count: 3, fitness: fit }));
        // As the runtime does: accepts of one offer are joined.
        const joined = new Map<string, TaskInfo[]>();
        for (const part of parts) {
          for (const [id, infos] of infosByOffer(part)) {
            joined.set(id, [...(joined.get(id) ?? []), ...infos]);
          }
        }
        const actions = [...joined].map(([value, infos]) => ({
          kind: 'accept' as const,
          offerIds: [{ value }],
          operations: [{ type: 'LAUNCH' as const, launch: { task_infos: infos } }],
          tasks: [],
        }));
        expectValid(offers, { placed: [], unplaced: [], surplus: [], actions });
      }),
    );
  });

  it('keeps the constraints of each task, and leaves none that fits', () => {
    fc.assert(
      fc.property(cluster, spec, fitness, tasks, (offers, one, fit, known) => {
        const set = turn(offers, known);
        const placement = set.fit(one, { count: 6, fitness: fit });
        const left = expectValid(offers, placement);
        const running = known.filter(({ state }) => !isEnded(state)).map((task) => task.attributes);
        for (const [index, { view, fitness: value }] of placement.placed.entries()) {
          const before = [...running, ...valuesOf(placement.placed.slice(0, index))];
          expect(allHold(one, view.attributes, before)).to.equal(true);
          expect(value).to.be.within(0, 1);
        }
        const missing = 6 - placement.placed.length;
        expect(placement.unplaced.reduce((sum, { count }) => sum + count, 0)).to.equal(missing);
        if (missing === 0) return;
        const all = [...running, ...valuesOf(placement.placed)];
        for (const view of set) {
          const rest = left.get(view.id.value) ?? Resources.EMPTY;
          expect(hasRoom(one, rest) && allHold(one, view.attributes, all)).to.equal(false);
        }
        const refused = placement.unplaced[0]?.refusals.reduce((sum, { offers: n }) => sum + n, 0);
        expect(refused, 'each offer has a reason').to.equal(offers.length);
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same for the same seed', () => {
    fc.assert(
      fc.property(cluster, spec, fitness, fc.string(), (offers, one, fit, seed) => {
        const place = () => turn(offers, [], seed).fit(one, { count: 4, fitness: fit }).actions;
        expect(place()).to.deep.equal(place());
      }),
    );
  });

  it('finds the same best with a heap as by looking at all', () => {
    const plain = (...args: Parameters<typeof packFitness>): number => packFitness(...args);
    fc.assert(
      fc.property(cluster, spec, (offers, one) => {
        const hosts = (fit: typeof packFitness) =>
          turn(offers)
            .fit(one, { count: 6, fitness: fit })
            .placed.map(({ view }) => view.id.value);
        // A fitness that is not known to be local is asked again for each task.
        expect(hosts(packFitness)).to.deep.equal(hosts(plain));
      }),
    );
  });

  it('finds the fullest offer that has room for each of many sizes', () => {
    const plain = spec.map((one) => ({ ...one, constraints: [], preferences: [] }));
    fc.assert(
      fc.property(cluster, fc.array(plain, { minLength: 2, maxLength: 12 }), (offers, specs) => {
        const set = turn(offers);
        for (const one of specs) {
          const wanted = typeof one.ports === 'number' ? one.ports : (one.ports?.length ?? 0);
          const isFixed = typeof one.ports !== 'number' && wanted > 0;
          const suits = [...set].filter((view) => {
            const ports = view.ports(100);
            const hasPorts = ports.length >= wanted && (!isFixed || ports.includes(31_001));
            return view.cpus >= one.cpus && view.memMiB >= one.memMiB && hasPorts;
          });
          const best = Math.max(...suits.map((view) => packFitness(one, view, NO_TASKS)));
          const [placed] = set.fit(one).placed;
          expect(placed === undefined).to.equal(suits.length === 0);
          if (placed !== undefined) expect(placed.fitness).to.be.closeTo(best, 1e-9);
        }
      }),
    );
  });

  it('gives the same reasons for many sizes as for each alone', () => {
    const sized = spec.map(({ name, cpus, memMiB }) => ({ name, cpus, memMiB, command: 'true' }));
    fc.assert(
      fc.property(cluster, fc.array(sized, { minLength: 2, maxLength: 6 }), (offers, specs) => {
        const reasons = (fit: typeof packFitness) =>
          turn(offers)
            .fit(specs, { count: 12, fitness: fit })
            .unplaced.map(({ spec: { cpus, memMiB }, count, refusals }) => {
              const texts = refusals.map((refusal) => JSON.stringify(refusal)).toSorted();
              return [cpus, memMiB, count, ...texts].join(' ');
            });
        const alone = (...args: Parameters<typeof packFitness>): number => packFitness(...args);
        // Of sizes that are alike, those of the wrapped fitness are not joined.
        fc.pre(new Set(specs.map(({ cpus, memMiB }) => `${cpus} ${memMiB}`)).size === specs.length);
        expect(reasons(packFitness)).to.deep.equal(reasons(alone));
      }),
    );
  });

  it('keeps no more than the count, and ends no more than is too much', () => {
    fc.assert(
      fc.property(
        cluster,
        spec,
        tasks,
        fc.integer({ min: 0, max: 8 }),
        (offers, one, known, count) => {
          const { placed, unplaced, surplus } = turn(offers, known).keep(count, one);
          const present = known.filter(
            ({ state, killedAt }) =>
              !isEnded(state) &&
              killedAt === undefined &&
              !['UNREACHABLE', 'UNKNOWN', 'KILLING'].includes(state),
          ).length;
          const open = unplaced.reduce((sum, one) => sum + one.count, 0);
          expect(placed.length + open).to.equal(Math.max(0, count - present));
          expect(surplus).to.have.lengthOf(Math.max(0, present - count));
          expect(new Set(surplus).size).to.equal(surplus.length);
        },
      ),
    );
  });

  it('completes each key once at a time, and no more than may run in parallel', () => {
    const again = fc.constantFrom('never' as const, 'lost' as const, 'failure' as const);
    fc.assert(
      fc.property(
        cluster,
        tasks,
        again,
        fc.integer({ min: 1, max: 6 }),
        (offers, known, policy, parallel) => {
          const specs = Array.from({ length: 8 }, (_, key): TaskSpec => ({
            name: 'web',
            key: String(key),
            cpus: 0.1,
            memMiB: 1,
            command: 'true',
          }));
          const { placed } = turn(offers, known).complete(specs, { again: policy, parallel });
          const live = known.filter(({ state }) => !isEnded(state));
          expect(placed.length).to.be.at.most(Math.max(0, parallel - live.length));
          expect(new Set(placed.map((one) => one.spec.key)).size).to.equal(placed.length);
          for (const {
            spec: { key },
          } of placed) {
            const states = known.filter((one) => one.key === key).map(({ state }) => state);
            const allowed: readonly TaskStateName[] =
              policy === 'never'
                ? ['DROPPED', 'ERROR']
                : [
                    'DROPPED',
                    'ERROR',
                    'LOST',
                    'GONE',
                    'KILLED',
                    'UNKNOWN',
                    ...(policy === 'failure' ? ['FAILED' as const] : []),
                  ];
            expect(allowed).to.include.members(states);
          }
        },
      ),
    );
  });
});
