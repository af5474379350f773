/**
 * Runs allocator scenarios: each is a list of steps on a fresh allocator with virtual time that starts
 * at 0. After each step everything that it triggered finishes, then the next one follows.
 */
import { expect } from 'chai';
import { id, isRecord } from '../../../core/base/index.js';
import { Resources, parseAttributes } from '../../../core/resources/index.js';
import { resources } from '../../unit/allocator/resource-text.js';
import {
  type AgentSettings,
  type FrameworkSettings,
  TestCluster,
  type Used,
} from '../../unit/allocator/test-cluster.js';
import { type Expectations, expectationsOf } from './expectations.js';
import { configOf, constraintsOf, offerFiltersOf, quotaOf } from './settings.js';
import {
  type Fields,
  type Scenario,
  durationOf,
  fieldsOf,
  listOf,
  stepOf,
  textOf,
  textsOf,
} from './scenario.js';

/** Runs one scenario; rejects when an expectation does not hold. */
export async function runAllocatorScenario(scenario: Scenario): Promise<void> {
  const runner = new ScenarioRunner(scenario);
  try {
    for (const step of scenario.steps) await runner.step(step);
  } finally {
    runner.cluster.allocator.dispose();
  }
}

class ScenarioRunner {
  readonly cluster: TestCluster;
  readonly #expectations: Expectations;

  constructor({ options = {}, name }: Scenario) {
    this.cluster = new TestCluster(configOf(options), name);
    this.#expectations = expectationsOf(this.cluster);
    if (options['recovery'] !== undefined) this.#recover(fieldsOf(options['recovery']));
  }

  async step(step: unknown): Promise<void> {
    const [name, argument] = stepOf(step);
    await this.#flow(name, argument);
    await this.cluster.settle();
  }

  async #flow(name: string, argument: unknown): Promise<void> {
    if (name === 'tick') await this.cluster.tick(Number(argument));
    else if (name === 'advance') await this.cluster.world.advance(durationOf(argument));
    else if (name === 'repeat') {
      const { times, steps } = fieldsOf(argument);
      for (let round = 0; round < Number(times); round++) {
        for (const step of listOf(steps)) await this.step(step);
      }
    } else if (name === 'together') {
      for (const step of listOf(argument)) this.#change(...stepOf(step));
    } else if (name.startsWith('expect')) {
      const expectation = this.#expectations[name];
      if (expectation === undefined) throw new Error(`unknown step ${name}`);
      expectation(argument);
    } else this.#change(name, argument);
  }

  #change(name: string, argument: unknown): void {
    const fields = isRecord(argument) ? argument : {};
    const change = this.#changes[name];
    if (change === undefined) throw new Error(`unknown step ${name}`);
    if (fields['fails'] === true && name.endsWith('Framework')) {
      expect(() => change(fields, argument))
        .to.throw()
        .with.property('code', 'INVALID_MESSAGE');
    } else change(fields, argument);
  }

  readonly #changes: Readonly<Record<string, (fields: Fields, argument: unknown) => void>> = {
    addAgent: (fields) =>
      this.cluster.addAgent(textOf(fields['id']), fields['resources'], this.#agentOf(fields)),
    updateAgent: (fields) =>
      this.cluster.updateAgent(textOf(fields['id']), {
        ...this.#agentOf(fields),
        ...('resources' in fields ? { total: fields['resources'] } : {}),
      }),
    removeAgent: (_, name) => this.cluster.removeAgent(textOf(name)),
    activateAgent: (_, name) => this.cluster.allocator.activateAgent(agentId(name)),
    deactivateAgent: (_, name) => this.cluster.allocator.deactivateAgent(agentId(name)),
    addResourceProvider: ({ agent, resources: brought, used }) =>
      this.cluster.addResourceProvider(textOf(agent), brought, used as Used | undefined),
    updateUnavailability: (fields) =>
      this.cluster.allocator.updateUnavailability(
        agentId(fields['agent']),
        'start' in fields ? this.#windowOf(fields) : undefined,
      ),
    addFramework: (fields) =>
      this.cluster.addFramework(
        textOf(fields['id']),
        textsOf(fields['roles']),
        frameworkOf(fields),
      ),
    updateFramework: (fields) =>
      this.cluster.updateFramework(
        textOf(fields['id']),
        textsOf(fields['roles']),
        frameworkOf(fields),
      ),
    removeFramework: (_, name) => this.cluster.removeFramework(textOf(name)),
    activateFramework: (_, name) => this.cluster.setActive(textOf(name), true),
    deactivateFramework: (_, name) => this.cluster.setActive(textOf(name), false),
    suppress: ({ framework, roles }) => this.cluster.suppress(textOf(framework), textsOf(roles)),
    revive: ({ framework, roles }) => this.cluster.revive(textOf(framework), textsOf(roles)),
    recover: (fields) => {
      const given = fields['all'] === true ? {} : { resources: fields['resources'] };
      this.cluster.recover({ ...holderOf(fields), ...given }, refusalOf(fields['refuseSeconds']));
    },
    recoverOffered: ({ framework, refuseSeconds }) =>
      this.cluster.recoverOffered(
        framework === undefined ? undefined : textOf(framework),
        refusalOf(refuseSeconds),
      ),
    updateAllocation: (fields) => {
      for (const operation of listOf(fields['operations'])) {
        this.cluster.convert(holderOf(fields), conversionOf(fieldsOf(operation)));
      }
    },
    updateAvailable: (fields) => this.#updateAvailable(fields),
    setQuota: (fields) =>
      this.cluster.allocator.updateQuota(textOf(fields['role']), quotaOf(fields)),
    setWeights: (fields) =>
      this.cluster.allocator.updateWeights(
        new Map(Object.entries(fields).map(([role, weight]) => [role, Number(weight)])),
      ),
    updateWhitelist: (_, hosts) =>
      this.cluster.allocator.updateWhitelist(hosts === null ? undefined : textsOf(hosts)),
    updateInverseOffer: (fields) => this.#answerInverseOffer(fields),
  };

  #updateAvailable(fields: Fields): void {
    const done = listOf(fields['operations']).map((operation) =>
      this.cluster.allocator.updateAvailable(
        agentId(fields['agent']),
        conversionOf(fieldsOf(operation)),
      ),
    );
    expect(done.every(Boolean), 'updateAvailable').to.equal(fields['fails'] !== true);
  }

  #answerInverseOffer({ agent, framework, status, refuseSeconds }: Fields): void {
    const refusal = refusalOf(refuseSeconds);
    const stated = refusal === 'default' ? {} : { refuse_seconds: refusal };
    const filters = refusal === undefined ? undefined : stated;
    const answers = { accept: 'ACCEPT', decline: 'DECLINE' } as const;
    const answer = status === 'accept' || status === 'decline' ? answers[status] : undefined;
    const frameworkId = id<'FrameworkId'>(textOf(framework));
    this.cluster.allocator.updateInverseOffer(agentId(agent), frameworkId, answer, filters);
  }

  #recover({ expectedAgents, quotas }: Fields): void {
    this.cluster.allocator.recover({
      expectedAgents: Number(expectedAgents),
      quotas: new Map(
        Object.entries(fieldsOf(quotas ?? {})).flatMap(([role, fields]) => {
          const quota = quotaOf(fieldsOf(fields));
          return quota === undefined ? [] : [[role, quota]];
        }),
      ),
    });
  }

  #agentOf(fields: Fields): AgentSettings {
    const { hostname, attributes, capabilities, used, region, zone, unavailability } = fields;
    return {
      hostname: hostname === undefined ? undefined : textOf(hostname),
      attributes: attributes === undefined ? undefined : parseAttributes(textOf(attributes)),
      domain:
        region === undefined ? undefined : { region: textOf(region), zone: textOf(zone ?? '') },
      unavailability:
        unavailability === undefined ? undefined : this.#windowOf(fieldsOf(unavailability)),
      capabilities: capabilities as AgentSettings['capabilities'],
      used: used as Used | undefined,
    };
  }

  #windowOf({ start, duration }: Fields): NonNullable<AgentSettings['unavailability']> {
    return this.cluster.window(
      durationOf(start),
      duration === undefined ? undefined : durationOf(duration),
    );
  }
}

function agentId(name: unknown): ReturnType<typeof id<'AgentId'>> {
  return id<'AgentId'>(textOf(name));
}

function holderOf({ framework, agent, role }: Fields): {
  readonly framework: string;
  readonly agent: string;
  readonly role: string;
} {
  return { framework: textOf(framework), agent: textOf(agent), role: textOf(role) };
}

function frameworkOf(fields: Fields): FrameworkSettings {
  const { capabilities, multiRole, suppressed, active, used } = fields;
  const { offerFilters, offerConstraints } = fields;
  return {
    capabilities: capabilities as FrameworkSettings['capabilities'],
    multiRole: multiRole === undefined ? undefined : multiRole === true,
    suppressed: textsOf(suppressed),
    active: active === undefined ? undefined : active === true,
    used: used as Used | undefined,
    offerFilters: offerFilters === undefined ? undefined : offerFiltersOf(fieldsOf(offerFilters)),
    offerConstraints:
      offerConstraints === undefined ? undefined : constraintsOf(fieldsOf(offerConstraints)),
  };
}

/** What an operation takes away and what it puts in its place. */
function conversionOf(operation: Fields): { readonly from: Resources; readonly to: Resources } {
  const [kind, argument] = stepOf(operation);
  if (kind === 'convert') {
    const { from, to } = fieldsOf(argument);
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

function refusalOf(value: unknown): number | 'default' | undefined {
  if (value === undefined || value === 'default') return value;
  return Number(value);
}
