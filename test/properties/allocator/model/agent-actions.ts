/** Calls about agents and the cluster: coming, changing, going, maintenance, weights, quota, failover. */
import { expect } from 'chai';
import type { AgentAllocationState, RoleQuota } from '../../../../core/allocator/index.js';
import type { AgentInfoCapabilityType } from '../../../../core/api/index.js';
import { Resources } from '../../../../core/resources/index.js';
import { resources } from '../../../unit/allocator/resource-text.js';
import { domain } from '../../../unit/allocator/test-cluster.js';
import { type Bench, HOLD_MS } from './bench.js';
import type { Model, ModelAgent, ModelQuota } from './model.js';
import { HOME_REGION } from './offers.js';
import {
  AGENTS,
  type Actions,
  type Choice,
  FRAMEWORKS,
  ROLES,
  agentId,
  filtersOf,
  frameworkId,
  pick,
  refusalMs,
  subset,
} from './step.js';

const TOTALS = [
  'cpus:4;mem:512;disk:100',
  'cpus:2;mem:64;cpus(a):3;disk(a):50;ports:[1-4]',
  'cpus:1;mem:96;mem(b):64;disk(b):80;disk(b)[id=shared-one,shared]:20',
  'cpus:2;mem:64;gpus:2;zones:{x,y}',
  'cpus:3;mem:256;cpus[revocable]:2;cpus(a,+a/b@ops):2;ports:[1-3,7-8]',
  'cpus(a/b):2;mem(a/c):64;cpus:0.5',
];
const QUOTA_ROLES = ['a', 'b', '*'];
const RACKS = [undefined, 'r1', 'r1', 'r2'];
const REGIONS = [undefined, HOME_REGION, HOME_REGION, 'far'];
const CAPABILITIES: readonly (readonly AgentInfoCapabilityType[])[] = [
  ['MULTI_ROLE', 'HIERARCHICAL_ROLE'],
  ['MULTI_ROLE', 'HIERARCHICAL_ROLE', 'RESERVATION_REFINEMENT'],
  ['MULTI_ROLE', 'HIERARCHICAL_ROLE'],
  ['MULTI_ROLE'],
  ['MULTI_ROLE', 'HIERARCHICAL_ROLE'],
  ['HIERARCHICAL_ROLE'],
];
const STATUSES = [undefined, 'ACCEPT', 'DECLINE'] as const;

const hasAgents = (model: Model): boolean => model.agents.size > 0;

function anyAgent({ agents }: Model, number: number): ModelAgent {
  return pick([...agents.values()], number);
}

function stateOf(agent: ModelAgent): AgentAllocationState {
  const { hostname, rack, region, capabilities, total, window } = agent;
  return {
    info: {
      hostname,
      attributes: rack === undefined ? [] : [{ name: 'rack', type: 'TEXT', text: { value: rack } }],
      domain: region === undefined ? undefined : domain({ region, zone: 'z' }),
    },
    capabilities: capabilities.map((type) => ({ type })),
    total,
    unavailability: window,
  };
}

/** Some kind of what there is, and a role that may hold it. */
export function part(
  available: Resources,
  number: number,
): { readonly role: string; readonly resources: Resources } | undefined {
  if (available.isEmpty) return undefined;
  const item = pick(available.items, number);
  const role = item.isReserved ? item.role : pick(ROLES, number);
  return { role, resources: Resources.of([item]) };
}

/** What a framework uses of something that comes, if anything: one part of it. */
function usedOf(
  brought: Resources,
  { two, three }: Choice,
): { framework: string; role: string; resources: Resources }[] {
  const one = two % 3 === 0 ? part(brought, three) : undefined;
  return one === undefined ? [] : [{ framework: pick(FRAMEWORKS, three), ...one }];
}

function heldBy(used: ReturnType<typeof usedOf>) {
  return new Map(
    used.map(({ framework, role, resources: held }) => [
      frameworkId(framework),
      held.allocatedTo(role),
    ]),
  );
}

function quotaOf({ two, three }: Choice): ModelQuota {
  const guarantees = new Map([
    ['cpus', (two % 5) * 1000],
    ['mem', (two % 3) * 64_000],
  ]);
  const limits = new Map<string, number>();
  if (three % 2 === 1) limits.set('cpus', (guarantees.get('cpus') ?? 0) + (three % 4) * 1000);
  if (three % 3 === 1) limits.set('mem', (guarantees.get('mem') ?? 0) + (three % 5) * 32_000);
  return { guarantees, limits };
}

function enterQuota(model: Model, role: string, quota: RoleQuota): void {
  const isNone =
    quota.limits.size === 0 && [...quota.guarantees.values()].every((amount) => amount === 0);
  if (isNone) model.quotas.delete(role);
  else model.quotas.set(role, quota);
}

const windowOf = ({ model }: Bench, number: number) => ({
  start: { nanoseconds: BigInt(model.nowMs + number) * 1_000_000n },
});

export const AGENT_ACTIONS: Actions = {
  addAgent: {
    can: (model, { one }) => !model.agents.has(pick(AGENTS, one)),
    make(bench, choice) {
      const { one, two, three } = choice;
      const name = pick(AGENTS, one);
      const agent: ModelAgent = {
        name,
        hostname: `host-${name}`,
        total: resources(pick(TOTALS, two)),
        isActive: true,
        capabilities: pick(CAPABILITIES, three),
        rack: pick(RACKS, three),
        region: pick(REGIONS, one + three),
        window: one % 5 === 4 ? windowOf(bench, 9000) : undefined,
        asked: new Map(),
      };
      const used = usedOf(agent.total, choice);
      bench.model.agents.set(name, agent);
      bench.model.missingAgents--;
      for (const { framework, role, resources: held } of used) {
        bench.model.give({ agent: name, framework, role }, { used: held });
      }
      bench.allocator.addAgent(agentId(name), stateOf(agent), heldBy(used));
    },
  },
  updateAgent: {
    can: hasAgents,
    make({ model, allocator }, { one, two, three }) {
      const agent = anyAgent(model, one);
      const rack = pick(RACKS, three);
      if (two % 4 === 0) agent.total = agent.total.plus(resources('cpus:1;disk:5'));
      if (two % 4 === 1) agent.total = resources(pick(TOTALS, two));
      if (three % 3 === 0) agent.capabilities = pick(CAPABILITIES, two);
      if (three % 5 === 0) agent.region = pick(REGIONS, two);
      if (agent.rack !== rack) model.dropFilters((filter) => filter.agent === agent.name);
      agent.rack = rack;
      allocator.updateAgent(agentId(agent.name), stateOf(agent));
    },
  },
  removeAgent: {
    can: hasAgents,
    make({ model, allocator }, { one }) {
      const { name } = anyAgent(model, one);
      model.agents.delete(name);
      model.holdings = model.holdings.filter(({ agent }) => agent !== name);
      model.dropFilters((filter) => filter.agent === name);
      allocator.removeAgent(agentId(name));
    },
  },
  activateAgent: {
    can: hasAgents,
    make({ model, allocator }, { one }) {
      const agent = anyAgent(model, one);
      agent.isActive = true;
      allocator.activateAgent(agentId(agent.name));
    },
  },
  deactivateAgent: {
    can: hasAgents,
    make({ model, allocator }, { one }) {
      const agent = anyAgent(model, one);
      agent.isActive = false;
      allocator.deactivateAgent(agentId(agent.name));
    },
  },
  addResourceProvider: {
    can: hasAgents,
    make({ model, allocator }, choice) {
      const agent = anyAgent(model, choice.one);
      const brought = resources('cpus[provider=p]:1;disk[provider=p]:20');
      const used = usedOf(brought, choice);
      agent.total = agent.total.plus(brought);
      for (const { framework, role, resources: held } of used) {
        model.give({ agent: agent.name, framework, role }, { used: held });
      }
      allocator.addResourceProvider(agentId(agent.name), brought, heldBy(used));
    },
  },
  updateWhitelist: {
    make({ model, allocator }, { one, two }) {
      const hosts = subset(AGENTS, one).map((name) => `host-${name}`);
      const whitelist = two % 3 === 2 ? hosts : undefined;
      model.whitelist = whitelist && new Set(whitelist);
      allocator.updateWhitelist(whitelist);
    },
  },
  updateUnavailability: {
    can: hasAgents,
    make(bench, { one, two }) {
      const agent = anyAgent(bench.model, one);
      agent.window = two % 3 === 0 ? undefined : windowOf(bench, two * 1000);
      agent.asked.clear();
      bench.allocator.updateUnavailability(agentId(agent.name), agent.window);
    },
  },
  updateInverseOffer: {
    // Agents and frameworks may have gone.
    make({ model, allocator }, choice) {
      const [agentName, name] = [pick(AGENTS, choice.one), pick(FRAMEWORKS, choice.two)];
      const status = pick(STATUSES, choice.three);
      const filters = filtersOf(choice);
      const agent = model.agents.get(agentName);
      if (agent?.window !== undefined && model.frameworks.has(name)) {
        agent.asked.set(name, {
          isOutstanding: false,
          silentUntilMs:
            filters === undefined ? Number.NEGATIVE_INFINITY : model.nowMs + refusalMs(filters),
          status: status ?? agent.asked.get(name)?.status,
        });
      }
      allocator.updateInverseOffer(agentId(agentName), frameworkId(name), status, filters);
    },
  },
  updateWeights: {
    make({ model, allocator }, { one, two, three }) {
      const weight = pick([1, 2, 0.5, 3], three);
      const roles = [pick(ROLES, one), pick(ROLES, two)];
      for (const role of roles) model.weights.set(role, weight);
      allocator.updateWeights(new Map(roles.map((role) => [role, weight])));
    },
  },
  updateQuota: {
    make({ model, allocator }, choice) {
      const role = pick(QUOTA_ROLES, choice.one);
      const quota = quotaOf(choice);
      enterQuota(model, role, quota);
      allocator.updateQuota(role, quota);
    },
  },
  removeQuota: {
    can: (model) => model.quotas.size > 0,
    make({ model, allocator }) {
      for (const role of model.quotas.keys()) allocator.updateQuota(role, undefined);
      model.quotas.clear();
    },
  },
  recover: {
    can: (model) => !model.hasRecovered && model.agents.size === 0 && model.frameworks.size === 0,
    make({ model, allocator }, choice) {
      model.hasRecovered = true;
      const expectedAgents = choice.three % 6;
      const quotas = new Map([[pick(QUOTA_ROLES, choice.one), quotaOf(choice)]]);
      for (const [role, quota] of quotas) enterQuota(model, role, quota);
      allocator.recover({ expectedAgents, quotas });
      if (model.quotas.size === 0) return;
      model.missingAgents = Math.floor(expectedAgents * 0.8);
      model.holdUntilMs = model.nowMs + HOLD_MS;
    },
  },
  passTime: {
    make: async (bench, { one }) => bench.advance(pick([0, 6, 0, 250, 3000, 7000], one)),
  },
  tick: { make: async (bench) => bench.tick() },
  settle: { make: async (bench) => bench.advance(0) },
  runNow: { make: (bench) => bench.runNow() },
  lookAgain: { make: (bench) => bench.expectSettled() },
  askUnknown: {
    make({ allocator }) {
      expect(allocator.explain(frameworkId('nobody'))).to.equal(undefined);
    },
  },
};
