/**
 * Runs allocator scenarios: each is a list of steps on a fresh allocator with virtual time that starts
 * at 0. After each step everything that it triggered finishes, then the next one follows.
 */
import { expect } from 'chai';
import { type AllocatorConfig, DEFAULT_ALLOCATOR_CONFIG } from '../../../core/allocator/index.js';
import { id, isRecord } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { resources } from '../../unit/allocator/resource-text.js';
import {
  type AgentSettings,
  type FrameworkSettings,
  type Offer,
  TestCluster,
  type Used,
  offerLines,
} from '../../unit/allocator/test-cluster.js';

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly variants?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly sorter?: string;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

/** Thrown when a scenario needs what the allocator does not do yet. */
export class Unsupported extends Error {}

type Map_ = Readonly<Record<string, unknown>>;

/** Runs one scenario; rejects when an expectation does not hold. */
export async function runScenario(scenario: Scenario): Promise<void> {
  const runner = new ScenarioRunner(scenario);
  try {
    for (const step of scenario.steps) await runner.step(step);
  } finally {
    runner.cluster.allocator.dispose();
  }
}

class ScenarioRunner {
  readonly cluster: TestCluster;

  constructor(scenario: Scenario) {
    this.cluster = new TestCluster(configOf(scenario.options ?? {}), scenario.name);
  }

  async step(step: Map_): Promise<void> {
    const entry = Object.entries(step)[0];
    if (entry === undefined) throw new Error('an empty step');
    await this.#flow(entry[0], entry[1]);
    await this.cluster.settle();
  }

  async #flow(name: string, argument: unknown): Promise<void> {
    if (name === 'tick') await this.cluster.tick(Number(argument));
    else if (name === 'advance') await this.cluster.world.advance(duration(argument));
    else if (name === 'repeat') {
      const { times, steps } = record(argument);
      for (let round = 0; round < Number(times); round++) {
        for (const step of list(steps)) await this.step(record(step));
      }
    } else if (name === 'together') {
      for (const step of list(argument)) {
        for (const [inner, value] of Object.entries(record(step))) this.#change(inner, value);
      }
    } else if (name.startsWith('expect')) this.#expect(name, argument);
    else this.#change(name, argument);
  }

  #change(name: string, argument: unknown): void {
    const { cluster } = this;
    const map = isRecord(argument) ? argument : {};
    const changes: Record<string, () => void> = {
      addAgent: () => cluster.addAgent(text(map['id']), map['resources'], agentSettings(map)),
      updateAgent: () =>
        cluster.updateAgent(text(map['id']), {
          ...agentSettings(map),
          ...('resources' in map ? { total: map['resources'] } : {}),
        }),
      removeAgent: () => cluster.removeAgent(text(argument)),
      activateAgent: () => cluster.allocator.activateAgent(id<'AgentId'>(text(argument))),
      deactivateAgent: () => cluster.allocator.deactivateAgent(id<'AgentId'>(text(argument))),
      addFramework: () =>
        cluster.addFramework(text(map['id']), texts(map['roles']), frameworkSettings(map)),
      updateFramework: () =>
        cluster.updateFramework(text(map['id']), texts(map['roles']), frameworkSettings(map)),
      removeFramework: () => cluster.removeFramework(text(argument)),
      activateFramework: () => cluster.setActive(text(argument), true),
      deactivateFramework: () => cluster.setActive(text(argument), false),
      suppress: () => cluster.suppress(text(map['framework']), texts(map['roles'])),
      revive: () => cluster.revive(text(map['framework']), texts(map['roles'])),
      recover: () => this.#recover(map),
      recoverOffered: () => {
        const framework = map['framework'];
        cluster.recoverOffered(
          framework === undefined ? undefined : text(framework),
          refusal(map['refuseSeconds']),
        );
      },
      updateAllocation: () => this.#updateAllocation(map),
      updateAvailable: () => this.#updateAvailable(map),
      setWeights: () =>
        cluster.allocator.updateWeights(
          new Map(Object.entries(map).map(([role, weight]) => [role, Number(weight)])),
        ),
    };
    const change = changes[name];
    if (change === undefined) throw new Unsupported(`step ${name}`);
    change();
  }

  #recover(map: Map_): void {
    const from = {
      framework: text(map['framework']),
      agent: text(map['agent']),
      role: text(map['role']),
    };
    const given = map['all'] === true ? {} : { resources: map['resources'] };
    this.cluster.recover({ ...from, ...given }, refusal(map['refuseSeconds']));
  }

  #updateAllocation(map: Map_): void {
    const { cluster } = this;
    const role = text(map['role']);
    const framework = id<'FrameworkId'>(text(map['framework']));
    const agent = id<'AgentId'>(text(map['agent']));
    for (const operation of list(map['operations'])) {
      const { from, to } = conversion(record(operation));
      const bound = { from: from.allocatedTo(role), to: to.allocatedTo(role) };
      cluster.allocator.updateAllocation(framework, agent, bound);
      cluster.outstanding = cluster.outstanding.map((offer) =>
        offer.frameworkId === framework &&
        offer.agentId === agent &&
        offer.resources.contains(bound.from)
          ? { ...offer, resources: offer.resources.minus(bound.from).plus(bound.to) }
          : offer,
      );
    }
  }

  #updateAvailable(map: Map_): void {
    const agent = id<'AgentId'>(text(map['agent']));
    const done = list(map['operations']).map((operation) =>
      this.cluster.allocator.updateAvailable(agent, conversion(record(operation))),
    );
    expect(done.every(Boolean), 'updateAvailable').to.equal(map['fails'] !== true);
  }

  #expect(name: string, argument: unknown): void {
    if (name === 'expectNoOffers') expect(this.cluster.takeOffers()).to.deep.equal([]);
    else if (name === 'expectOffers') this.#expectOffers(argument);
    else if (name === 'expectOfferCounts') this.#expectCounts(record(argument));
    else if (name === 'expectMetrics') this.#expectMetrics(record(argument));
    else throw new Unsupported(`step ${name}`);
  }

  #expectOffers(argument: unknown): void {
    const taken = this.cluster.takeOffers();
    const choices = isRecord(argument) ? list(argument['anyOf']) : [argument];
    const wanted = choices.map((choice) => offerLines(list(choice).map(offerOf)));
    if (wanted.length === 1) expect(taken).to.deep.equal(wanted[0]);
    else expect(wanted.map((lines) => lines.join('\n'))).to.include(taken.join('\n'));
  }

  #expectCounts(wanted: Map_): void {
    const counts: Record<string, number> = {};
    const taken = this.cluster.takeOffers();
    for (const line of taken) {
      const framework = line.split(' ')[0] ?? '';
      counts[framework] = (counts[framework] ?? 0) + 1;
    }
    const { total, ...named } = wanted;
    if (total === undefined) {
      const some = Object.entries(named).filter(([, count]) => count !== 0);
      expect(counts).to.deep.equal(Object.fromEntries(some));
      return;
    }
    expect(taken).to.have.lengthOf(Number(total));
    for (const [framework, count] of Object.entries(named)) {
      expect(counts[framework] ?? 0, framework).to.equal(count);
    }
  }

  #expectMetrics(wanted: Map_): void {
    for (const [name, value] of Object.entries(wanted)) {
      const actual = this.cluster.metric(name.replace(/^allocator\//, ''));
      if (value === 'absent') expect(actual, name).to.equal(undefined);
      else if (value === 'present') expect(actual, name).to.be.a('number');
      else expect(actual, name).to.be.closeTo(Number(value), 0.001);
    }
  }
}

const KNOWN_OPTIONS = new Set([
  'allocationInterval',
  'minAllocatable',
  'fairnessExcluded',
  'filterGpuResources',
]);

function configOf(options: Map_): Partial<AllocatorConfig> {
  for (const [key, value] of Object.entries(options)) {
    const isDefault = key === 'initialized' || (key.endsWith('Sorter') && value === 'drf');
    if (!KNOWN_OPTIONS.has(key) && !isDefault) throw new Unsupported(`option ${key}`);
  }
  const { allocationInterval, minAllocatable, fairnessExcluded } = options;
  return {
    ...(allocationInterval === undefined
      ? {}
      : { allocationIntervalMs: duration(allocationInterval) }),
    minAllocatable:
      minAllocatable === undefined
        ? DEFAULT_ALLOCATOR_CONFIG.minAllocatable
        : texts(minAllocatable).map((amounts) => resources(amounts).quantities()),
    fairnessExcluded: texts(fairnessExcluded),
    filterGpuResources: options['filterGpuResources'] !== false,
  };
}

function agentSettings(map: Map_): AgentSettings {
  if ('region' in map || 'unavailability' in map) throw new Unsupported('domain, unavailability');
  const { hostname, attributes, capabilities, used } = map;
  return {
    hostname: hostname === undefined ? undefined : text(hostname),
    attributes: attributes === undefined ? undefined : attributesOf(text(attributes)),
    capabilities: capabilities as AgentSettings['capabilities'],
    used: used as Used | undefined,
  };
}

function frameworkSettings(map: Map_): FrameworkSettings {
  if ('offerConstraints' in map) throw new Unsupported('offer constraints');
  const { capabilities, multiRole, suppressed, active, used, offerFilters } = map;
  return {
    capabilities: capabilities as FrameworkSettings['capabilities'],
    multiRole: multiRole === undefined ? undefined : multiRole === true,
    suppressed: texts(suppressed),
    active: active === undefined ? undefined : active === true,
    used: used as Used | undefined,
    offerFilters: offerFilters === undefined ? undefined : offerFiltersOf(record(offerFilters)),
  };
}

function offerFiltersOf(map: Map_): NonNullable<FrameworkSettings['offerFilters']> {
  return Object.fromEntries(
    Object.entries(map).map(([role, filter]) => {
      const quantities = texts(record(filter)['minAllocatable']).map((amounts) => ({
        quantities: Object.fromEntries(
          amounts.split(';').map((item) => {
            const [name = '', value] = item.split(':');
            return [name, { value: Number(value) }];
          }),
        ),
      }));
      return [role, { min_allocatable_resources: { quantities } }];
    }),
  );
}

function attributesOf(line: string): Record<string, string> {
  return Object.fromEntries(
    line
      .split(';')
      .map((item) => [item.slice(0, item.indexOf(':')), item.slice(item.indexOf(':') + 1)]),
  );
}

/** What an operation takes away and what it puts in its place. */
function conversion(operation: Map_): { readonly from: Resources; readonly to: Resources } {
  const [kind, argument] = Object.entries(operation)[0] ?? ['', undefined];
  if (kind === 'convert') {
    const { from, to } = record(argument);
    return { from: resources(from), to: resources(to) };
  }
  const after = resources(argument);
  const before = Resources.fromWire(
    after.toWire().map((resource) => {
      if (kind === 'create' || kind === 'destroy') {
        const { disk: _disk, shared: _shared, ...plain } = resource;
        return plain;
      }
      return { ...resource, reservations: resource.reservations?.slice(0, -1) };
    }),
  );
  const isMaking = kind === 'create' || kind === 'reserve';
  return isMaking ? { from: before, to: after } : { from: after, to: before };
}

function offerOf(value: unknown): Offer {
  const map = record(value);
  return {
    framework: text(map['framework']),
    role: text(map['role']),
    agent: text(map['agent']),
    resources: map['resources'],
  };
}

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function duration(value: unknown): number {
  const match = /^([\d.]+)(ms|s|m|h|d)$/.exec(text(value));
  if (match === null) throw new Error(`cannot read duration ${text(value)}`);
  return Number(match[1]) * (MILLISECONDS[match[2] ?? ''] ?? Number.NaN);
}

function refusal(value: unknown): number | 'default' | undefined {
  if (value === undefined || value === 'default') return value;
  return Number(value);
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Error(`expected a text, not ${JSON.stringify(value)}`);
  return value;
}

function texts(value: unknown): readonly string[] {
  return value === undefined ? [] : list(value).map(text);
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`expected a list, not ${JSON.stringify(value)}`);
  return value;
}

function record(value: unknown): Map_ {
  if (!isRecord(value)) throw new Error(`expected a map, not ${JSON.stringify(value)}`);
  return value;
}
