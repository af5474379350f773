import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { repositoryFile } from '../../checks/reference.js';

const IMPORT = /^import \{([^}]*)\} from '([^']+)';\n/gm;

function read(path: string): string {
  return readFileSync(repositoryFile(path), 'utf8');
}

/** The fenced blocks of a language; '': those without one. */
function blocks(text: string, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , body = '']) => body);
}

/** Names imported from the SDK, whichever door they come through. */
function sdkNames(program: string): readonly string[] {
  return [...program.matchAll(IMPORT)]
    .filter(([, , from = '']) => from.startsWith('.') || from === 'plateau/sdk')
    .flatMap(([, names = '']) => names.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
    .toSorted();
}

/** A program without its header and imports, and without words to the linter. */
function bodyOf(program: string): string {
  return program
    .replaceAll(IMPORT, '')
    .replace(/^\/\*\*[^]*?\*\/\n/, '')
    .replaceAll(/^ *\/\/ oxlint-disable.*\n/gm, '')
    .trim();
}

describe('The README', () => {
  const readme = read('README.md');
  const [first = ''] = blocks(readme, 'ts');
  const example = read('frameworks/examples/first.ts');

  it('shows the first framework as it is', () => {
    expect(bodyOf(first)).to.equal(bodyOf(example)).and.include('@OnOffers');
  });

  it('imports from the package what the first framework imports from the SDK', () => {
    const packages = [...first.matchAll(IMPORT)].map(([, , from]) => from);
    expect(packages).to.deep.equal(['plateau/sdk']);
    expect(sdkNames(first)).to.deep.equal(sdkNames(example)).and.have.length(8);
  });

  it('imports only what the package exports', async () => {
    const sdk: Readonly<Record<string, unknown>> = await import('../../../sdk/index.js');
    const door = read('sdk/index.ts');
    for (const name of sdkNames(first)) {
      if (name.startsWith('type ')) expect(door).to.match(new RegExp(`^  ${name},$`, 'm'));
      else expect(sdk).to.have.property(name);
    }
  });

  it('gives one line for the cluster and one for the tests, and the scripts exist', () => {
    const [start, test] = blocks(readme, '');
    expect([start, test]).to.deep.equal(['npm ci && npm start\n', 'npm ci && npm test\n']);
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    expect(scripts).to.include.keys('build', 'start', 'test', 'bench', 'generate', 'reference');
    expect(scripts['start'], 'a cluster, and the word count on it')
      .to.match(/ up .*--ephemeral/)
      .and.include('example word-count-job');
  });

  it('names the package and its door as package.json does', () => {
    const manifest = JSON.parse(read('package.json')) as {
      name: string;
      exports: Record<string, { default: string }>;
    };
    expect(manifest.name).to.equal('plateau');
    expect(manifest.exports['./sdk']?.default).to.equal('./dist/sdk/index.js');
  });
});

describe('Links', () => {
  const pages = readdirSync(repositoryFile('docs'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => join('docs', path));

  for (const page of ['README.md', ...pages]) {
    it(`of ${page} lead to files that exist`, () => {
      const targets = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^[a-z]+:/.test(target))
        .map((target) => join(dirname(page), target));
      expect(targets.filter((target) => !existsSync(repositoryFile(target)))).to.deep.equal([]);
    });
  }
});
