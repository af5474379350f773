import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { brokenLinks, read } from '../../checks/links.js';
import { repositoryFile } from '../../checks/reference.js';
import * as sdk from '../../../sdk/index.js';
import { type LinkedFolder, linkedFolder } from '../../unit/sdk/linked-package.js';
import { plateau } from '../cli/command.js';
import { stepsOf } from '../sdk/packed/page.js';

const FOLDER = 'docs/sdk/decorators';
const OPTIONS =
  '--ignoreConfig --strict --target es2022 --lib es2023 --module nodenext --skipLibCheck --experimentalDecorators --types node,mocha';
/** The page of decorators that have none of their own. */
const SHARED: Readonly<Record<string, string>> = {
  Get: 'admin.md',
  Post: 'admin.md',
  Put: 'admin.md',
  Patch: 'admin.md',
  Delete: 'admin.md',
};

interface Program {
  readonly name: string;
  readonly text: string;
}

/** The files that a page gives; each has a name of its own among all pages. */
function programsOf(page: string): readonly Program[] {
  return stepsOf(read(page)).flatMap((step) => (step.kind === 'file' ? [step] : []));
}

function pageOf(decorator: string): string {
  const dashed = decorator.replaceAll(/[A-Z]/g, (letter, index) =>
    index === 0 ? letter.toLowerCase() : `-${letter.toLowerCase()}`,
  );
  return SHARED[decorator] ?? `${dashed}.md`;
}

const TESTING = 'docs/sdk/testing.md';

const pages = [
  ...readdirSync(repositoryFile(FOLDER)).map((name) => `${FOLDER}/${name}`),
  'docs/sdk/decorators.md',
  TESTING,
  'docs/sdk/troubleshooting.md',
  'docs/sdk/injection.md',
];

describe('The examples in the pages of the SDK', function () {
  this.timeout(120_000);
  let folder: LinkedFolder;
  const programs = pages.flatMap((page) => programsOf(page));

  before(() => {
    folder = linkedFolder();
    writeFileSync(join(folder.path, 'package.json'), '{"type":"module"}');
    for (const { name, text } of programs) writeFileSync(join(folder.path, name), text);
  });
  after(() => folder.remove());

  function run(
    program: string,
    argv: readonly string[],
  ): { readonly code: number | null; readonly output: string } {
    const path = join(folder.path, 'node_modules', program);
    const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...argv], {
      cwd: folder.path,
      encoding: 'utf8',
    });
    return { code: status, output: stdout + stderr };
  }

  it('have names that none shares', () => {
    const names = programs.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.include.members(['on-offers.test.ts', 'stored.test.ts']);
  });

  it('are all titled, so that none is left out', () => {
    for (const page of pages) {
      const blocks = [...read(page).matchAll(/^```(?:ts|js|json)\b(.*)$/gm)];
      expect(blocks.length, page).to.equal(programsOf(page).length).and.be.greaterThan(0);
    }
  });

  it('compile, and their tests pass', () => {
    const names = programs.map(({ name }) => name).filter((name) => name.endsWith('.ts'));
    const compiled = run('typescript/bin/tsc', [...OPTIONS.split(' '), ...names]);
    expect(compiled.output).to.equal('');
    const tests = names
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => name.replace(/ts$/, 'js'));
    const tested = run('mocha/bin/mocha.js', ['--no-config', '--timeout=20000', ...tests]);
    expect(tested.code, tested.output).to.equal(0);
    const count = Number(/(\d+) passing/.exec(tested.output)?.[1]);
    expect(count).to.be.at.least(tests.length);
  });

  it('come through the seeds of the page about testing', async () => {
    const lines = [...read(TESTING).matchAll(/^npx plateau (simulate (?!.*--bench).*)$/gm)];
    expect(lines).to.have.length(2);
    for (const [, line = ''] of lines) {
      const [command = '', module = '', ...rest] = line.split(' ');
      const path = module.replace('dist', folder.path);
      // As the page has it, but for a thousand seeds, which are for a night.
      const words = rest.map((word) => word.replace('1000', '10'));
      // oxlint-disable-next-line no-await-in-loop -- one after the other: each takes all cores
      const { code, stdout } = await plateau([command, path, ...words]);
      expect(stdout).to.match(/\d0 seeds ran, none failed/);
      expect(code).to.equal(0);
    }
  });

  it('are measured as the page about testing shows', async () => {
    const [, line = ''] = /^npx plateau (simulate .* --bench .*)$/m.exec(read(TESTING)) ?? [];
    const command = line
      .replace('dist', folder.path)
      .replace('100,1000', '10')
      .replace('10m', '1m');
    const { code, stdout } = await plateau([...command.split(' '), '--runs=1']);
    const [, shown = ''] = /^```text\n(AGENTS[^]*?)\n```$/m.exec(read(TESTING)) ?? [];
    const headings = (text: string): readonly string[] =>
      (text.match(/^AGENTS.*$/gm) ?? []).map((row) => row.replace(/ +/g, ' '));
    expect(headings(stdout)).to.deep.equal(headings(shown)).and.to.have.length(2);
    expect(code).to.equal(0);
  });
});

describe('The pages of decorators', () => {
  const decorators = Object.keys(sdk).filter(
    (name) =>
      /^(?:On[A-Z]\w+|Every|Daemon|Framework|Stored|Admin)$/.test(name) ||
      SHARED[name] !== undefined,
  );
  const overview = read('docs/sdk/decorators.md');

  it('are one for each, linked from the overview', () => {
    expect(decorators).to.have.length(22);
    const files = new Set(decorators.map((name) => pageOf(name)));
    expect([...files].toSorted()).to.deep.equal(readdirSync(repositoryFile(FOLDER)).toSorted());
    for (const file of files) expect(overview).to.contain(`](decorators/${file})`);
  });

  it('name the signature that the compiler asks for', () => {
    const source = ['framework/decorators', 'framework/decorator-types', 'admin/decorators']
      .map((name) => read(`sdk/${name}.ts`))
      .join('\n');
    const signatures = new Set(
      [...source.matchAll(/'(\([^'\n]*=> [^'\n]*)'/g)].map(([, text]) => text),
    );
    expect(signatures.size).to.be.greaterThan(10);
    for (const name of decorators) {
      if (name === 'Framework' || name === 'Stored') continue;
      const [, shown] = /^```text\n([^]*?)\n```$/m.exec(read(`${FOLDER}/${pageOf(name)}`)) ?? [];
      expect(signatures.has(shown), `${name}: ${shown}`).to.equal(true);
    }
  });

  it('tell for each when it is called, what is guaranteed, errors and options, and have a test', () => {
    for (const name of readdirSync(repositoryFile(FOLDER))) {
      const text = read(`${FOLDER}/${name}`);
      for (const part of ['**Guarantees', '**Errors', '## Test']) {
        expect(text, name).to.contain(part);
      }
      if (name !== 'stored.md') expect(text, name).to.contain('**Called');
      expect(text, name).to.match(/\*\*(?:Errors, options|Options)/);
    }
  });
});

describe('Links of the pages of the SDK', () => {
  const folders = ['docs/sdk', FOLDER, 'sdk'];
  const all = folders.flatMap((folder) =>
    readdirSync(repositoryFile(folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  );

  for (const page of all) {
    it(`of ${page} lead to pages and headings that exist`, () => {
      expect(brokenLinks(page)).to.deep.equal([]);
    });
  }
});
