import { existsSync } from 'node:fs';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';
import { hasSymbol, isTest, read, sourceLinks } from '../../checks/links.js';

const PAGES = ['batch', 'services', 'cron'];
/** What the sections of each page are about. */
const FAULTS = [
  'An offer',
  'A decline',
  'A rescind',
  'An agent is lost, or comes back',
  'The scheduler dies',
  'The master dies',
  'The store fails',
];

describe('A name in a source file', () => {
  const source = [
    'export class Thing {',
    '  #hidden = 1;',
    '  @OnOffers() place(offers: Offers): void {',
    '    return other();',
    '  }',
    '  get size(): number {',
    '}',
    'export const LIMIT = 3;',
    'function local(): void {}',
  ].join('\n');

  it('is found when it is exported, or a member of what is', () => {
    for (const symbol of ['Thing', 'Thing.place', 'Thing.size', 'LIMIT']) {
      expect(hasSymbol(source, symbol), symbol).to.equal(true);
    }
    for (const symbol of ['Thin', 'local', 'Thing.other', 'Thing.hidden', 'LIMIT.place']) {
      expect(hasSymbol(source, symbol), symbol).to.equal(false);
    }
  });
});

for (const name of PAGES) {
  const page = `docs/${name}-internals.md`;
  describe(`The page ${page}`, () => {
    const links = sourceLinks(page);
    const tests = links.filter(({ file }) => file.endsWith('.test.ts'));
    const symbols = links.filter(({ file }) => !file.endsWith('.test.ts'));

    it('tells of every kind of fault, each with its tests', () => {
      const sections = read(page).split(/^## /m);
      for (const heading of FAULTS) {
        const section = sections.find((text) => text.startsWith(`${heading}\n`));
        expect(section, heading).to.match(/\*Tests?:\*|As in \[batch\]/);
      }
    });

    it('names code that is there, in the file where it is said to be', () => {
      expect(symbols.length).to.be.greaterThan(10);
      const wrong = symbols.filter(({ text, file }) => {
        const symbol = /^`([\w.]+)`$/.exec(text)?.[1];
        return (
          symbol === undefined ||
          !existsSync(repositoryFile(file)) ||
          !hasSymbol(read(file), symbol)
        );
      });
      expect(wrong).to.deep.equal([]);
    });

    it('names tests that are there, by their titles', () => {
      expect(tests.length).to.be.greaterThan(10);
      expect(tests.filter((link) => !isTest(link))).to.deep.equal([]);
    });

    it('names files and folders that are there', () => {
      const paths = [...read(page).matchAll(/`((?:core|sdk|frameworks|test|docs)\/[^`\s]*)`/g)];
      expect(
        paths.flatMap(([, path = '']) => (existsSync(repositoryFile(path)) ? [] : [path])),
      ).to.deep.equal([]);
    });

    it('is linked from the guide, which tells it nowhere else', () => {
      const guide = read(`docs/${name}.md`);
      expect(guide).to.contain(`](${name}-internals.md)`);
      expect(guide).not.to.match(/^## How this scheduler/m);
    });
  });
}

describe('The contract of cron', () => {
  const page = read('docs/cron.md');

  it('has nine rules, each with tests that are there', () => {
    const rules = [...page.matchAll(/^(\d)\. \*\*/gm)].map(([, number]) => number);
    const rows = [...page.matchAll(/^\| (\d) \| \["/gm)].map(([, number]) => number);
    const nine = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    expect([rules, rows]).to.deep.equal([nine, nine]);
    const links = sourceLinks('docs/cron.md');
    expect(links.length).to.be.greaterThan(20);
    expect(links.filter((link) => !isTest(link))).to.deep.equal([]);
  });
});
