import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { findCycles, specifiersOf, withoutComments } from './import-graph.js';
import { checkImports } from './imports.js';

describe('the check of imports', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'plateau-imports-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function write(files: Readonly<Record<string, string>>): void {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
  }

  it('finds nothing to complain about in this repository', () => {
    expect(checkImports(process.cwd())).to.deep.equal([]);
  });

  it('allows what the table allows', () => {
    write({
      'core/base/index.ts': "export { a } from './a.js';",
      'core/base/a.ts': "import { readFileSync } from 'node:fs'; export const a = readFileSync;",
      'core/api/index.ts': "export * from '../base/index.js';",
      'core/cli/main.ts': "const it = await import('../../sdk/runtime/commands.js');",
      'core/containers/launcher/main.ts': "import { a } from '../../base/a.js';",
      'core/index.ts': "export * from './api/index.js';",
      'sdk/runtime/commands.ts': "import { x } from '../../core/command/index.js';",
      'frameworks/cron/run.ts': "import type { B } from '../batch/index.js';",
    });
    expect(checkImports(root)).to.deep.equal([]);
  });

  const refused: Readonly<Record<string, readonly [file: string, text: string]>> = {
    'an upward import': ['core/base/a.ts', "import { b } from '../api/index.js';"],
    'an upward import of types': ['core/api/a.ts', "import type { B } from '../master/index.js';"],
    'an inline type': ['core/api/a.ts', "type T = import('../master/index.js').T;"],
    'a re-export': ['core/agent/a.ts', "export * from '../allocator/index.js';"],
    'a dynamic import': ['core/http/a.ts', "void import('../cli/index.js');"],
    'a bare import': ['core/client/a.ts', "import '../store/index.js';"],
    'a single file of another area': ['core/master/a.ts', "import { b } from '../base/clock.js';"],
    'the core on the SDK': ['core/client/a.ts', "import '../../sdk/runtime/index.js';"],
    'a framework on the core': ['frameworks/batch/a.ts', "import '../../core/api/index.js';"],
    'something in test': ['core/api/a.ts', "import '../../test/checks/imports.js';"],
  };
  for (const [name, [file, text]] of Object.entries(refused)) {
    it(`complains about ${name}, once, naming the file`, () => {
      write({ [file]: `// a comment\n${text}\n` });
      const complaints = checkImports(root);
      expect(complaints).to.have.length(1);
      expect(complaints[0]).to.match(new RegExp(`^${file}: imports `));
    });
  }

  it('complains about what the launcher loads by way of other files', () => {
    write({
      'core/containers/launcher/main.ts': "import '../processes.js';",
      'core/containers/processes.ts': "import '../api/index.js';",
    });
    expect(checkImports(root)).to.have.length(1);
    expect(checkImports(root)[0]).to.match(/^core\/containers\/processes.ts: .* launcher/);
  });

  it('finds cycles between files, of types alone as well', () => {
    write({
      'core/api/a.ts': "import { b } from './b.js';",
      'core/api/b.ts': "import type { C } from './c.js';",
      'core/api/c.ts': "import type { A } from './a.js';",
    });
    expect(checkImports(root)).to.deep.equal([
      'cycle of files: core/api/a.ts → core/api/b.ts → core/api/c.ts → core/api/a.ts',
    ]);
  });

  it('finds cycles between areas that go through different files', () => {
    write({
      'sdk/one/index.ts': '',
      'sdk/one/a.ts': "import '../two/index.js';",
      'sdk/two/index.ts': '',
      'sdk/two/b.ts': "import '../one/index.js';",
    });
    expect(checkImports(root)).to.deep.equal(['cycle of areas: sdk/one → sdk/two → sdk/one']);
  });

  it('reads specifiers of all forms and none from comments and texts', () => {
    const source = `
      import a, { b } from './1.js';
      import type { C } from "./2.js"; // import x from './no.js'
      import {
        d, // with a comment
        type E,
      } from './3.js';
      export { f } from './4.js';
      export * as g from './5.js';
      import './6.js';
      /* import './no.js'; */
      const text = \`import './no.js'\`;
      export const list = Array.from('abc');
      const later = await import('./7.js');`;
    const found = specifiersOf(withoutComments(source)).map(({ specifier }) => specifier);
    expect(found.toSorted()).to.deep.equal([1, 2, 3, 4, 5, 6, 7].map((number) => `./${number}.js`));
  });

  it('finds each of two separate cycles', () => {
    const edges = [
      ['a', 'b'],
      ['b', 'a'],
      ['c', 'd'],
      ['d', 'c'],
      ['b', 'c'],
    ].map(([from = '', to = '']) => ({ from, to }));
    expect(findCycles(edges)).to.deep.equal([
      ['a', 'b', 'a'],
      ['c', 'd', 'c'],
    ]);
  });
});
