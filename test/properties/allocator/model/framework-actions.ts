/** Calls about frameworks, and about what they hold. */
import { expect } from 'chai';
import type { FrameworkInfo, SchedulerOfferConstraints } from '../../../../core/api/index.js';
import { PlateauError } from '../../../../core/base/index.js';
import {
  Resources,
  isDynamicallyReserved,
  popReservation,
  pushReservation,
  withoutVolumes,
} from '../../../../core/resources/index.js';
import { part } from './agent-actions.js';
import { type Bench, INTERVAL_MS } from './bench.js';
import { type Holding, type Model, type ModelFramework, isBelow } from './model.js';
import { contains, pilesOf } from './piles.js';
import {
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

const CAPABILITIES = [
  'REVOCABLE_RESOURCES',
  'SHARED_RESOURCES',
  'RESERVATION_REFINEMENT',
  'GPU_RESOURCES',
  'REGION_AWARE',
] as const;

const hasFrameworks = (model: Model): boolean => model.frameworks.size > 0;
const offering = (model: Model): Holding[] =>
  model.holdings.filter(({ offered }) => !offered.isEmpty);

const sharing = (model: Model): Holding[] =>
  model.holdings.filter(({ offered }) => offered.items.some(({ shared }) => shared));

function anyFramework({ frameworks }: Model, number: number): ModelFramework {
  return pick([...frameworks.values()], number);
}

/** A new wish list; the framework stays as active as it is. */
function draft(name: string, { one, two, three }: Choice): ModelFramework {
  const roles = new Set(subset(ROLES, one === 0 ? 1 : one));
  return {
    name,
    isActive: two % 8 !== 7,
    roles,
    suppressed: new Set(two % 5 === 0 ? subset([...roles], two >> 3) : []),
    capabilities: subset(CAPABILITIES, three ^ 0b10111),
    picky: new Set(three % 6 === 5 ? subset([...roles], two) : []),
    modest: new Set(three % 5 === 4 ? roles : []),
  };
}

function infoOf({ name, roles, capabilities, modest }: ModelFramework): FrameworkInfo {
  return {
    user: 'nobody',
    name,
    roles: [...roles],
    capabilities: [...capabilities.map((type) => ({ type })), { type: 'MULTI_ROLE' }],
    offer_filters: Object.fromEntries(
      [...modest].map((role) => [role, { min_allocatable_resources: { quantities: [] } }]),
    ),
  };
}

function constraintsOf({ picky }: ModelFramework): SchedulerOfferConstraints {
  const rack = {
    selector: { attribute_name: 'rack' },
    predicate: { text_equals: { value: 'r1' } },
  };
  return {
    role_constraints: Object.fromEntries(
      [...picky].map((role) => [role, { groups: [{ attribute_constraints: [rack] }] }]),
    ),
  };
}

/** Gives resources of a holding back, and enters the refusal. */
function giveBack({ model, allocator }: Bench, from: Holding, back: Return): void {
  const { resources, choice } = back;
  const filters = filtersOf(choice);
  const [framework, agent] = [from.framework, from.agent];
  model.take(from, resources);
  enterRefusal(model, from, { resources, choice });
  allocator.recoverResources(
    frameworkId(framework),
    agentId(agent),
    resources.allocatedTo(from.role),
    filters,
    pick([undefined, 'early', 'batch'] as const, choice.three),
  );
}

interface Return {
  /** Bound to no role. */
  readonly resources: Resources;
  readonly choice: Choice;
}

function enterRefusal(model: Model, from: Holding, { resources, choice }: Return): void {
  const filters = filtersOf(choice);
  const { framework, agent, role } = from;
  const isSubscribed = model.frameworks.get(framework)?.roles.has(role) === true;
  if (filters === undefined || !isSubscribed || resources.isEmpty) return;
  const durationMs = refusalMs(filters);
  if (durationMs === 0) return;
  model.refuse({
    framework,
    agent,
    role,
    refused: pilesOf(resources),
    endMs: model.nowMs + Math.max(durationMs, INTERVAL_MS),
    batches: model.batches,
  });
}

/** Half of a kind, where it can be divided. */
function piece(resources: Resources, number: number): Resources {
  const one = Resources.of([pick(resources.items, number)]);
  const [wire] = one.toWire();
  const value = wire?.scalar?.value ?? 0;
  if (wire === undefined || number % 2 === 0 || value < 1 || wire.disk !== undefined) return one;
  return Resources.fromWire([{ ...wire, scalar: { value: Math.floor(value / 2) || value } }]);
}

/** What an operation could make of a piece that is held in a role; undefined: nothing. */
function converted(
  from: Resources,
  role: string,
  { number, name }: { readonly number: number; readonly name: string },
): Resources | undefined {
  const [item] = from.items;
  if (item === undefined || item.shared || item.revocable) return undefined;
  const isRefining = item.isReserved && isBelow(role, item.role);
  if (item.isPersistentVolume) {
    return withoutVolumes(from);
  }
  if (item.name === 'disk' && item.isReserved && item.providerId === undefined) {
    const disk = {
      persistence: { id: name },
      volume: { mode: 'RW' as const, container_path: 'path' },
    };
    const shared = number % 2 === 0 ? { shared: {} } : {};
    return Resources.fromWire(from.toWire().map((plain) => ({ ...plain, disk, ...shared })));
  }
  if (isDynamicallyReserved(item)) return popReservation(from);
  if (role === '*' || (item.isReserved && !isRefining)) return undefined;
  return pushReservation(from, { type: 'DYNAMIC', role, principal: 'ops' });
}

export const FRAMEWORK_ACTIONS: Actions = {
  addFramework: {
    can: (model, { one }) => !model.frameworks.has(pick(FRAMEWORKS, one)),
    make(bench, choice) {
      const { model, allocator } = bench;
      const framework = draft(pick(FRAMEWORKS, choice.one), choice);
      const { name } = framework;
      const used = new Map<ReturnType<typeof agentId>, Resources>();
      const agent = pick([undefined, ...model.agents.values()], choice.three);
      const one = agent && part(bench.freeOn(agent), choice.two);
      if (agent !== undefined && one !== undefined) {
        used.set(agentId(agent.name), one.resources.allocatedTo(one.role));
        // What agents have told of is not told again.
        const isKnown = model.holdingsOn(agent.name).some((holding) => holding.framework === name);
        const to = { agent: agent.name, framework: name, role: one.role };
        if (!isKnown) model.give(to, { used: one.resources });
      }
      model.frameworks.set(name, framework);
      const state = {
        info: infoOf(framework),
        suppressedRoles: [...framework.suppressed],
        active: framework.isActive,
        offerConstraints: constraintsOf(framework),
      };
      allocator.addFramework(frameworkId(name), state, used);
    },
  },
  updateFramework: {
    can: hasFrameworks,
    make({ model, allocator }, choice) {
      const { name, isActive } = anyFramework(model, choice.one);
      const framework = { ...draft(name, choice), isActive };
      model.frameworks.set(name, framework);
      model.dropFilters((filter) => filter.framework === name && !framework.roles.has(filter.role));
      allocator.updateFramework(
        frameworkId(name),
        infoOf(framework),
        [...framework.suppressed],
        constraintsOf(framework),
      );
    },
  },
  updateFrameworkBadly: {
    can: hasFrameworks,
    make({ model, allocator }, choice) {
      const framework = anyFramework(model, choice.one);
      const bad = { role_constraints: { a: { groups: [] } } };
      const call = () =>
        allocator.updateFramework(frameworkId(framework.name), infoOf(framework), [], bad);
      expect(call).to.throw(PlateauError, /role_constraints/);
    },
  },
  removeFramework: {
    can: hasFrameworks,
    make({ model, allocator }, { one }) {
      const { name } = anyFramework(model, one);
      model.frameworks.delete(name);
      model.holdings = model.holdings.filter(({ framework }) => framework !== name);
      model.dropFilters((filter) => filter.framework === name);
      for (const { asked } of model.agents.values()) asked.delete(name);
      allocator.removeFramework(frameworkId(name));
    },
  },
  activateFramework: {
    can: hasFrameworks,
    make({ model, allocator }, { one }) {
      const framework = anyFramework(model, one);
      framework.isActive = true;
      allocator.activateFramework(frameworkId(framework.name));
    },
  },
  deactivateFramework: {
    can: hasFrameworks,
    make({ model, allocator }, { one }) {
      const framework = anyFramework(model, one);
      const { name } = framework;
      framework.isActive = false;
      model.dropFilters((filter) => filter.framework === name);
      for (const { asked } of model.agents.values()) {
        const known = asked.get(name);
        if (known === undefined) continue;
        asked.set(name, {
          ...known,
          isOutstanding: false,
          silentUntilMs: Number.NEGATIVE_INFINITY,
        });
      }
      allocator.deactivateFramework(frameworkId(name));
    },
  },
  suppress: {
    can: hasFrameworks,
    make({ model, allocator }, { one, two }) {
      const framework = anyFramework(model, one);
      const roles = subset(ROLES, two);
      const meant = [...framework.roles].filter(
        (role) => roles.length === 0 || (roles as string[]).includes(role),
      );
      framework.suppressed = new Set([...framework.suppressed, ...meant]);
      allocator.suppress(frameworkId(framework.name), roles);
    },
  },
  revive: {
    can: hasFrameworks,
    make({ model, allocator }, { one, two }) {
      const framework = anyFramework(model, one);
      const { name } = framework;
      const roles: string[] = subset(ROLES, two);
      const isMeant = (role: string): boolean => roles.length === 0 || roles.includes(role);
      framework.suppressed = new Set([...framework.suppressed].filter((role) => !isMeant(role)));
      model.dropFilters((filter) => filter.framework === name && isMeant(filter.role));
      for (const { asked } of model.agents.values()) {
        const known = asked.get(name);
        if (known !== undefined) {
          asked.set(name, { ...known, silentUntilMs: Number.NEGATIVE_INFINITY });
        }
      }
      allocator.revive(frameworkId(name), roles);
    },
  },
  decline: {
    can: (model) => offering(model).length > 0,
    make(bench, choice) {
      const from = pick(offering(bench.model), choice.one);
      giveBack(bench, from, { resources: from.offered, choice });
    },
  },
  declinePart: {
    can: (model) => offering(model).length > 0,
    make(bench, choice) {
      const from = pick(offering(bench.model), choice.one);
      giveBack(bench, from, { resources: piece(from.offered, choice.two), choice });
    },
  },
  launch: {
    can: (model) => offering(model).length > 0,
    make(bench, choice) {
      const { model, allocator } = bench;
      const from = pick(offering(model), choice.one);
      const { framework, agent, role } = from;
      const task = piece(from.offered, choice.two);
      from.offered = from.offered.minus(task);
      from.used = from.used.plus(task);
      allocator.noteUsed(frameworkId(framework), agentId(agent), task.allocatedTo(role));
      if (from.offered.isEmpty) return;
      giveBack(bench, from, { resources: from.offered, choice });
    },
  },
  finish: {
    can: (model) => model.holdings.some(({ used }) => !used.isEmpty),
    make(bench, choice) {
      const { model, allocator } = bench;
      const from = pick(
        model.holdings.filter(({ used }) => !used.isEmpty),
        choice.one,
      );
      // What is still on offer is given back first: a task that ends gives back what it used.
      const { framework, agent, role, offered, used } = from;
      const all = offered.plus(used);
      model.take(from, all);
      allocator.recoverResources(frameworkId(framework), agentId(agent), all.allocatedTo(role));
    },
  },
  declineAllRoles: {
    can: (model) => offering(model).length > 0,
    make({ model, allocator }, choice) {
      const { framework, agent } = pick(offering(model), choice.one);
      const parts = offering(model).filter(
        (holding) => holding.framework === framework && holding.agent === agent,
      );
      const back = Resources.sum(parts.map(({ offered, role }) => offered.allocatedTo(role)));
      // In the order of the bag, which may matter to the number of refusals that are kept.
      for (const role of back.byAllocationRole().keys()) {
        const from = parts.find((holding) => holding.role === role);
        if (from === undefined) continue;
        const { offered } = from;
        model.take(from, offered);
        enterRefusal(model, from, { resources: offered, choice });
      }
      const ids = [frameworkId(framework), agentId(agent)] as const;
      allocator.recoverResources(...ids, back, filtersOf(choice));
    },
  },
  recoverFromGone: {
    make({ model, allocator }, choice) {
      const [from] = model.holdings;
      const resources = from?.offered.allocatedTo(from.role) ?? Resources.EMPTY;
      const filters = filtersOf(choice);
      const agent = agentId(from?.agent ?? 'gone');
      allocator.recoverResources(frameworkId('gone'), agent, resources, filters);
      allocator.recoverResources(frameworkId('F1'), agentId('gone'), resources, filters);
      allocator.noteUsed(frameworkId('gone'), agent, resources);
    },
  },
  share: {
    can: (model) => sharing(model).length > 0,
    make({ model, allocator }, { one, two }) {
      const holding = pick(sharing(model), one);
      const { framework, agent, role, offered } = holding;
      const items = offered.filter(({ shared }) => shared).toWire();
      const again = Resources.fromWire([pick(items, two)]);
      holding.offered = offered.plus(again);
      allocator.share(frameworkId(framework), agentId(agent), again.allocatedTo(role));
    },
  },
  updateAllocation: {
    can: (model) => offering(model).length > 0,
    make({ model, allocator }, { one, two, three }) {
      const holding = pick(offering(model), one);
      const agent = model.agents.get(holding.agent);
      const from = piece(holding.offered, two);
      const to = converted(from, holding.role, {
        number: three,
        name: `volume-${model.volumes++}`,
      });
      // An agent that has shrunk may have less than is held: the master refuses operations on that.
      if (agent?.total.contains(from) !== true || to === undefined) return;
      agent.total = agent.total.minus(from).plus(to);
      holding.offered = holding.offered.minus(from).plus(to);
      const { framework, role } = holding;
      allocator.updateAllocation(frameworkId(framework), agentId(holding.agent), {
        from: from.allocatedTo(role),
        to: to.allocatedTo(role),
      });
    },
  },
  updateAvailable: {
    can: (model) => [...model.agents.values()].some(({ total }) => !total.isEmpty),
    make({ model, allocator }, { one, two, three }) {
      const agents = [...model.agents.values()].filter(({ total }) => !total.isEmpty);
      const agent = pick(agents, one);
      const from = piece(agent.total, two);
      const role = pick(ROLES, three);
      const to = converted(from, role, { number: three, name: `volume-${model.volumes++}` });
      if (to === undefined) return;
      const isFree = contains(model.freeOn(agent), pilesOf(from));
      expect(allocator.updateAvailable(agentId(agent.name), { from, to })).to.equal(isFree);
      if (isFree) agent.total = agent.total.minus(from).plus(to);
    },
  },
};
