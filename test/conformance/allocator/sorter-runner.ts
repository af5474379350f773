/** Runs scenarios about the order in which clients are served, on the share tree alone. */
import { expect } from 'chai';
import {
  ScalarNames,
  type ScalarVector,
  type ShareNode,
  ShareTree,
  weightedShuffle,
} from '../../../core/allocator/index.js';
import { type Random, SeededRandom } from '../../../core/base/index.js';
import { Resources } from '../../../core/resources/index.js';
import { resources } from '../../unit/allocator/resource-text.js';
import {
  type Fields,
  type Scenario,
  fieldsOf,
  listOf,
  quantitiesOf,
  stepOf,
  textOf,
} from './scenario.js';

interface Client {
  readonly node: ShareNode<string>;
  readonly held: Map<string, Resources>;
}

/** Runs one scenario; throws when an expectation does not hold. */
export function runSorterScenario(scenario: Scenario): void {
  const runner = new SorterRunner(scenario);
  for (const step of scenario.steps) runner.step(step);
}

class SorterRunner {
  readonly #names = new ScalarNames();
  readonly #random: Random;
  readonly #tree: ShareTree<string>;
  readonly #clients = new Map<string, Client>();
  readonly #totals = new Map<string, Resources>();

  constructor({ name, sorter, fairnessExcluded = [] }: Scenario) {
    this.#random = new SeededRandom(name);
    this.#tree = new ShareTree({
      names: this.#names,
      fairnessExcluded,
      randomRoles: sorter === 'random' ? this.#random.fork('roles') : undefined,
    });
  }

  step(step: Fields): void {
    const [name, argument] = stepOf(step);
    const handler = this.#handlers[name];
    if (handler === undefined) throw new Error(`unknown step ${name}`);
    handler(argument);
  }

  readonly #handlers: Readonly<Record<string, (argument: unknown) => void>> = {
    add: (argument) => many(argument).forEach((name) => this.#add(name)),
    activate: (argument) =>
      many(argument).forEach((name) => this.#tree.activate(this.#client(name).node)),
    deactivate: (argument) =>
      many(argument).forEach((name) => this.#tree.deactivate(this.#client(name).node)),
    remove: (argument) => many(argument).forEach((name) => this.#remove(name)),
    updateWeight: (argument) => {
      for (const [path, weight] of Object.entries(fieldsOf(argument))) {
        this.#tree.setWeight(path, Number(weight));
      }
    },
    addTotal: (argument) => {
      const { agent, resources: amounts } = fieldsOf(argument);
      this.#totals.set(textOf(agent), resources(amounts));
      this.#tree.changeTotal(this.#names.measure(resources(amounts)), 1);
    },
    removeTotal: (argument) => {
      const total = this.#totals.get(textOf(argument)) ?? Resources.EMPTY;
      this.#tree.changeTotal(this.#names.measure(total), -1);
    },
    allocated: (argument) => this.#change(fieldsOf(argument), 'resources', 'serve'),
    unallocated: (argument) => this.#change(fieldsOf(argument), 'resources', 'release'),
    update: (argument) => {
      this.#change(fieldsOf(argument), 'from', 'release');
      this.#change(fieldsOf(argument), 'to', 'hold');
    },
    expectOrder: (argument) => this.#expectOrder(argument),
    expectMembers: (argument) => expect(this.#order()).to.have.members([...listOf(argument)]),
    expectCount: (argument) => expect(this.#clients.size).to.equal(argument),
    expectContains: (argument) => {
      for (const [name, isThere] of Object.entries(fieldsOf(argument))) {
        expect(this.#clients.has(name), name).to.equal(isThere);
      }
    },
    expectShares: (argument) => {
      for (const [name, share] of Object.entries(fieldsOf(argument))) {
        expect(this.#tree.ownShare(name), name).to.be.closeTo(Number(share), 0.001);
      }
    },
    expectAllocation: (argument) => this.#expectAllocation(fieldsOf(argument)),
    expectQuantities: (argument) => this.#expectQuantities(fieldsOf(argument)),
    expectDistribution: (argument) => expectTable(fieldsOf(argument), () => this.#order()),
    expectShuffle: (argument) => {
      const weights = Object.entries(fieldsOf(fieldsOf(argument)['weights']));
      expectTable(fieldsOf(argument), () =>
        weightedShuffle(this.#random, weights, ([, weight]) => Number(weight)).map(
          ([name]) => name,
        ),
      );
    },
  };

  #add(name: string): void {
    const node = this.#tree.addClient(name, 'client', name);
    this.#clients.set(name, { node, held: new Map() });
  }

  #remove(name: string): void {
    const { node } = this.#client(name);
    this.#tree.charge(node, Float64Array.from(node.allocated), -1);
    this.#tree.removeClient(node);
    this.#clients.delete(name);
  }

  /** What is shared counts once for a client: it is charged by what its holdings measure. */
  #change(fields: Fields, key: string, how: 'serve' | 'hold' | 'release'): void {
    const { node, held } = this.#client(textOf(fields['client']));
    const agent = textOf(fields['agent']);
    const before = held.get(agent) ?? Resources.EMPTY;
    const change = resources(fields[key]);
    const after = how === 'release' ? before.minus(change) : before.plus(change);
    if (after.isEmpty) held.delete(agent);
    else held.set(agent, after);
    const less = this.#measure(how === 'release' ? after : before);
    const more = this.#measure(how === 'release' ? before : after);
    const amounts = more.map((amount, index) => amount - (less[index] ?? 0));
    if (how === 'serve') this.#tree.serve(node, amounts);
    else this.#tree.charge(node, amounts, how === 'hold' ? 1 : -1);
  }

  #measure(held: Resources): ScalarVector {
    return this.#names.measure(held).slice();
  }

  #order(): string[] {
    const order: string[] = [];
    this.#tree.settle();
    this.#tree.walkRoles((leaf) => {
      const clients = this.#tree.clientsOf(leaf);
      let node = clients.at(0);
      for (let place = 1; node !== undefined; place++) {
        order.push(node.client ?? '');
        node = clients.at(place);
      }
      return false;
    });
    return order;
  }

  #expectOrder(argument: unknown): void {
    const choices = Array.isArray(argument) ? [argument] : listOf(fieldsOf(argument)['anyOf']);
    expect(choices).to.deep.include(this.#order());
  }

  #expectAllocation({ client, agent, agents, resources: wanted }: Fields): void {
    const { held } = this.#client(textOf(client));
    if (agents !== undefined) expect(held.size).to.equal(agents);
    if (wanted === undefined) return;
    const found = held.get(textOf(agent)) ?? Resources.EMPTY;
    expect(found.toString()).to.equal(resources(wanted).toString());
  }

  #expectQuantities({ client, quantities }: Fields): void {
    const amounts =
      client === undefined ? this.#tree.allocated : this.#client(textOf(client)).node.allocated;
    const found = this.#names.names.flatMap((name, index) => {
      const amount = amounts[index] ?? 0;
      return amount === 0 ? [] : [[name, amount] as const];
    });
    expect(Object.fromEntries(found)).to.deep.equal(Object.fromEntries(quantitiesOf(quantities)));
  }

  #client(name: string): Client {
    const client = this.#clients.get(name);
    if (client === undefined) throw new Error(`no client ${name}`);
    return client;
  }
}

function many(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(textOf);
}

/** Compares how often each comes at each position with the wanted probabilities. */
function expectTable({ runs, tolerance, table }: Fields, draw: () => readonly string[]): void {
  const wanted = Object.entries(fieldsOf(table));
  const counts = new Map(wanted.map(([name]) => [name, wanted.map(() => 0)]));
  for (let run = 0; run < Number(runs); run++) {
    for (const [position, name] of draw().entries()) {
      const row = counts.get(name);
      if (row !== undefined) row[position] = (row[position] ?? 0) + 1;
    }
  }
  for (const [name, row] of wanted) {
    for (const [position, part] of listOf(row).entries()) {
      const found = (counts.get(name)?.[position] ?? 0) / Number(runs);
      expect(found, `${name} at ${position}`).to.be.closeTo(Number(part), Number(tolerance));
    }
  }
}
