/** The table of guarantees has a row for each decorator that the SDK exports, with the policy of the code. */
import { expect } from 'chai';
import * as sdk from '../../../sdk/index.js';
import { read } from '../../checks/links.js';

const PAGE = 'docs/sdk/decorators.md';
/** A check of class-validator that is for the fields of DTOs. */
const NO_DECORATOR_OF_FRAMEWORKS = ['IsDuration'];
/** The decorators without a policy of errors: they are of classes and fields, or of routes. */
const WITHOUT_POLICY = [
  'Framework',
  'Stored',
  'Admin',
  'Mount',
  'Get',
  'Post',
  'Put',
  'Patch',
  'Delete',
];

interface Row {
  readonly names: readonly string[];
  readonly cells: readonly string[];
}

function rowsOf(page: string): readonly Row[] {
  const [, section = ''] = page.split(/^## Guarantees at a glance$/m);
  const [table = ''] = section.split(/^## /m);
  return [...table.matchAll(/^\| (.*) \|$/gm)]
    .map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()))
    .filter(([first = '']) => first.startsWith('[`@'))
    .map(([first = '', ...cells]) => ({
      names: [...first.matchAll(/`@(\w+)`/g)].map(([, name = '']) => name),
      cells,
    }));
}

/** The decorators: functions with a capital that are no classes. */
function decorators(): readonly string[] {
  return Object.entries(sdk)
    .filter(([name, value]) => /^[A-Z]/.test(name) && typeof value === 'function')
    .filter(([, value]) => !/^class\b/.test(Function.prototype.toString.call(value)))
    .map(([name]) => name)
    .filter((name) => !NO_DECORATOR_OF_FRAMEWORKS.includes(name));
}

type Decorate = (target: object, key: string, descriptor: PropertyDescriptor) => void;

/** What happens by default when a method throws that is decorated so. */
function policyOf(name: string): string | undefined {
  class Example {
    place(): void {}
    method(): void {}
  }
  const descriptor = (key: string): PropertyDescriptor =>
    Object.getOwnPropertyDescriptor(Example.prototype, key) ?? {};
  const make = Reflect.get(sdk, name) as (...given: readonly unknown[]) => Decorate;
  const decorate = name === 'Every' ? make('1s') : make();
  decorate(Example.prototype, 'method', descriptor('method'));
  if (name !== 'OnOffers') sdk.OnOffers()(Example.prototype, 'place', descriptor('place'));
  sdk.Framework({ name: 'example' })(Example);
  return sdk.readFramework(Example).handlers.find(({ method }) => method === 'method')?.onError;
}

describe('The table of guarantees', () => {
  const rows = rowsOf(read(PAGE));
  const named = rows.flatMap(({ names }) => names);

  it('has each decorator of the SDK once', () => {
    expect(decorators()).to.include.members(['Framework', 'OnOffers', 'Every', 'Mount']);
    const missing = decorators().filter((name) => !named.includes(name));
    expect(missing, `decorators without a row in ${PAGE}`).to.deep.equal([]);
    const foreign = named.filter((name) => !decorators().includes(name));
    expect(foreign, `rows of ${PAGE} without a decorator`).to.deep.equal([]);
    expect(new Set(named).size).to.equal(named.length);
  });

  it('says something about each in every column', () => {
    for (const { names, cells } of rows) {
      expect(cells, names.join()).to.have.length(6);
      expect(
        cells.filter((cell) => cell === '' || cell === '|'),
        names.join(),
      ).to.deep.equal([]);
    }
  });

  it('has the default policy of each handler from the code', () => {
    const handlers = decorators().filter((name) => !WITHOUT_POLICY.includes(name));
    expect(handlers.length).to.be.greaterThan(12);
    for (const name of handlers) {
      const row = rows.find(({ names }) => names.includes(name));
      expect(row?.cells.at(-1), name).to.equal(`\`${policyOf(name)}\``);
    }
  });
});
