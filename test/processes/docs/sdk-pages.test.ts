import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
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

function read(path: string): string {
  return readFileSync(repositoryFile(path), 'utf8');
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

const pages = [
  ...readdirSync(repositoryFile(FOLDER)).map((name) => `${FOLDER}/${name}`),
  'docs/sdk/decorators.md',
  'docs/sdk/testing.md',
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
    const lines = [...read('docs/sdk/testing.md').matchAll(/^npx plateau (simulate .*)$/gm)];
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
});

describe('The pages of decorators', () => {
  const decorators = Object.keys(sdk).filter(
    (name) =>
      /^(?:On[A-Z]\w+|Every|Framework|Stored|Admin)$/.test(name) || SHARED[name] !== undefined,
  );
  const overview = read('docs/sdk/decorators.md');

  it('are one for each, linked from the overview', () => {
    expect(decorators).to.have.length(21);
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

/** The names by which a page's headings are linked. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('Links of the pages of the SDK', () => {
  const folders = ['docs/sdk', FOLDER, 'sdk'];
  const all = folders.flatMap((folder) =>
    readdirSync(repositoryFile(folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  );

  for (const page of all) {
    it(`of ${page} lead to pages and headings that exist`, () => {
      const links = [...read(page).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)];
      const broken = links.filter(([, target = '', anchor]) => {
        if (/^[a-z]+:/.test(target)) return false;
        const path = target === '' ? page : join(dirname(page), target);
        if (!existsSync(repositoryFile(path))) return true;
        return anchor !== undefined && !anchorsOf(read(path)).has(anchor);
      });
      expect(broken.map(([link]) => link)).to.deep.equal([]);
    });
  }
});
